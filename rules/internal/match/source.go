package match

import "armor/rules/internal/fields"

// source says which text of the event a condition looks at.
type source struct {
	kind   sourceKind
	slot   fields.Slot
	symbol fields.Symbol
}

type sourceKind uint8

const (
	fromLog sourceKind = iota
	fromProgram
	fromHostname
	fromLocation
	fromStatic
	fromDynamic
)

// of gives the text; false: the event does not have it.
func (s *source) of(x *Context) (string, bool) {
	switch s.kind {
	case fromLog:
		return x.Event.Log, true
	case fromProgram:
		p := x.Event.Header.ProgramName
		return p, p != ""
	case fromHostname:
		return x.Hostname, x.Hostname != ""
	case fromLocation:
		return x.Location, x.Location != ""
	case fromStatic:
		return x.Event.Fields.Static(s.slot)
	default:
		return x.Event.Fields.Get(s.symbol)
	}
}

// sourceOf finds what a field name means in conditions and descriptions.
func sourceOf(name string, symbols *fields.Symbols) source {
	switch name {
	case "hostname":
		return source{kind: fromHostname}
	case "program_name":
		return source{kind: fromProgram}
	case "location":
		return source{kind: fromLocation}
	}
	if slot := fields.SlotOf(name); slot != fields.None {
		return source{kind: fromStatic, slot: slot}
	}
	return source{kind: fromDynamic, symbol: symbols.Intern(name)}
}
