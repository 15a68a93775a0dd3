package diagnostics

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	armorv1 "armor/proto/armor/v1"
	"armor/rules/selection"
)

// selected is a Keeper of what a configuration selects.
type selected struct {
	fixed
	config selection.Config
}

func (s *selected) InForce() Ruleset {
	r := s.fixed.InForce()
	r.Tests = s.config.Tests
	return r
}

func ruleOf(t *testing.T, c selection.Config, id uint32) *armorv1.GetRuleResponse {
	t.Helper()
	rs, err := c.Load()
	if err != nil {
		t.Fatal(err)
	}
	got, err := New(&selected{fixed{rs: rs}, c}, time.Now, quiet).GetRule(t.Context(), &armorv1.GetRuleRequest{Id: id})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// A rule of the shipped ruleset shows its tests, those in which it fires first.
func TestShippedRulesShowTheirTests(t *testing.T) {
	got := ruleOf(t, selection.Config{}, 80309)
	tests := got.GetTests()
	if len(tests) < 2 || got.GetTestsTotal() < 2 || !tests[0].GetFires() || tests[0].GetName() != "80309 fires" || !strings.HasPrefix(tests[0].GetFile(), "tests/") || tests[0].GetLine() == 0 {
		t.Fatalf("%v", tests)
	}
	if tests[len(tests)-1].GetFires() {
		t.Error("no silent test")
	}
	event := tests[0].GetEvents()[0]
	if !strings.Contains(event.GetLog(), "StopInstances") || len(event.GetExpect()) == 0 || event.GetExpect()[0] != "rule 80309" {
		t.Errorf("%v", event)
	}
	if len(got.GetTestProblems()) > 0 {
		t.Errorf("%v", got.GetTestProblems())
	}
}

// A folder's own tests are shown, bounded and valid; without any there are none.
func TestTestsOfAFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mine")
	put := func(name, content string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("rules/r.xml", `<group name="g,"><rule id="100001" level="3"><match>one</match><description>One</description></rule></group>`)
	config := selection.Config{Directory: dir}
	if got := ruleOf(t, config, 100001); len(got.GetTests()) > 0 || len(got.GetTestProblems()) > 0 {
		t.Errorf("%v", got)
	}
	var many strings.Builder
	many.WriteString("tests:\n  - name: long\n    events:\n")
	for range maxTestEvents + 5 {
		many.WriteString("      - {log: '" + strings.Repeat("é", maxTestLog) + "', expect: {rule: 100001}}\n")
	}
	put("tests/many.yaml", many.String())
	put("tests/broken.yaml", "tests: [")
	got := ruleOf(t, config, 100001)
	if len(got.GetTests()) != 1 || len(got.GetTests()[0].GetEvents()) != maxTestEvents || got.GetTests()[0].GetEventsTotal() != maxTestEvents+5 {
		t.Fatalf("%d tests", len(got.GetTests()))
	}
	if e := got.GetTests()[0].GetEvents()[0]; !e.GetLogCut() || len(e.GetLog()) > maxTestLog || !utf8.ValidString(e.GetLog()) {
		t.Errorf("%d bytes", len(e.GetLog()))
	}
	if p := got.GetTestProblems(); len(p) != 1 || !strings.Contains(p[0], "tests/broken.yaml") {
		t.Errorf("%v", p)
	}
	overlaid := ruleOf(t, selection.Config{Overlays: []string{dir}}, 100001)
	if tests := overlaid.GetTests(); len(tests) != 1 || tests[0].GetFile() != "mine/tests/many.yaml" {
		t.Errorf("%v", tests)
	}
}
