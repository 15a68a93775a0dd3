package endtoend

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"armor/internal/testenv"
	"armor/rules/selection"
)

func machinery(t *testing.T) Machinery {
	t.Helper()
	m := Machinery{Programs: t.TempDir()}
	build := exec.CommandContext(t.Context(), "go", "build", "-pgo=off", "-o", m.Programs, "./services/armor-agent", "./services/armor-manager")
	build.Dir = testenv.Root(t)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the programs: %v\n%s", err, out)
	}
	var err error
	if m.NATS, err = testenv.NATSServer(t.Context(), t.Logf); err != nil {
		t.Fatal(err)
	}
	return m
}

// A short form of every measurement: what goes in comes out. How long it takes is not judged.
func TestMeasurements(t *testing.T) {
	m := machinery(t)
	t.Run("sustained", func(t *testing.T) {
		s, err := m.Sustained(t.Context(), t.TempDir(), 20_005)
		if err != nil {
			t.Fatal(err)
		}
		if s.Events != 20_000 || s.Alerts != 2000 || s.Usage.Agent.PeakMemory == 0 || s.Usage.Manager.CPUSeconds == 0 {
			t.Errorf("%+v", s)
		}
	})
	t.Run("steady", func(t *testing.T) {
		s, err := m.Steady(t.Context(), t.TempDir(), 2000, time.Second, 100*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if l := s.Latency; s.Alerts != 200 || l.P50 <= 0 || l.P50 > l.P90 || l.P90 > l.P99 || l.P99 > l.P999 || l.P999 > l.Max || s.Idle.AgentMemory == 0 {
			t.Errorf("%+v", s)
		}
	})
	t.Run("bucket", func(t *testing.T) {
		python, err := testenv.MotoPython(t.Context(), t.Logf)
		testenv.Require(t, err == nil, fmt.Sprint(err))
		m := m
		m.Python = python
		b, err := m.Bucket(t.Context(), t.TempDir(), 2500, 10)
		if err != nil {
			t.Fatal(err)
		}
		if b.Records != 2500 || b.Alerts < 250 || b.Alerts > 2500 || b.Usage.S3.PeakMemory == 0 || b.Usage.Agent.CPUSeconds == 0 {
			t.Errorf("%+v", b)
		}
	})
	t.Run("streams", func(t *testing.T) {
		s, err := m.Streams(t.Context(), t.TempDir(), 7, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		if s.Streams != 7 || s.Events != 9940 || s.Alerts != 994 {
			t.Errorf("%+v", s)
		}
	})
}

// Every tenth line raises an alert, with Armor's own ruleset and with the reference's.
func TestLines(t *testing.T) {
	for name, cfg := range map[string]selection.Config{"own": {}, "reference": {Directory: "wazuh-ruleset", SetRuleDecoder: []string{"60000=json"}}} {
		t.Run(name, func(t *testing.T) {
			if cfg.Directory != "" {
				cfg.Directory = testenv.Data(t) + "/" + cfg.Directory
			}
			rs, err := cfg.Load()
			if err != nil {
				t.Fatal(err)
			}
			if err := CheckLines(rs); err != nil {
				t.Error(err)
			}
		})
	}
	rs, err := selection.Config{Exclude: []string{"0200-sshd_rules.xml"}}.Load()
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckLines(rs); err == nil {
		t.Error("a ruleset that raises none of the alerts is taken")
	}
}

func TestLineNumber(t *testing.T) {
	seen := map[string]bool{}
	for i := range uint64(1000) {
		line := appendLine([]byte("before "), i)
		n, ok := lineNumber(line)
		if want := i%alertEvery == alertEvery-1; ok != want || ok && n != i/alertEvery {
			t.Errorf("line %d: %d, %t", i, n, ok)
		}
		if bytes.Count(line, []byte("\n")) != 1 || line[len(line)-1] != '\n' || seen[string(line)] {
			t.Errorf("line %d: %q", i, line)
		}
		seen[string(line)] = true
	}
	for _, text := range []string{"", alertHead, alertHead + "1", alertHead + "x" + alertTail, strings.Repeat("9", 30)} {
		if n, ok := lineNumber([]byte(text)); ok {
			t.Errorf("%q has number %d", text, n)
		}
	}
}

func TestLatency(t *testing.T) {
	var took []float64
	for i := range 1000 {
		took = append(took, float64((i*7919)%1000))
	}
	if l, want := latency(took), (Latency{P50: 500, P90: 900, P99: 990, P999: 999, Max: 999}); l != want {
		t.Errorf("%+v; expected %+v", l, want)
	}
	if l := latency([]float64{3}); l != (Latency{3, 3, 3, 3, 3}) {
		t.Errorf("%+v", l)
	}
	if l := latency(nil); l != (Latency{}) {
		t.Errorf("%+v", l)
	}
}
