package notice

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"armor/agent/spool"
	armorv1 "armor/proto/armor/v1"
)

// memory is a spool that keeps events and positions together, or, while it fails, neither.
type memory struct {
	events    []*armorv1.Event
	positions map[string][]byte
	failure   error
}

func (m *memory) Report(_ context.Context, events []*armorv1.Event, positions ...spool.Position) error {
	if m.failure != nil {
		return m.failure
	}
	m.events = append(m.events, events...)
	for _, p := range positions {
		if p.Data == nil {
			delete(m.positions, p.Key)
		} else {
			m.positions[p.Key] = p.Data
		}
	}
	return nil
}

func (m *memory) Positions(input string) map[string][]byte {
	if input != Input {
		return nil
	}
	return m.positions
}

var (
	who = &Agent{ID: "007", Name: "web", Labels: map[string]string{"site": "north"}}
	at  = time.Date(2026, 11, 24, 12, 0, 0, 5, time.UTC)
)

func TestEvent(t *testing.T) {
	n := &Notice{Kind: SpoolGap, Message: "5 events are lost", Range: "spool 1 to 5", At: at, Fields: map[string]any{"events": 5}}
	ev, err := who.Event(n)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(ev.GetBody(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"integration": "armor", "armor": map[string]any{
		"event": "spool_gap", "severity": "high", "message": "5 events are lost", "agent": map[string]any{"id": "007", "name": "web"}, "events": 5.0,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if ev.GetLocation() != Location || !ev.GetTime().AsTime().Equal(at) || len(ev.GetSourceId()) != 16 || ev.GetLabels()["site"] != "north" {
		t.Errorf("%v", ev)
	}
	if _, err := who.Event(&Notice{Kind: SpoolGap, Fields: map[string]any{"x": func() {}}}); err == nil {
		t.Error("a field that JSON does not know is taken")
	}
}

// The same notice made again is the same event; another agent, kind or range is another one.
func TestIdentity(t *testing.T) {
	id := func(a *Agent, kind Kind, about string) string {
		ev, err := a.Event(&Notice{Kind: kind, Range: about, At: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		return string(ev.GetSourceId())
	}
	first := id(who, SpoolGap, "a")
	if id(&Agent{ID: "007", Name: "renamed"}, SpoolGap, "a") != first {
		t.Error("made again it is another event")
	}
	for _, other := range []string{id(&Agent{ID: "008"}, SpoolGap, "a"), id(who, SpoolDamaged, "a"), id(who, SpoolGap, "b")} {
		if other == first {
			t.Error("two events have one identity")
		}
	}
}

// Every kind has a severity: the shipped rules go by it.
func TestSeverities(t *testing.T) {
	for _, kind := range []Kind{SpoolGap, SpoolDamaged, SpoolHigh, SpoolFull, SpoolNormal, EventsDropped, InputSilent, InputSpeaks, InputUnreadable, InputReadable} {
		if s := severities[kind]; s != "low" && s != "medium" && s != "high" {
			t.Errorf("%s is %q", kind, s)
		}
	}
}

// What begins is told once, over restarts, and what ends too; what could not be told is told later.
func TestBoard(t *testing.T) {
	m := &memory{positions: map[string][]byte{}}
	begin := func(b *Board, condition string) (bool, error) {
		return b.Begin(t.Context(), condition, at, &Notice{Kind: SpoolHigh, At: at})
	}
	end := func(b *Board, conditions ...string) (bool, error) {
		return b.End(t.Context(), &Notice{Kind: SpoolNormal, At: at}, conditions...)
	}
	tell := func(want bool, news bool, err error) {
		t.Helper()
		if err != nil || news != want {
			t.Errorf("told: %v, %v; want %v", news, err, want)
		}
	}
	b := NewBoard(who, m)
	m.failure = errors.New("no room")
	if news, err := begin(b, "high"); news || !errors.Is(err, m.failure) {
		t.Errorf("told: %v, %v", news, err)
	}
	if _, holds := b.Holds("high"); holds {
		t.Error("it holds, untold")
	}
	m.failure = nil
	news, err := begin(b, "high")
	tell(true, news, err)
	news, err = begin(b, "high")
	tell(false, news, err)

	b = NewBoard(who, m) // a restart
	if since, holds := b.Holds("high"); !holds || !since.Equal(at) {
		t.Errorf("after a restart: %v since %v", holds, since)
	}
	news, err = begin(b, "high")
	tell(false, news, err)
	news, err = begin(b, "full")
	tell(true, news, err)
	m.failure = errors.New("no room")
	if news, err := end(b, "high", "full"); news || err == nil {
		t.Errorf("told: %v, %v", news, err)
	}
	m.failure = nil
	news, err = end(b, "high", "full", "never began")
	tell(true, news, err)
	news, err = end(b, "high", "full")
	tell(false, news, err)
	if len(m.events) != 3 || len(m.positions) != 0 {
		t.Errorf("%d events, positions %v", len(m.events), m.positions)
	}
	if b = NewBoard(who, m); len(b.since) != 0 {
		t.Errorf("after a restart there holds %v", b.since)
	}
	m.positions["condition:bad"] = []byte("no time")
	m.positions["other"] = []byte(Time(at))
	if b = NewBoard(who, m); len(b.since) != 0 {
		t.Errorf("of what is not a condition there holds %v", b.since)
	}
}
