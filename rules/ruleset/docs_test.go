package ruleset_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"testing/fstest"

	"armor/rules"
	"armor/rules/ruleset"
	"armor/rules/rulestest"
)

// The examples of docs/aws-rules.md are an overlay that loads over the shipped ruleset without a finding and passes the tests that stand
// there. Without the overlay those tests fail: they do test it.
func TestDocumentedTuning(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "aws-rules.md"))
	if err != nil {
		t.Fatal(err)
	}
	overlay := fstest.MapFS{}
	var tests []byte
	for _, m := range regexp.MustCompile("(?s)```(xml|yaml)\n(.*?)```").FindAllSubmatch(page, -1) {
		switch {
		case string(m[1]) == "yaml" && tests == nil:
			tests = m[2]
		case string(m[1]) == "xml" && len(overlay) == 0:
			overlay["rules/local_rules.xml"] = &fstest.MapFile{Data: m[2]}
		default:
			t.Fatalf("another %s block: say in this test what it is", m[1])
		}
	}
	run := func(sources ...rules.Source) rulestest.Report {
		t.Helper()
		rs, err := rules.Load(rules.Options{Strict: true}, sources...)
		if err != nil {
			t.Fatal(err)
		}
		report, err := rulestest.Run(rs, "aws-rules.md.yaml", tests)
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	shipped := rules.Source{FS: ruleset.FS()}
	with := run(shipped, rules.Source{Name: "mine", FS: overlay})
	for _, f := range with.Failures() {
		t.Error(f)
	}
	if with.Passed != 3 {
		t.Errorf("%d tests passed, want 3", with.Passed)
	}
	if without := run(shipped); without.Failed != 2 {
		t.Errorf("without the overlay %d tests fail, want the two about it", without.Failed)
	}
}
