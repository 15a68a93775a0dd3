package pipeline

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"armor/internal/alertstream"
	armorv1 "armor/proto/armor/v1"
)

// An event that could not be handled is evaluated again: it gets the alert that it would have had, and no counter moves.
func TestAgain(t *testing.T) {
	s := &stream{}
	broken := true
	p := start(t, Config{Workers: 1}, s, func() time.Time {
		if broken {
			panic("poison")
		}
		return time.Unix(0, 0)
	})
	session := enter(t, p, "001")
	submit(t, session, events(1, 3, attack))
	receipt(t, session)
	before := settle(t, p, session)
	if before.Failed != 2 || len(s.letters) != 2 || s.letters[0].origin != (alertstream.Origin{AgentID: "001", AgentName: "001", SpoolID: "spool"}) {
		t.Fatalf("%+v, %+v", before, s.letters)
	}
	again := func(ev *armorv1.Event) error { return p.Again(within(t), Agent{ID: "001", Name: "web"}, "spool", ev) }
	if err := again(s.letters[0].event); err == nil || !strings.Contains(err.Error(), "poison") {
		t.Errorf("still broken: %v", err)
	}
	broken = false
	for range 2 { // a retry that was killed is retried: the same alert
		if err := again(s.letters[0].event); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.alerts) != 2 || s.alerts[0].GetId() != s.alerts[1].GetId() || s.alerts[0].GetSequence() != 1 || s.alerts[0].GetSpoolId() != "spool" || s.alerts[0].GetAgent().GetName() != "web" {
		t.Errorf("alerts %v", s.alerts)
	}
	if err := again(&armorv1.Event{Body: []byte("nothing to see")}); err != nil || len(s.alerts) != 2 {
		t.Errorf("an event without an alert: %v, %d alerts", err, len(s.alerts))
	}
	s.refuse = func(*armorv1.Alert) error { return errors.New("never") }
	if err := again(s.letters[1].event); err == nil {
		t.Error("an alert that was not stored is finished")
	}
	if after := p.Counts(); after != before || len(s.letters) != 2 {
		t.Errorf("counters %+v, before %+v; %d letters", after, before, len(s.letters))
	}
}

func TestAgainEndsWithItsContext(t *testing.T) {
	s := &stream{hold: true}
	p := start(t, Config{}, s, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Again(ctx, Agent{ID: "001"}, "spool", events(1, 2, attack).GetEvents()[0]); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
