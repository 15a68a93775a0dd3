package lint_test

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"armor/internal/testenv"
	"armor/rules"
	"armor/rules/lint"
	"armor/rules/ruleset"
)

const decoders = `<decoder name="app"><program_name>^app$</program_name></decoder>
<decoder name="app-fields"><parent>app</parent><regex>from (\S+) by (\S+)</regex><order>srcip, who</order></decoder>
<decoder name="other"><prematch>^other</prematch></decoder>
<decoder name="js"><prematch>^{</prematch><plugin_decoder>JSON_Decoder</plugin_decoder></decoder>`

// check lints rules in a group "g,".
func check(t *testing.T, body string, files ...string) []lint.Finding {
	t.Helper()
	fsys := fstest.MapFS{
		"decoders/d.xml": {Data: []byte(decoders)},
		"rules/r.xml":    {Data: []byte(`<group name="g,">` + body + `</group>`)},
	}
	for i := 0; i+1 < len(files); i += 2 {
		fsys[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	rs, err := rules.Load(rules.Options{}, rules.Source{FS: fsys})
	if err != nil {
		t.Fatal(err)
	}
	return lint.Check(rs)
}

func rule(id, level, inner string) string {
	return `<rule id="` + id + `" level="` + level + `"><description>d</description>` + inner + `</rule>`
}

// TestCodes has for each code rules that are wrong and rules that are nearly so.
func TestCodes(t *testing.T) {
	for _, c := range []struct {
		code         lint.Code
		fires, quiet string
		subject      string
	}{
		{lint.DuplicateID, rule("100", "3", "<match>a</match>") + rule("100", "3", "<match>b</match>"),
			rule("100", "3", "<match>a</match>") + rule("101", "3", "<match>b</match>"), "rule 100"},
		{lint.UnknownParent, rule("100", "3", "<if_sid>99</if_sid>"), rule("99", "3", "<match>a</match>") + rule("100", "3", "<if_sid>99</if_sid>"), "rule 100"},
		{lint.MissingList, rule("100", "3", `<list field="srcip">etc/lists/no</list>`), rule("100", "3", `<list field="srcip">etc/lists/yes</list>`), "rule 100"},
		{lint.Unreachable, rule("100", "5", "<match>a</match>") + rule("101", "3", "<match>a</match><srcip>10.0.0.1</srcip>"),
			rule("100", "3", "<match>a</match>") + rule("101", "5", "<match>a</match><srcip>10.0.0.1</srcip>"), "rule 101"},
		{lint.Unreachable, rule("100", "0", "<match>a</match>") + rule("101", "12", "<match>a</match>"),
			rule("100", "5", "<match>a</match>") + rule("101", "3", `<match negate="yes">a</match>`), "rule 101"},
		{lint.Contradiction, rule("100", "3", `<field name="x">^a$</field><field name="x" negate="yes">^a$</field>`),
			rule("100", "3", `<field name="x">^a</field><field name="x" negate="yes">^a$</field>`), "rule 100"},
		{lint.Contradiction, rule("100", "3", "<decoded_as>app</decoded_as>") + rule("101", "3", "<if_sid>100</if_sid><decoded_as>other</decoded_as>"),
			rule("100", "3", "<decoded_as>app</decoded_as>") + rule("101", "3", "<if_sid>100</if_sid><decoded_as>app</decoded_as>"), "rule 101"},
		{lint.Childless, `<rule id="100" level="0" noalert="1"><match>a</match><description>d</description></rule>`,
			`<rule id="100" level="0" noalert="1"><match>a</match><description>d</description></rule>` + rule("101", "3", "<if_sid>100</if_sid>"), "rule 100"},
		{lint.UnsetField, rule("100", "3", "<decoded_as>app</decoded_as><action>x</action>"),
			rule("100", "3", "<decoded_as>app</decoded_as><srcip>10.0.0.1</srcip>") + rule("101", "3", `<decoded_as>js</decoded_as><action>x</action>`), "rule 100"},
		{lint.UnsetField, rule("100", "3", "<decoded_as>app</decoded_as>") + rule("101", "3", `<if_sid>100</if_sid><field name="whom">x</field>`),
			rule("100", "3", "<decoded_as>app</decoded_as>") + rule("101", "3", `<if_sid>100</if_sid><field name="who">x</field>`), "rule 101"},
		{lint.NeverMatches, rule("100", "3", `<regex type="pcre2">ab^cd</regex>`), rule("100", "3", `<regex type="pcre2">a?^cd$|x</regex>`), "rule 100"},
		{lint.NeverMatches, rule("100", "3", `<match negate="yes">a|</match>`), rule("100", "3", `<match negate="yes">a|b</match>`), "rule 100"},
		{lint.MatchesAll, rule("100", "3", `<match>a||b</match>`), rule("100", "3", `<match>a|b</match>`), "rule 100"},
		{lint.InnerAnchor, rule("100", "3", `<regex>(^a)</regex>`), rule("100", "3", `<regex>^a|^(b)$|a^b</regex>`), "rule 100"},
		{lint.Slow, rule("100", "3", `<regex type="pcre2">(a+)\1</regex>`), rule("100", "3", `<regex type="pcre2">(a+)b</regex>`), "rule 100"},
		{lint.LeadingRun, rule("100", "3", `<regex>\.*abc</regex>`), rule("100", "3", `<regex>^\.*abc</regex>`), "rule 100"},
		{lint.NoDescription, `<rule id="100" level="3"><match>a</match></rule>`, rule("100", "3", "<match>a</match>"), "rule 100"},
		{lint.SpacedGroup, rule("100", "3", "<match>a</match><group>x, y,</group>"), rule("100", "3", "<match>a</match><group>x,y,</group>"), "rule 100"},
	} {
		list := []string{"lists/yes", "10.0.0.1:\n"}
		found := false
		for _, f := range check(t, c.fires, list...) {
			found = found || f.Code == c.code && f.Subject == c.subject && f.File == "rules/r.xml" && f.Line > 0
		}
		if !found {
			t.Errorf("%s is not found in %s: %v", c.code, c.fires, check(t, c.fires, list...))
		}
		for _, f := range check(t, c.quiet, list...) {
			if f.Code == c.code {
				t.Errorf("false alarm in %s: %s", c.quiet, f)
			}
		}
	}
}

// TestGroupsRunTogether is about the enclosing group, which the other fixtures share.
func TestGroupsRunTogether(t *testing.T) {
	for text, want := range map[string]int{"a,b": 1, "a,b,": 0} {
		findings := check(t, "", "rules/s.xml", `<group name="`+text+`">`+rule("200", "3", "<match>x</match><group>c,</group>")+`</group>`)
		n := 0
		for _, f := range findings {
			if f.Code == lint.JoinedGroups {
				n++
			}
		}
		if n != want {
			t.Errorf("group %q: %d findings, expected %d: %v", text, n, want, findings)
		}
	}
}

func TestUnusedList(t *testing.T) {
	body := rule("100", "3", `<list field="srcip" lookup="address_match_key">etc/lists/used</list>`)
	var got []string
	for _, f := range check(t, body, "lists/used", "a:\n", "lists/sub/spare", "a:\n") {
		got = append(got, f.String())
	}
	if len(got) != 1 || !strings.HasPrefix(got[0], "lists/sub/spare: no rule looks into this list") {
		t.Errorf("findings: %q", got)
	}
}

// TestShipped holds Armor's own ruleset clean.
func TestShipped(t *testing.T) {
	rs, err := rules.Load(rules.Options{}, rules.Source{FS: ruleset.FS()})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range lint.Check(rs) {
		t.Errorf("%s", f)
	}
}

// TestReference bounds what is found in a large ruleset that is in use: a check that begins to cry wolf shows here.
func TestReference(t *testing.T) {
	rs, err := rules.Load(rules.Options{SetRuleDecoder: map[int]string{60000: "json"}},
		rules.Source{FS: os.DirFS(filepath.Join(testenv.Data(t), "wazuh-ruleset"))})
	if err != nil {
		t.Fatal(err)
	}
	reached := ended(t)
	counts := map[lint.Code]int{}
	for _, f := range lint.Check(rs) {
		counts[f.Code]++
		switch f.Code {
		case lint.Unreachable, lint.Contradiction, lint.UnsetField, lint.NeverMatches, lint.Childless:
			t.Log(f)
			if reached[f.Subject] {
				t.Errorf("false alarm: a recorded event ends in the rule: %s", f)
			}
		}
	}
	t.Logf("findings by code, with %d rules that recorded events end in: %v", len(reached), counts)
}

// ended gives the rules that the reference's own recorded events end in.
func ended(t *testing.T) map[string]bool {
	t.Helper()
	file, err := os.Open(filepath.Join(testenv.Data(t), "wazuh-tests", "golden.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	reached := map[string]bool{}
	dec := json.NewDecoder(lines)
	for dec.More() {
		var record struct {
			Output struct {
				Rule struct {
					ID string `json:"id"`
				} `json:"rule"`
			} `json:"output"`
		}
		if err := dec.Decode(&record); err != nil {
			t.Fatal(err)
		}
		reached["rule "+record.Output.Rule.ID] = true
	}
	if len(reached) < 500 {
		t.Fatalf("only %d rules are recorded", len(reached))
	}
	return reached
}
