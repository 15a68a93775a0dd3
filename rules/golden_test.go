package rules_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"armor/internal/testenv"
	"armor/rules"
	"armor/rules/logtest"
)

// goldenFloor is the number of recorded lines that must agree in everything. It only rises.
const goldenFloor = 1127

// golden is one recorded answer of the reference engine.
type golden struct {
	File, Section, Name, Log string
	Line                     int
	Fresh                    bool `json:"fresh_session"`
	Got                      struct{ Rule, Level, Decoder string }
	Output                   struct {
		Rule       map[string]any
		Decoder    map[string]any
		Predecoder map[string]any
		Data       map[string]any
		FullLog    string `json:"full_log"`
		Previous   string `json:"previous_output"`
	}
}

func (g *golden) key() string {
	return fmt.Sprintf("%s [%s] %s line %d", g.File, g.Section, g.Name, g.Line)
}

func loadReference(t testing.TB) *rules.Ruleset {
	t.Helper()
	dir := filepath.Join(testenv.Data(t), "wazuh-ruleset")
	rs, err := rules.Load(rules.Options{SetRuleDecoder: map[int]string{60000: "json"}}, rules.Source{FS: os.DirFS(dir)})
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

func readGolden(t testing.TB) []golden {
	t.Helper()
	return testenv.JSONLines[golden](t, "wazuh-tests", "golden.jsonl.gz")
}

// TestGolden compares every recorded line: rule, level, description, groups, compliance, decoder, header and all
// decoded fields.
func TestGolden(t *testing.T) {
	rs := loadReference(t)
	lines := readGolden(t)
	agree, differ := 0, 0
	begin := func() *logtest.Session {
		return logtest.NewSession(rules.NewEngine(rs, rules.EngineOptions{}), logtest.Options{})
	}
	// The reference was asked in one session for all lines that are not marked as having one of their own.
	shared, session := begin(), begin()
	for i := range lines {
		g := &lines[i]
		switch {
		case !g.Fresh:
			session = shared
		case g.Line == 1:
			session = begin()
		}
		diff := g.compare(t, session.Test(g.Log))
		if diff == "" {
			agree++
			continue
		}
		differ++
		if os.Getenv("ARMOR_GOLDEN_DIFFS") != "" {
			t.Logf("%s\n%.300s\n%s", g.key(), g.Log, diff)
		}
	}
	t.Logf("recorded lines: %d agree, %d differ", agree, differ)
	if agree < goldenFloor {
		t.Errorf("%d recorded lines agree, the floor is %d (ARMOR_GOLDEN_DIFFS=1 shows the differences)", agree, goldenFloor)
	}
}

func (g *golden) compare(t *testing.T, r logtest.Result) string {
	t.Helper()
	var have struct {
		Rule       map[string]any
		Decoder    map[string]any
		Predecoder map[string]any
		Data       map[string]any
		FullLog    string `json:"full_log"`
		Previous   string `json:"previous_output"`
	}
	if err := json.Unmarshal(r.JSON(), &have); err != nil {
		t.Fatalf("%s: result is no JSON: %v", g.key(), err)
	}
	var b strings.Builder
	part := func(name string, want, got map[string]any, ignore ...string) {
		want, got = without(want, ignore), without(got, ignore)
		if d := cmp.Diff(want, got); d != "" {
			fmt.Fprintf(&b, "%s (-reference +ours):\n%s", name, d)
		}
	}
	ignore := []string{"mitre"} // the recording engine had no table of techniques
	if !g.Fresh {
		// Its counters go on over lines that were recorded elsewhere.
		ignore = append(ignore, "firedtimes")
	}
	part("rule", g.Output.Rule, have.Rule, ignore...)
	part("decoder", g.Output.Decoder, have.Decoder)
	part("predecoder", g.Output.Predecoder, have.Predecoder)
	part("data", g.Output.Data, have.Data)
	if d := cmp.Diff(g.Output.FullLog, have.FullLog); d != "" {
		fmt.Fprintf(&b, "full_log (-reference +ours):\n%s", d)
	}
	if d := cmp.Diff(g.Output.Previous, have.Previous); d != "" && g.Fresh {
		fmt.Fprintf(&b, "previous_output (-reference +ours):\n%s", d)
	}
	return b.String()
}

func without(m map[string]any, names []string) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		if !slices.Contains(names, k) {
			out[k] = v
		}
	}
	return out
}
