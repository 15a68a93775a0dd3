package rulestest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"armor/internal/testenv"
	"armor/rules"
	"armor/rules/rulestest"
)

// referenceFloor is how many of the reference's own tests must pass. It only rises.
const referenceFloor = 865

// TestReferenceTests runs the reference's own rule tests against its ruleset; those that need a GeoIP database are
// left out.
func TestReferenceTests(t *testing.T) {
	dir := testenv.Data(t)
	rs, err := rules.Load(rules.Options{SetRuleDecoder: map[int]string{60000: "json"}},
		rules.Source{FS: os.DirFS(filepath.Join(dir, "wazuh-ruleset"))})
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "wazuh-tests", "*.ini"))
	if err != nil {
		t.Fatal(err)
	}
	var total rulestest.Report
	for _, file := range files {
		if strings.HasSuffix(file, "_geoip.ini") {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		report, err := rulestest.Run(rs, filepath.Base(file), data)
		if err != nil {
			t.Fatal(err)
		}
		total.Add(report)
	}
	for _, f := range total.Failures() {
		t.Log(f)
	}
	t.Logf("%d files: %d tests passed, %d failed", len(files), total.Passed, total.Failed)
	if total.Passed < referenceFloor || total.Failed > 0 {
		t.Errorf("%d passed and %d failed; expected at least %d passed and none failed", total.Passed, total.Failed, referenceFloor)
	}
}
