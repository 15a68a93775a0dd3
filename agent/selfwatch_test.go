package agent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// told is what an event of the agent about itself says.
type told struct {
	Armor struct {
		Event, Severity, Message, Reason, Found string
		Agent                                   struct{ ID, Name string }
		Input                                   struct{ Name, Type, Path string }
		Spool                                   struct {
			ID          string
			First, Last uint64
			Percent     int
		}
		Events      uint64
		First, Last struct{ Time, Location string }
	}
}

// told are the events about itself that the manager got, and the other bodies.
func (m *manager) told(t *testing.T) (list []told, others []string) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, body := range m.bodies {
		if !strings.HasPrefix(body, `{"integration":"armor"`) {
			others = append(others, body)
			continue
		}
		var one told
		if err := json.Unmarshal([]byte(body), &one); err != nil {
			t.Fatal(err)
		}
		list = append(list, one)
	}
	return list, others
}

// kinds are the names of the events about itself, in order.
func (m *manager) kinds(t *testing.T) (names []string) {
	t.Helper()
	list, _ := m.told(t)
	for _, one := range list {
		names = append(names, one.Armor.Event)
	}
	return names
}

// TestSilenceAndBadInput: what begins and what ends is told once each, and a restart in between repeats nothing.
func TestSilenceAndBadInput(t *testing.T) {
	m, conn := newManager(t)
	dir := t.TempDir()
	loop := filepath.Join(dir, "loop.log")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "a.log"), []byte("one\n"))
	cfg := Config{
		Agent: Identity{ID: "a1", Name: "web"}, DataDir: filepath.Join(dir, "data"), Conn: conn,
		Inputs: []InputConfig{{Type: "logfile", Path: filepath.Join(dir, "*.log"), SilenceAfter: 500 * time.Millisecond}},
	}
	has := func(kinds ...string) func() bool {
		return func() bool {
			got := m.kinds(t)
			slices.Sort(got)
			slices.Sort(kinds)
			return slices.Equal(got, kinds)
		}
	}
	_, stop := run(t, cfg, nil)
	until(t, m, "silent and unreadable", has("input_silent", "input_unreadable"))
	stop()
	a, stop := run(t, cfg, nil)
	until(t, m, "a report of the second run", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return len(m.report.GetInputs()) == 1 && m.report.Inputs[0].GetProblem() != ""
	})
	if err := os.Remove(loop); err != nil {
		t.Fatal(err)
	}
	until(t, m, "readable", has("input_silent", "input_unreadable", "input_readable"))
	f, err := os.OpenFile(filepath.Join(dir, "a.log"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("two\n"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	until(t, m, "it speaks", func() bool { return slices.Contains(m.kinds(t), "input_speaks") })
	until(t, m, "idle", a.Idle)
	conserved(t, a)
	stop()
	list, others := m.told(t)
	if !slices.Equal(others, []string{"one", "two"}) {
		t.Errorf("lines %q", others)
	}
	for _, one := range list {
		if one.Armor.Agent.ID != "a1" || one.Armor.Agent.Name != "web" || one.Armor.Input.Type != "logfile" || one.Armor.Severity == "" || one.Armor.Message == "" {
			t.Errorf("%+v", one)
		}
	}
}

// TestFullSpoolDrops: an input that is not to wait loses what the spool cannot take, counted and told, and nothing else; one that
// waits loses nothing.
func TestFullSpoolDrops(t *testing.T) {
	m, conn := newManager(t)
	m.held = true
	dir := t.TempDir()
	const lines = 20_000
	var text bytes.Buffer
	for n := range lines {
		fmt.Fprintf(&text, "%06d %s\n", n, strings.Repeat("x", 1000))
	}
	write(t, filepath.Join(dir, "fast.log"), text.Bytes())
	write(t, filepath.Join(dir, "slow.txt"), []byte("waits 1\nwaits 2\n"))
	cfg := Config{
		Agent: Identity{ID: "a1"}, DataDir: filepath.Join(dir, "data"), Conn: conn, Spool: SpoolConfig{MaxBytes: 8 << 20, SegmentBytes: 256 << 10},
		Inputs: []InputConfig{
			{Type: "logfile", Path: filepath.Join(dir, "*.log"), WhenFull: "drop"},
			{Type: "logfile", Path: filepath.Join(dir, "*.txt")},
		},
	}
	a, stop := run(t, cfg, nil)
	until(t, m, "all lines read", func() bool { return a.Status().Gauges["logfile_lines"] == lines+2 })
	until(t, m, "the loss is in a report", func() bool { m.mu.Lock(); defer m.mu.Unlock(); return m.report.GetDroppedEvents()["full"] > 0 })
	until(t, m, "that it is full is in the spool", func() bool { return a.parts.Load().spool.Positions("armor")["condition:spool full"] != nil })
	c := conserved(t, a)
	if c["dropped_full"] == 0 || c["spooled"] == 0 {
		t.Fatalf("%v", c)
	}
	m.mu.Lock()
	m.held = false
	m.mu.Unlock()
	stop() // the manager has seen what it gave no receipt for: a new session sends it again
	a, _ = run(t, cfg, nil)
	until(t, m, "idle", a.Idle)
	until(t, m, "normal again", func() bool { return slices.Contains(m.kinds(t), "spool_normal") })
	// A batch that was not told as dropped when the first run ended was read again by the second one.
	until(t, m, "every line has come or is told as dropped", func() bool {
		list, others := m.told(t)
		total := len(others)
		for _, one := range list {
			total += int(one.Armor.Events)
		}
		return total >= lines+2
	})
	list, others := m.told(t)
	var dropped uint64
	for _, one := range list {
		if one.Armor.Event != "events_dropped" {
			continue
		}
		dropped += one.Armor.Events
		if one.Armor.Reason != "full" || one.Armor.First.Time == "" || one.Armor.Last.Location != filepath.Join(dir, "fast.log") {
			t.Errorf("%+v", one)
		}
	}
	slices.Sort(others)
	if unique := len(slices.Compact(others)); unique != len(others) || unique != lines+2-int(dropped) || dropped < c["dropped_full"] {
		t.Errorf("%d told as dropped, %d counted, %d lines came, %d of them once", dropped, c["dropped_full"], len(others), unique)
	}
	if !slices.Contains(others, "waits 1") || !slices.Contains(others, "waits 2") {
		t.Error("an input that waits lost a line")
	}
	kinds := m.kinds(t)
	if !slices.Contains(kinds, "spool_full") || !slices.Contains(kinds, "spool_high") {
		t.Errorf("told %q", kinds)
	}
	conserved(t, a)
}

// TestMaxAge: events that wait longer than allowed are given up, counted and told, and what comes then goes its way.
func TestMaxAge(t *testing.T) {
	m, conn := newManager(t)
	m.held = true
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.log"), []byte("one\ntwo\nthree\n"))
	cfg := Config{
		Agent: Identity{ID: "a1"}, DataDir: filepath.Join(dir, "data"), Conn: conn, Spool: SpoolConfig{MaxAge: time.Second},
		Inputs: []InputConfig{{Type: "logfile", Path: filepath.Join(dir, "*.log")}},
	}
	a, stop := run(t, cfg, nil)
	until(t, m, "given up", func() bool { return a.Status().Counters["dropped_age"] >= 3 })
	until(t, m, "what tells of it waits on", func() bool { return a.Status().Counters["dropped_age"] > 4 })
	conserved(t, a)
	stop()
	m.mu.Lock()
	m.held = false
	m.mu.Unlock()
	write(t, filepath.Join(dir, "b.log"), []byte("four\n"))
	a, _ = run(t, cfg, nil)
	until(t, m, "told", func() bool { return len(m.kinds(t)) > 0 })
	until(t, m, "idle", a.Idle)
	conserved(t, a)
	list, others := m.told(t)
	if !slices.Equal(others, []string{"four"}) || len(list) != 1 {
		t.Errorf("lines %q, told %+v", others, list)
	}
	one := list[0].Armor
	if one.Event != "events_dropped" || one.Reason != "age" || one.Events != 3 || one.Spool.ID == "" || one.Spool.First != 1 || one.First.Location != filepath.Join(dir, "a.log") {
		t.Errorf("%+v", one)
	}
}
