package rules

import (
	"armor/rules/internal/data"
	"armor/rules/internal/decode"
	"armor/rules/internal/fields"
	"armor/rules/internal/match"
)

// Evaluation is the reusable working memory of one event. It must not be used by two goroutines at once.
type Evaluation struct {
	ev          Event
	event       *decode.Event
	context     match.Context
	verdict     Verdict
	description []byte
	location    struct {
		key  locationKey
		text string
	}
	data data.Writer
}

type locationKey struct{ id, name, path string }

// field finds a decoded field by name.
func (x *Evaluation) field(name string) (string, bool) {
	switch name {
	case "hostname":
		return x.context.Hostname, x.context.Hostname != ""
	case "program_name":
		return x.event.Header.ProgramName, x.event.Header.ProgramName != ""
	case "location":
		return x.context.Location, x.context.Location != ""
	}
	if slot := fields.SlotOf(name); slot != fields.None {
		return x.event.Fields.Static(slot)
	}
	return x.event.Fields.Find(name)
}
