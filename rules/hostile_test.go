package rules_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"armor/rules"
)

// refusal loads a tree and gives what the loader says, in one text: its error, or its warnings.
func refusal(t *testing.T, fsys fs.FS) (text string, loaded bool) {
	t.Helper()
	rs, err := rules.Load(rules.Options{}, rules.Source{FS: fsys})
	if err != nil {
		return err.Error(), false
	}
	var b strings.Builder
	for _, p := range rs.Problems() {
		fmt.Fprintln(&b, p)
	}
	return b.String(), true
}

const oneRule = `<group name="g,"><rule id="100" level="3"><match>x</match><description>d</description></rule></group>`

// Files made to hurt are refused, or loaded without what hurts, and the finding says where.
func TestHostileFiles(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("<!DOCTYPE lolz [\n<!ENTITY lol \"lol\">\n")
	for i := range 9 {
		fmt.Fprintf(&bomb, "<!ENTITY lol%d \"%s\">\n", i+1, strings.Repeat(fmt.Sprintf("&lol%d;", i), 10))
	}
	bomb.WriteString("]>\n" + strings.Replace(oneRule, ">x<", ">&lol9;<", 1))
	var doubling strings.Builder
	doubling.WriteString(`<var name="V0">aaaaaaaaaa</var>` + "\n")
	for i := range 40 {
		fmt.Fprintf(&doubling, "<var name=\"V%d\">$V%d$V%d</var>\n", i+1, i, i)
	}
	doubling.WriteString(strings.Replace(oneRule, ">x<", ">$V40<", 1))
	for name, c := range map[string]struct {
		files  map[string]string
		loaded bool
		want   string
	}{
		"100 MB of XML":           {map[string]string{"rules/r.xml": oneRule + strings.Repeat("<!-- comment -->", 100<<20/16)}, false, "rules/r.xml: file is larger than 32 MiB"},
		"an entity bomb":          {map[string]string{"rules/r.xml": bomb.String()}, false, "rules/r.xml:"},
		"variables that double":   {map[string]string{"rules/r.xml": doubling.String()}, true, ""},
		"a NUL byte":              {map[string]string{"rules/r.xml": strings.Replace(oneRule, "<match>", "<ma\x00tch>", 1)}, false, "rules/r.xml:1"},
		"invalid UTF-8 in a name": {map[string]string{"rules/r.xml": strings.Replace(oneRule, "<match>", "<m\xff>", 1)}, false, "rules/r.xml:1"},
		"NUL and bytes in a text": {map[string]string{"rules/r.xml": strings.Replace(oneRule, ">x<", ">x\x00\xff\xfe<", 1)}, true, ""},
		"one id in two files":     {map[string]string{"rules/a.xml": oneRule, "rules/b.xml": "\n" + oneRule}, true, "rules/b.xml:2: rule 100: has the number of the rule at rules/a.xml:1"},
		"a list with bad lines": {map[string]string{"rules/r.xml": oneRule, "lists/l": "a:1\nno colon\n\"b:c\":2\n\x00\xff\n"},
			true, "lists/l:2: no \"key:value\"; the line is skipped"},
		"a list of bad lines only": {map[string]string{"rules/r.xml": oneRule, "lists/l": strings.Repeat("nothing\n", 1_000_000)}, true, "lists/l:21: 999980 more lines"},
		"settings that are no YAML": {map[string]string{"rules/r.xml": oneRule, "ruleset.yaml": "exclude: [\x00"},
			false, "ruleset.yaml"},
		"settings with a YAML bomb": {map[string]string{"rules/r.xml": oneRule, "ruleset.yaml": "a: &a [x,x,x,x,x,x,x,x,x]\n" +
			"b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n" +
			"f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\nexclude: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n"}, false, "ruleset.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			m := fstest.MapFS{}
			for f, text := range c.files {
				m[f] = &fstest.MapFile{Data: []byte(text)}
			}
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got, loaded := refusal(t, m)
			runtime.ReadMemStats(&after)
			if loaded != c.loaded || !strings.Contains(got, c.want) {
				t.Errorf("loaded %v, expected %v; %q is not in:\n%.500s", loaded, c.loaded, c.want, got)
			}
			if n := (after.TotalAlloc - before.TotalAlloc) >> 20; n > 400 {
				t.Errorf("%d MiB allocated", n)
			}
		})
	}
}

// Trees of files that are not what they seem.
func TestHostileTrees(t *testing.T) {
	write := func(dir, name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := func(dir, to, name string) {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		make   func(dir string)
		loaded bool
		want   string
	}{
		"rules is a file": {func(d string) { write(d, "rules", oneRule) }, false, "rules"},
		"decoders is a file": {func(d string) {
			write(d, "rules/r.xml", oneRule)
			write(d, "decoders", "x")
		}, false, "decoders"},
		"a rule file is a folder": {func(d string) {
			write(d, "rules/r.xml", oneRule)
			write(d, "rules/x.xml/y", "")
		}, true, ""},
		"a link to itself": {func(d string) {
			write(d, "rules/r.xml", oneRule)
			link(d, "loop.xml", "rules/loop.xml")
		}, false, "rules/loop.xml"},
		"a folder that links to its parent": {func(d string) {
			write(d, "rules/r.xml", oneRule)
			write(d, "lists/l", "a:1")
			link(d, "..", "lists/up")
		}, true, "lists/up: list cannot be read"},
		"rules links to itself": {func(d string) { link(d, "rules", "rules") }, false, "rules"},
		"a link to nothing": {func(d string) {
			write(d, "rules/r.xml", oneRule)
			link(d, "nowhere", "rules/gone.xml")
		}, false, "rules/gone.xml"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c.make(dir)
			got, loaded := refusal(t, os.DirFS(dir))
			if loaded != c.loaded || !strings.Contains(got, c.want) {
				t.Errorf("loaded %v, expected %v; %q is not in:\n%.500s", loaded, c.loaded, c.want, got)
			}
		})
	}
}

// denied is a tree with a file that may not be read.
type denied struct {
	fs.FS
	name string
}

func (d denied) Open(name string) (fs.File, error) {
	if name == d.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return d.FS.Open(name)
}

func TestUnreadableFiles(t *testing.T) {
	files := tree("rules/r.xml", oneRule, "decoders/d.xml", loginDecoder, "lists/l", "a:1", "ruleset.yaml", "lists: [l]")
	for name, loads := range map[string]bool{"rules/r.xml": false, "decoders/d.xml": false, "rules": false, "ruleset.yaml": false, "lists/l": true} {
		got, loaded := refusal(t, denied{files, name})
		if loaded != loads || !strings.Contains(got, name) || !strings.Contains(got, "permission denied") {
			t.Errorf("%s: loaded %v: %s", name, loaded, got)
		}
	}
}

// A chain of 5,000 rules is cut where the walk may not go deeper, with line and number; a million entries load.
func TestDeepChainAndLongList(t *testing.T) {
	var chain, list strings.Builder
	chain.WriteString(`<group name="g,">` + "\n")
	chain.WriteString(`<rule id="100000" level="3"><match>x</match><description>d</description></rule>` + "\n")
	for i := range 5000 {
		fmt.Fprintf(&chain, "<rule id=\"%d\" level=\"3\"><if_sid>%d</if_sid><description>d</description></rule>\n", 100_001+i, 100_000+i)
	}
	chain.WriteString("</group>")
	got, loaded := refusal(t, tree("rules/r.xml", chain.String()))
	if loaded || !strings.Contains(got, "rules/r.xml:514: rule 100512: hangs 513 rules deep; at most 512 are allowed") {
		t.Errorf("loaded %v: %.300s", loaded, got)
	}
	for i := range 1_000_000 {
		fmt.Fprintf(&list, "key-%d:value\n", i)
	}
	rs := mustLoad(t, rules.Options{}, "decoders/app.xml", loginDecoder, "lists/long", list.String(), "rules/r.xml",
		`<group name="g,"><rule id="100" level="3"><list field="dstuser" lookup="match_key">etc/lists/long</list><description>d</description></rule></group>`)
	v := rules.NewEngine(rs, rules.EngineOptions{}).Evaluate(&rules.Event{Log: "Nov 23 12:00:00 host app[1]: login key-999999 from 1.2.3.4 via ssh"})
	if v.Rule == nil {
		t.Error("the last of a million entries is not found")
	}
}

// A pattern built to backtrack is given up within bounds; the verdict names it, and the next event is not affected.
func TestBacktrackingIsBoundedAndNamed(t *testing.T) {
	for name, rule := range map[string]string{
		"nested repetition with look-ahead": `<regex type="pcre2">^(?=(a+)+$)((a+)+)+\1b$</regex>`,
		"back reference":                    `<regex type="pcre2">(a*)*(a*)*\1\2z$</regex>`,
		"OS_Regex that starts over":         `<regex>a\S*x</regex>`,
	} {
		rs := mustLoad(t, rules.Options{}, "rules/r.xml", `<group name="g,"><rule id="100" level="3">`+rule+`<description>d</description></rule>
<rule id="101" level="2"><match>a</match><description>other</description></rule></group>`)
		e := rules.NewEngine(rs, rules.EngineOptions{})
		v := e.Evaluate(&rules.Event{Log: strings.Repeat("a", 100_000) + " x"})
		if v.Rule == nil || v.Rule.ID != 101 || v.GaveUp == nil || !strings.Contains(v.GaveUp.Error(), "counts as not matching") {
			t.Errorf("%s: rule %v, gave up: %v", name, v.Rule, v.GaveUp)
		}
		if v := e.Evaluate(&rules.Event{Log: "a quiet line"}); v.GaveUp != nil {
			t.Errorf("%s: the next event: %v", name, v.GaveUp)
		}
	}
}

// TestLoadCost holds the memory that the reference ruleset takes once loaded. BenchmarkLoadReference has the time.
func TestLoadCost(t *testing.T) {
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	rs := loadReference(t)
	e := rules.NewEngine(rs, rules.EngineOptions{})
	grown := (heap() - before) >> 20
	t.Logf("%d rules, %d decoders: %d MiB", len(rs.Rules()), rs.DecoderCount(), grown)
	if grown > 50 {
		t.Errorf("the loaded ruleset takes %d MiB; it should stay under 50, so that a process stays under 150 with what the collector leaves", grown)
	}
	runtime.KeepAlive(e)
}
