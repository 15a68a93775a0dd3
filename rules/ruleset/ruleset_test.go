package ruleset_test

import (
	"testing"

	"armor/rules"
	"armor/rules/ruleset"
)

func load(t testing.TB, opts rules.Options) *rules.Ruleset {
	t.Helper()
	opts.Strict = true
	rs, err := rules.Load(opts, rules.Source{FS: ruleset.FS()})
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

func TestLoadsWithoutAnyFinding(t *testing.T) {
	rs := load(t, rules.Options{})
	for _, r := range rs.Rules() {
		if r.Level > 0 && r.Description == "" {
			t.Errorf("rule %d has no description", r.ID)
		}
		known := r.ID >= 80300 && r.ID < 81100 || r.ID >= 86500 && r.ID < 86600
		if !known && (r.ID < 200000 || r.ID > 209999) {
			t.Errorf("rule %d is outside Armor's range 200000 to 209999 and of the numbers known since 2016", r.ID)
		}
	}
	t.Logf("%d rules, %d decoders", len(rs.Rules()), rs.DecoderCount())
}
