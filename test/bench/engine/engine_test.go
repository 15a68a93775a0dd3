package engine

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"armor/internal/testenv"
	"armor/rules/selection"
	"armor/services/armor/bench"
)

func program(t *testing.T) Program {
	t.Helper()
	path := filepath.Join(t.TempDir(), "armor")
	build := exec.CommandContext(t.Context(), "go", "build", "-pgo=off", "-o", path, "./services/armor")
	build.Dir = testenv.Root(t)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building armor: %v\n%s", err, out)
	}
	return Program(path)
}

// Every line of a corpus is evaluated, in every mode, and the modes raise the same alerts.
func TestRun(t *testing.T) {
	armor, dir := program(t), t.TempDir()
	trail, err := CloudTrail(dir, 500)
	if err != nil {
		t.Fatal(err)
	}
	syslog, err := Syslog(t.Context(), dir, "", 500)
	if err != nil {
		t.Fatal(err)
	}
	copies, err := Copies(dir, []int{1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, corpus := range []Corpus{trail, syslog} {
		alerts := int64(0)
		for i, mode := range []Mode{{Workers: 1}, {Workers: 1, Documents: true}, {Workers: 1, Plain: true}} {
			r, err := armor.Run(t.Context(), selection.Config{}, corpus, mode)
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				alerts = r.Alerts
			}
			if r.Events != 500 || r.Alerts != alerts || r.Alerts == 0 || r.Workers != 1 || r.PeakRSSBytes == 0 {
				t.Errorf("%s %+v: %+v, expected %d alerts", corpus.Name, mode, r, alerts)
			}
		}
		if r, err := armor.Run(t.Context(), copies[0].Config, corpus, Mode{Workers: 1}); err != nil || r.Alerts != alerts {
			t.Errorf("%s with copied rules: %+v, %v; expected %d alerts", corpus.Name, r, err, alerts)
		}
	}
	trail.Lines++
	if _, err := armor.Run(t.Context(), selection.Config{}, trail, Mode{Workers: 1}); err == nil || !strings.Contains(err.Error(), "500 were evaluated") {
		t.Errorf("a line that is not evaluated goes unnoticed: %v", err)
	}
	if _, err := armor.Run(t.Context(), selection.Config{Directory: dir + "/missing"}, syslog, Mode{Workers: 1}); err == nil {
		t.Error("a ruleset that is not there goes unnoticed")
	}
}

func TestCorpora(t *testing.T) {
	dir, data := t.TempDir(), testenv.Data(t)
	syslog, err := Syslog(t.Context(), dir, data, 100)
	if err != nil {
		t.Fatal(err)
	}
	ini, mixed, err := Reference(dir, data, syslog, 100)
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string][]string{}
	for _, c := range []Corpus{syslog, ini, mixed} {
		text, err := os.ReadFile(c.Path)
		if err != nil {
			t.Fatal(err)
		}
		lines[c.Name] = strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		if len(lines[c.Name]) != 100 || c.Lines != 100 || c.MedianBytes == 0 {
			t.Errorf("%+v: %d lines", c, len(lines[c.Name]))
		}
	}
	if lines["mixed"][0] != lines["syslog"][0] || lines["mixed"][99] != lines["ini"][49] {
		t.Error("mixed is not one of each in turn")
	}
}

func TestSubsets(t *testing.T) {
	sizes := []int{100, 400, 10_000}
	parts, err := Subsets(selection.Config{}, sizes)
	if err != nil {
		t.Fatal(err)
	}
	copies, err := Copies(t.TempDir(), []int{100, 2000})
	if err != nil {
		t.Fatal(err)
	}
	own, err := selection.Config{}.Load()
	if err != nil {
		t.Fatal(err)
	}
	n := len(own.Rules())
	if parts[0].Rules < 90 || parts[0].Rules > parts[1].Rules || parts[1].Rules > 500 || parts[2].Rules != n {
		t.Errorf("parts of %v: %v", sizes, parts)
	}
	if copies[0].Rules != n || copies[1].Rules != 3*n {
		t.Errorf("%d and %d rules in copies of %d", copies[0].Rules, copies[1].Rules, n)
	}
}

func TestFlagsAndMedian(t *testing.T) {
	got := flags(selection.Config{Directory: "d", Overlays: []string{"o"}, Include: []string{"i", "j"}, Exclude: []string{"e"}, SetRuleDecoder: []string{"1=json"}})
	want := []string{"--ruleset", "d", "--overlay", "o", "--include", "i", "--include", "j", "--exclude", "e", "--set-rule-decoder", "1=json"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if m := Median([]bench.EngineResult{{PeakRSSBytes: 9}, {PeakRSSBytes: 1}, {PeakRSSBytes: 2}}); m.PeakRSSBytes != 2 || m.Runs != 3 {
		t.Errorf("%+v", m)
	}
}
