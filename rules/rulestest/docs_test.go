package rulestest_test

import (
	"os"
	"regexp"
	"testing"
	"testing/fstest"

	"armor/rules"
	"armor/rules/lint"
	"armor/rules/rulestest"
)

var codeBlock = regexp.MustCompile("(?s)```(xml|yaml)\n(.*?)```")

// TestDocumentation runs the examples of docs/rules.md: all its XML is one ruleset, all its YAML are tests of it.
func TestDocumentation(t *testing.T) {
	text, err := os.ReadFile("../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	var tests []string
	for _, m := range codeBlock.FindAllStringSubmatch(string(text), -1) {
		body := m[2]
		switch {
		case m[1] == "yaml":
			tests = append(tests, body)
		case regexp.MustCompile(`^<decoder`).MatchString(body):
			files["decoders/a.xml"] = &fstest.MapFile{Data: []byte(body)}
		default:
			files["rules/"+string(rune('a'+len(files)))+".xml"] = &fstest.MapFile{Data: []byte(body)}
		}
	}
	rs, err := rules.Load(rules.Options{Strict: true}, rules.Source{FS: files})
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range tests {
		report, err := rulestest.Run(rs, "rules.md.yaml", []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if report.Passed == 0 {
			t.Error("an example holds no test")
		}
		for _, f := range report.Failures() {
			t.Error(f)
		}
	}
	if len(tests) < 2 {
		t.Errorf("%d examples, expected at least 2", len(tests))
	}
	for _, f := range lint.Check(rs) {
		if f.Subject != "rule 100200" && f.Subject != "rule 100202" { // which are meant to be wrong
			t.Error(f)
		}
	}
}
