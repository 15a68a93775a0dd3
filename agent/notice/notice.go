// Package notice makes the events that an agent tells about itself: what begins and what ends is told once each, over restarts, and
// what was lost is told with its range. docs/reliability.md has all of them.
package notice

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	armorv1 "armor/proto/armor/v1"
)

// Location of the events, by which rules know them.
const Location = "armor"

// Kind is what an event tells: the field armor.event.
type Kind string

// Kinds of an agent's events.
const (
	SpoolGap        Kind = "spool_gap"
	SpoolDamaged    Kind = "spool_damaged"
	SpoolHigh       Kind = "spool_high"
	SpoolFull       Kind = "spool_full"
	SpoolNormal     Kind = "spool_normal"
	EventsDropped   Kind = "events_dropped"
	InputSilent     Kind = "input_silent"
	InputSpeaks     Kind = "input_speaks"
	InputUnreadable Kind = "input_unreadable"
	InputReadable   Kind = "input_readable"
)

var severities = map[Kind]string{
	SpoolGap: "high", SpoolDamaged: "medium", SpoolHigh: "medium", SpoolFull: "high", SpoolNormal: "low", EventsDropped: "high",
	InputSilent: "medium", InputSpeaks: "low", InputUnreadable: "medium", InputReadable: "low",
}

// Notice is one event to be made.
type Notice struct {
	Kind Kind
	// Message for people.
	Message string
	// Range is what the notice is about, such as spool and sequences, in a form that no other notice of the kind has: the event gets
	// the same identity when it is made again.
	Range string
	// At is when it happened.
	At time.Time
	// Fields below armor, by name; their values are JSON's.
	Fields map[string]any
}

// Agent is who tells.
type Agent struct {
	ID, Name string
	// Labels of the events.
	Labels map[string]string
}

// Event makes the event of a notice.
func (a *Agent) Event(n *Notice) (*armorv1.Event, error) {
	fields := map[string]any{
		"event": string(n.Kind), "severity": severities[n.Kind], "message": n.Message,
		"agent": map[string]string{"id": a.ID, "name": a.Name},
	}
	maps.Copy(fields, n.Fields)
	body, err := json.Marshal(struct {
		Integration string         `json:"integration"`
		Armor       map[string]any `json:"armor"`
	}{"armor", fields})
	if err != nil {
		return nil, fmt.Errorf("making an event %s: %w", n.Kind, err)
	}
	id := sha256.Sum256(fmt.Appendf(nil, "armor\x00%s\x00%s\x00%s", a.ID, n.Kind, n.Range))
	at := timestamppb.New(n.At)
	return &armorv1.Event{
		SourceId: id[:16], Time: at, ReadTime: at, Location: Location, Format: armorv1.EventFormat_EVENT_FORMAT_JSON,
		Body: body, Labels: a.Labels,
	}, nil
}

// Time is a time as the fields show it.
func Time(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
