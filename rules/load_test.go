package rules_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"armor/rules"
)

// tree makes a source of files given as name, content, name, content...
func tree(files ...string) fs.FS {
	m := fstest.MapFS{}
	for i := 0; i+1 < len(files); i += 2 {
		m[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return m
}

func mustLoad(t testing.TB, opts rules.Options, files ...string) *rules.Ruleset {
	t.Helper()
	rs, err := rules.Load(opts, rules.Source{FS: tree(files...)})
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

// findings loads files that have mistakes and gives what the loader says, one finding a line.
func findings(t *testing.T, opts rules.Options, files ...string) []string {
	t.Helper()
	rs, err := rules.Load(opts, rules.Source{FS: tree(files...)})
	var problems []rules.Problem
	var load *rules.LoadError
	switch {
	case errors.As(err, &load):
		problems = load.Problems
		if rs != nil {
			t.Error("a ruleset came with the error")
		}
	case err != nil:
		t.Fatal(err)
	default:
		problems = rs.Problems()
	}
	var out []string
	for _, p := range problems {
		out = append(out, p.Severity.String()+" "+p.String())
	}
	return out
}

const tenMistakes = `<group name="test,">
  <rule id="100001">
    <match>a</match><description>no level</description>
  </rule>
  <rule level="3">
    <match>a</match><description>no id</description>
  </rule>
  <rule id="100003" level="17">
    <match>a</match><description>level out of range</description>
  </rule>
  <rule id="100004" level="3">
    <regex>a(b</regex><description>bad regex</description>
  </rule>
  <rule id="100005" level="3">
    <macth>a</macth><description>unknown element</description>
  </rule>
  <rule id="100006" level="3" colour="red">
    <match>a</match><description>unknown attribute</description>
  </rule>
  <rule id="100007" level="3">
    <decoded_as>nothing</decoded_as><description>unknown decoder</description>
  </rule>
  <rule id="100008" level="3" frequency="1" timeframe="60">
    <if_matched_sid>100001</if_matched_sid><description>frequency out of range</description>
  </rule>
  <rule id="100009" level="3">
    <match>a</mtach><description>closing tag misspelt</description>
  </rule>
  <rule id="100010" level="3">
    <field name="srcip">1.2.3.4</field><description>static field as dynamic</description>
  </rule>
</group>
`

func TestTenMistakesAtOnce(t *testing.T) {
	got := findings(t, rules.Options{}, "rules/bad.xml", tenMistakes)
	var errs []string
	for _, f := range got {
		if strings.HasPrefix(f, "error ") {
			errs = append(errs, strings.Join(strings.SplitN(f, ":", 3)[:2], ":"))
		}
	}
	want := []string{
		"error rules/bad.xml:2", "error rules/bad.xml:5", "error rules/bad.xml:8", "error rules/bad.xml:12", "error rules/bad.xml:15",
		"error rules/bad.xml:17", "error rules/bad.xml:21", "error rules/bad.xml:23", "error rules/bad.xml:27", "error rules/bad.xml:30",
	}
	if d := cmp.Diff(want, errs); d != "" {
		t.Errorf("findings (-want +got):\n%s\nall:\n%s", d, strings.Join(got, "\n"))
	}
}

func TestDecoderMistakes(t *testing.T) {
	got := findings(t, rules.Options{}, "decoders/bad.xml", `<decoder name="a"><program_name>^a</program_name></decoder>
<decoder><prematch>x</prematch></decoder>
<decoder name="b"><prematch type="osmatch">x</prematch></decoder>
<decoder name="c"><prematch>x</prematch><regex>y(\d)</regex></decoder>
<decoder name="d"><prematch>x</prematch><order>id</order></decoder>
<decoder name="e"><parent>unknown</parent><regex>y(\d)</regex><order>id</order></decoder>
<decoder name="f"><parent>a</parent><regex offset="after_regex">y(\d)</regex><order>id</order></decoder>
<decoder name="g"><prematch>x</prematch><plugin_decoder>Nothing</plugin_decoder></decoder>
<decoder name="h"><prematch>x</prematch><type>weather</type></decoder>
<decoder name="i"><regex>y(\d)</regex><order>id</order></decoder>
<decoder name="j"><parent>a</parent><regex>y(\d)</regex><order>id</order></decoder>
<decoder name="j"><parent>a</parent><prematch>x</prematch><regex>y(\d)</regex><order>id</order></decoder>
<rule id="1"/>
`)
	var lines []int
	for _, f := range got {
		var line int
		if _, err := fmt.Sscanf(f, "error decoders/bad.xml:%d:", &line); err != nil {
			t.Errorf("unexpected finding %q", f)
		}
		lines = append(lines, line)
	}
	if d := cmp.Diff([]int{2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13}, lines); d != "" {
		t.Errorf("lines with errors (-want +got):\n%s\n%s", d, strings.Join(got, "\n"))
	}
}

// What the reference skips is skipped and reported, and the rest works.
func TestSkippedRulesAreReported(t *testing.T) {
	files := []string{"decoders/d.xml", `<decoder name="d"><program_name>^d$</program_name></decoder>`, "rules/r.xml", `<group name="g,">
<rule id="100" level="3"><match>x</match><description>first</description></rule>
<rule id="100" level="5"><match>y</match><description>again</description></rule>
<rule id="101" level="3"><if_sid>999</if_sid><description>unknown parent</description></rule>
<rule id="102" level="3"><if_sid>101</if_sid><description>parent left out</description></rule>
<rule id="103" level="3"><list field="srcip">etc/lists/none</list><description>no list</description></rule>
<rule id="104" level="3"><if_sid>100|1</if_sid><description>odd separator</description></rule>
<rule id="105" level="3"><if_group>nobody</if_group><description>no such group</description></rule>
<rule id="106" level="3"><if_sid>100, 888</if_sid><match>z</match><description>one of two known</description></rule>
</group>`}
	got := findings(t, rules.Options{}, files...)
	lines := map[int]int{}
	for _, f := range got {
		var line int
		if _, err := fmt.Sscanf(f, "warning rules/r.xml:%d:", &line); err != nil {
			t.Errorf("unexpected finding %q", f)
		}
		lines[line]++
	}
	if d := cmp.Diff(map[int]int{3: 1, 4: 2, 5: 2, 6: 1, 7: 1, 8: 1, 9: 1}, lines); d != "" {
		t.Errorf("warnings by line (-want +got):\n%s\n%s", d, strings.Join(got, "\n"))
	}
	rs := mustLoad(t, rules.Options{}, files...)
	if got := len(rs.Rules()); got != 2 {
		t.Errorf("%d rules, expected 100 and 106", got)
	}
	opts := rules.Options{Strict: true}
	if _, err := rules.Load(opts, rules.Source{FS: tree(files...)}); err == nil {
		t.Error("strict loading accepted warnings")
	}
}

func TestIncludeExcludeAndTesting(t *testing.T) {
	rule := func(id int) string {
		return fmt.Sprintf(`<group name="g,"><rule id="%d" level="3"><match>x</match><description>d</description></rule></group>`, id)
	}
	files := []string{
		"rules/0100-a.xml", rule(100), "rules/0200-b.xml", rule(200), "testing/t_rules.xml", rule(300),
		"testing/t_decoders.xml", `<decoder name="t"><program_name>^t$</program_name></decoder>`,
		"rules/0215-policy_rules.xml", rule(400), "rules/readme.txt", "no XML",
	}
	ids := func(opts rules.Options) []int {
		var out []int
		for _, r := range mustLoad(t, opts, files...).Rules() {
			out = append(out, r.ID)
		}
		return out
	}
	for name, c := range map[string]struct {
		opts rules.Options
		want []int
	}{
		"all":     {rules.Options{}, []int{100, 200, 300}}, // 400: the reference's default exclusion
		"include": {rules.Options{Include: []string{"*-b.xml"}}, []int{200}},
		"path":    {rules.Options{Include: []string{"testing/*"}}, []int{300}},
		"exclude": {rules.Options{Exclude: []string{"0100*"}}, []int{200, 300}},
		"named":   {rules.Options{Include: []string{"*policy*"}}, []int{400}},
	} {
		if d := cmp.Diff(c.want, ids(c.opts)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	if _, err := rules.Load(rules.Options{Include: []string{"nothing*"}}, rules.Source{FS: tree(files...)}); err == nil {
		t.Error("an include that matches nothing is no error")
	}
	if notes := mustLoad(t, rules.Options{}, files...).Notes(); len(notes) != 1 {
		t.Errorf("notes: %q", notes)
	}
	yaml := append(files[:len(files):len(files)], "ruleset.yaml", "exclude: [rules/0200-b.xml]\n")
	if got := len(mustLoad(t, rules.Options{}, yaml...).Rules()); got != 3 {
		t.Errorf("%d rules with ruleset.yaml, expected 100, 300 and 400", got)
	}
	bad := append(files[:len(files):len(files)], "ruleset.yaml", "exlude: []\n")
	if _, err := rules.Load(rules.Options{}, rules.Source{FS: tree(bad...)}); err == nil || !strings.Contains(err.Error(), "exlude") {
		t.Errorf("unknown key in ruleset.yaml: %v", err)
	}
}

func TestHash(t *testing.T) {
	a := mustLoad(t, rules.Options{}, "rules/a.xml", `<group name="g,"></group>`)
	same := mustLoad(t, rules.Options{}, "rules/a.xml", `<group name="g,"></group>`)
	other := mustLoad(t, rules.Options{}, "rules/a.xml", `<group name="h,"></group>`)
	if a.Hash() != same.Hash() || a.Hash() == other.Hash() || len(a.Hash()) != 64 {
		t.Errorf("hashes %s, %s, %s", a.Hash(), same.Hash(), other.Hash())
	}
}

// Files made to hurt load or are refused, within bounds.
func TestHostileRules(t *testing.T) {
	wrap := func(body string) string { return `<group name="g,">` + body + `</group>` }
	rule := func(id int, body string) string {
		return fmt.Sprintf("<rule id=\"%d\" level=\"3\">%s<description>d</description></rule>\n", id, body)
	}
	var many, chain, groups, wide strings.Builder
	for i := range 100_000 {
		many.WriteString(rule(100_000+i, "<if_sid>100000</if_sid><match>word"+fmt.Sprint(i)+"</match>"))
		chain.WriteString(rule(100_000+i, fmt.Sprintf("<if_sid>%d</if_sid>", 99_999+i)))
		groups.WriteString(rule(100_000+i, "<if_group>g</if_group>"))
	}
	for i := range 60 {
		wide.WriteString(rule(200+2*i, fmt.Sprintf("<if_sid>%d,%d</if_sid>", 198+2*i, 199+2*i)))
		wide.WriteString(rule(201+2*i, fmt.Sprintf("<if_sid>%d,%d</if_sid>", 198+2*i, 199+2*i)))
	}
	base := rule(99_999, "<match>x</match>")
	for name, c := range map[string]struct {
		text string
		ok   bool
	}{
		"100,000 siblings":        {wrap(rule(99_998, "<match>x</match>") + strings.Replace(many.String(), "<if_sid>100000</if_sid>", "", 1)), true},
		"chain of 100,000":        {wrap(base + chain.String()), false},
		"everything under all":    {wrap(base + groups.String()), false},
		"cycle":                   {wrap(rule(100, "<if_sid>101</if_sid>") + rule(101, "<if_sid>100</if_sid>")), true},
		"own parent":              {wrap(rule(100, "<if_sid>100</if_sid>")), true},
		"deep nesting":            {strings.Repeat("<group name=\"g\">", 100_000), false},
		"no XML":                  {strings.Repeat("<", 100_000), false},
		"binary":                  {"\x00\xff\xfe<rule", false},
		"a variable in itself":    {`<var name="X">$X$X</var>` + wrap(rule(100, "<match>$X</match>")), true},
		"diamonds, 2^60 ways":     {wrap(rule(198, "<match>x</match>") + rule(199, "<match>x</match>") + wide.String()), true},
		"variables that multiply": {`<var name="X">` + strings.Repeat("a", 10_000) + `</var>` + wrap(rule(100, "<match>"+strings.Repeat("$X", 10_000)+"</match>")), false},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			rs, err := rules.Load(rules.Options{}, rules.Source{FS: tree("rules/r.xml", c.text)})
			if (err == nil) != c.ok {
				t.Fatalf("loaded: %v, expected %v: %.300v", err == nil, c.ok, err)
			}
			if rs != nil {
				e := rules.NewEngine(rs, rules.EngineOptions{})
				e.Evaluate(&rules.Event{Log: "no such thing"})
				e.Evaluate(&rules.Event{Log: "x word99999 is here"})
			}
			t.Logf("%v", time.Since(start).Round(time.Millisecond))
		})
	}
}
