package pattern

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"armor/internal/testenv"
)

type vector struct {
	Kind     string   `json:"kind"`
	Pattern  string   `json:"pattern"`
	String   string   `json:"string"`
	Match    bool     `json:"match"`
	End      int      `json:"end"`
	Captures []string `json:"captures"`
	Error    string   `json:"error"`
}

func readVectors(tb testing.TB) []vector {
	tb.Helper()
	return testenv.JSONLines[vector](tb, "osregex-vectors.jsonl.gz")
}

// TestVectors holds both dialects against the reference's answers: match, end
// position, captures and compile errors.
func TestVectors(t *testing.T) {
	const floor = 32401
	vectors := readVectors(t)
	var sc Scratch
	failed := 0
	for _, v := range vectors {
		if diff := checkVector(v, &sc); diff != "" {
			if failed++; failed <= 20 {
				t.Errorf("%s %q on %q:\n%s", v.Kind, v.Pattern, v.String, diff)
			}
		}
	}
	t.Logf("%d cases ran, %d failed", len(vectors), failed)
	if len(vectors) < floor {
		t.Errorf("only %d cases: at least %d are expected", len(vectors), floor)
	}
}

func checkVector(v vector, sc *Scratch) string {
	dialect := OSRegex
	if v.Kind == "match" {
		dialect = OSMatch
	}
	m, err := Compile(dialect, v.Pattern)
	if err != nil || v.Error != "" {
		if (err != nil) != (v.Error != "") {
			return "compile error: " + v.Error + " wanted, got " + errorText(err)
		}
		return ""
	}
	end, ok := m.Match(v.String, sc)
	got := vector{Match: ok}
	if ok && dialect == OSRegex {
		got.End = end
		got.Captures = []string{}
		for _, c := range sc.Captures {
			got.Captures = append(got.Captures, c.Of(v.String))
		}
	}
	want := vector{Match: v.Match, End: v.End, Captures: v.Captures}
	if diff := cmp.Diff(want, got); diff != "" {
		return diff
	}
	if m.Test(v.String, sc) != v.Match {
		return "Test and Match differ"
	}
	return checkFacts(m.Facts(), v.String, v.Match)
}

func errorText(err error) string {
	if err == nil {
		return "none"
	}
	return err.Error()
}
