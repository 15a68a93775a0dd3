package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"armor/internal/testenv"
	"armor/test/bench/report"
)

// A short run of everything: what was asked for is in the results, and counted right. No figure is judged.
func TestRun(t *testing.T) {
	programs, results := t.TempDir(), t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-pgo=off", "-o", programs, "./services/armor", "./services/armor-agent", "./services/armor-manager")
	build.Dir = testenv.Root(t)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the programs: %v\n%s", err, out)
	}
	var out bytes.Buffer
	args := []string{"-programs", programs, "-runs", "1", "-lines", "200", "-events", "8000", "-records", "1200", "-rate", "1000", "-steady", "500ms", "-idle", "100ms", "-report", results, "-json"}
	if err := run(t.Context(), args, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	var r report.Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if r.Sustained == nil || r.Sustained.Alerts != 800 || r.Steady == nil || r.Steady.Alerts != 50 || r.Steady.Idle.Seconds == 0 {
		t.Errorf("end to end: %+v, %+v", r.Sustained, r.Steady)
	}
	if len(r.Buckets) != 2 || r.Buckets[0].Records != 1200 || r.Buckets[0].Alerts < 120 || r.Buckets[1].Alerts < 400 {
		t.Errorf("buckets: %+v", r.Buckets)
	}
	if len(r.Streams) != 4 || r.Streams[1].Alerts != 200 || len(r.Growth) != 4 || r.Growth[0].Rules >= r.Growth[3].Rules {
		t.Errorf("growth: %+v, %+v", r.Streams, r.Growth)
	}
	if len(r.Engine) < 2 || r.Engine[0].Corpus != "cloudtrail" || len(r.Engine[0].Modes) != 4 || r.Engine[0].Modes[3].Result.Events != 200 {
		t.Errorf("engine: %+v", r.Engine)
	}
	for _, suffix := range []string{".json", ".txt", ".svg"} {
		if info, err := os.Stat(filepath.Join(results, r.Name()+suffix)); err != nil || info.Size() == 0 {
			t.Errorf("results: %v", err)
		}
	}
}

func TestMistakes(t *testing.T) {
	for want, args := range map[string][]string{
		"none of engine":      {"-only", "engine,speed"},
		"must be above 0":     {"-runs", "0"},
		"name their folder":   {"-page", "x.md"},
		"make build":          {"-programs", "/missing"},
		"flag provided but":   {"-fast"},
		"no such file or dir": {"-programs", "/missing"},
	} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, expected %q", args, err, want)
		}
	}
}

func TestMiddle(t *testing.T) {
	if got := *middle([]float64{5, 1, 9, 2, 3}, func(f float64) float64 { return f }); got != 3 {
		t.Errorf("the middle is %v", got)
	}
}
