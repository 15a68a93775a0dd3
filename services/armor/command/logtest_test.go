package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// firedTimes runs logtest on lines and gives the counters of their rules.
func firedTimes(t *testing.T, input string, args ...string) (counts []int) {
	t.Helper()
	code, out, errs := armor(t, input, append([]string{"logtest", "--json"}, args...)...)
	if code != 0 {
		t.Fatalf("code %d, %q", code, errs)
	}
	for line := range strings.Lines(out) {
		var r struct{ Rule struct{ FiredTimes int } }
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		counts = append(counts, r.Rule.FiredTimes)
	}
	return counts
}

func TestLogtestBlankLine(t *testing.T) {
	input := refusedStop + "\n" + refusedStop + "\n\n" + refusedStop + "\n"
	if got := firedTimes(t, input); len(got) != 3 || got[2] != 3 {
		t.Errorf("one session: %v", got)
	}
	if got := firedTimes(t, input, "--blank-line-resets"); len(got) != 3 || got[1] != 2 || got[2] != 1 {
		t.Errorf("a session from the empty line on: %v", got)
	}
}

func TestLogtestExplains(t *testing.T) {
	code, out, errs := armor(t, refusedStop+"\n", "logtest", "--trace", "--why", "80301", "--why", "80300")
	if code != 0 || errs != "" {
		t.Fatalf("code %d, %q", code, errs)
	}
	for _, want := range []string{"\nTrace (", "+ decoder cloudtrail", "the answer", "\nWhy\n", "rule 80301 (level 2) did not fire", "rule 80300 "} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	code, all, _ := armor(t, refusedStop+"\n", "logtest", "--trace=all", "--json")
	_, short, _ := armor(t, refusedStop+"\n", "logtest", "--trace", "--json")
	var long, brief struct{ Trace []any }
	if err := json.Unmarshal([]byte(all), &long); code != 0 || err != nil {
		t.Fatal(code, err)
	}
	if err := json.Unmarshal([]byte(short), &brief); err != nil || len(brief.Trace) == 0 || len(long.Trace) < len(brief.Trace) {
		t.Errorf("%v: %d steps in full, %d summed up", err, len(long.Trace), len(brief.Trace))
	}
	for _, args := range [][]string{{"--why", "1234567"}, {"--trace=most"}, {"--why", "x"}} {
		if code, out, errs := armor(t, refusedStop+"\n", append([]string{"logtest"}, args...)...); code != 2 || out != "" || strings.Count(errs, "\n") != 1 {
			t.Errorf("%v: code %d, %q, %q", args, code, out, errs)
		}
	}
}

func TestBenchOfAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "events.log")
	if err := os.WriteFile(file, []byte(strings.Repeat(refusedStop+"\n", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	type figures struct {
		Runs, Events, Alerts, Workers int
		CPUSeconds                    float64 `json:"cpu_seconds"`
		PeakRSSBytes                  int     `json:"peak_rss_bytes"`
	}
	for _, args := range [][]string{nil, {"--plain"}, {"--sink", "json", "--workers", "2"}} {
		code, out, errs := armor(t, "", append([]string{"bench", "--input", file, "--runs", "3", "--workers", "1", "--json"}, args...)...)
		var f figures
		if err := json.Unmarshal([]byte(out), &f); code != 0 || err != nil {
			t.Fatalf("%v: code %d, %v, %q", args, code, err, errs)
		}
		if f.Runs != 3 || f.Events != 500 || f.Alerts != 500 || f.Workers < 1 || f.PeakRSSBytes <= 0 {
			t.Errorf("%v: %+v", args, f)
		}
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--input", empty}, {"--input", empty + "-not"}, {"--input", file, "--runs", "0"}, {"--input", file, "--sink", "disk"}} {
		if code, _, errs := armor(t, "", append([]string{"bench"}, args...)...); code != 2 || strings.Count(errs, "\n") != 1 {
			t.Errorf("%v: code %d, %q", args, code, errs)
		}
	}
}
