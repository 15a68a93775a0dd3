package report

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"armor/services/armor/bench"
	"armor/test/bench/endtoend"
	"armor/test/bench/engine"
)

func example() *Report {
	return &Report{
		Began: time.Date(2026, 11, 24, 15, 30, 0, 0, time.UTC), TookSeconds: 600, Runs: 5, Machine: Machine{CPU: "a & b", CPUs: 2, Commit: "abc"},
		Left: []string{"<something>"},
		Engine: []Engine{
			{Corpus: "syslog", About: "made | up", Lines: 200_000, MedianBytes: 117, Ruleset: "reference", Modes: []Mode{
				{engine.Mode{Workers: 1}, bench.EngineResult{EventsPerCPU: 200_000, EventsPerSecond: 190_000, AllocsPerEvent: 2.5, PeakRSSBytes: 300 << 20}},
				{engine.Mode{Workers: 1, Plain: true}, bench.EngineResult{EventsPerCPU: 4500}},
				{engine.Mode{Workers: 1, Documents: true}, bench.EngineResult{EventsPerCPU: 110_000}},
				{engine.Mode{Workers: 2}, bench.EngineResult{EventsPerSecond: 330_000}},
			}},
			{Corpus: "cloudtrail", Lines: 10, Ruleset: "own", Modes: []Mode{{engine.Mode{Workers: 1}, bench.EngineResult{EventsPerCPU: 61_000}}}},
		},
		Sustained: &endtoend.Sustained{Events: 1_000_000, EventsPerSecond: 120_000, AgentLinesPerCPU: 400_000, Usage: endtoend.Usage{Agent: endtoend.Use{CPUSeconds: 2.5, PeakMemory: 50 << 20}}},
		Steady:    &endtoend.Steady{Rate: 60_000, Latency: endtoend.Latency{P50: 3, P99: 60}, Idle: endtoend.Idle{Seconds: 20, Agent: 0.001}},
		Buckets:   []endtoend.Bucket{{AlertEvery: 10, Records: 200_000, Alerts: 20_000, RecordsPerSecond: 19_000, Usage: endtoend.Usage{S3: endtoend.Use{CPUSeconds: 1}}}},
		Growth:    []Growth{{Rules: 1000, Corpus: "mixed"}, {Rules: 4500, Corpus: "mixed"}},
		Streams:   []endtoend.Streams{{Streams: 1, Events: 500_000}, {Streams: 1000, Events: 500_000}},
	}
}

// Each figure stands beside its goal, and what misses it is marked.
func TestTable(t *testing.T) {
	table := example().Table()
	for _, want := range []string{
		"| events per CPU second | 200,000 | 4,500 | 21,600 | 216,000 (missed) |",
		"| the same, alert documents made | 110,000 | | | 108,000 |",
		"| events per second, two workers | 330,000 | | | 323,000 |",
		"| peak memory, MiB | 300 | | | < 200 (missed) |",
		"| events per CPU second | 61,000 | | | 60,000 |",
		"| events per second | 120,000 | | | 100,000 |",
		"| CPU per event, microseconds: agent | 2.50 | | | |",
		"| agent: peak memory, MiB | 50 | | | < 40 (missed) |",
		"| 99 % within | 60.0 | | | < 50 (missed) |",
		"| agent | 0.10 | | | < 0.5 |",
		"| records per second | 19,000 | | | 20,000 (missed) |",
		"| CPU per record, microseconds: the S3 server (moto) | 5.0 | | | |",
		`made \| up`,
	} {
		if !strings.Contains(strings.Join(strings.Fields(table), " "), want) {
			t.Errorf("no %q in\n%s", want, table)
		}
	}
	for line := range strings.Lines(table) {
		if n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"); n != 6 {
			t.Errorf("%d columns in %q", n-1, line)
		}
	}
}

func TestWriteAndEnter(t *testing.T) {
	r, dir := example(), t.TempDir()
	page, results := filepath.Join(dir, "performance.md"), filepath.Join(dir, "performance")
	if err := os.WriteFile(page, []byte("# Page\n"+begin+"\nold\n"+end+"\nrest\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time replaces the first
		if err := errors.Join(r.Write(results), r.Enter(page, results)); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if s := string(text); !strings.HasPrefix(s, "# Page\n"+begin) || !strings.HasSuffix(s, end+"\nrest\n") || strings.Contains(s, "old") ||
		strings.Count(s, "](performance/bench-20261124-153000.svg)") != 1 || strings.Count(s, "216,000") != 1 {
		t.Errorf("%s", s)
	}
	data, err := os.ReadFile(filepath.Join(results, r.Name()+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var again Report
	if err := json.Unmarshal(data, &again); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(r, &again); d != "" {
		t.Errorf("written and read: %s", d)
	}
	if err := os.WriteFile(page, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.Enter(page, results); err == nil {
		t.Error("a page without a place for the results is taken")
	}
}

// The picture is well-formed, also of a run that measured nothing.
func TestPicture(t *testing.T) {
	for _, r := range []*Report{example(), {}} {
		picture := r.Picture()
		for in := xml.NewDecoder(strings.NewReader(picture)); ; {
			_, err := in.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%v in %s", err, picture)
			}
		}
		if strings.Contains(picture, "NaN") || strings.Contains(picture, "Inf") {
			t.Errorf("not a number in %s", picture)
		}
	}
}

func TestMachine(t *testing.T) {
	if m := ThisMachine("."); m.CPUs < 1 || m.CPU == "" || m.Commit == "" || m.Go == "" {
		t.Errorf("%+v", m)
	}
	if after("/missing", "x") != "unknown" {
		t.Error("what is not there is known")
	}
}
