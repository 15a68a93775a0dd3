package logtest

import "armor/rules"

// Result is what became of one line. It keeps its own copy of everything.
type Result struct {
	// RuleID and Level of the rule that the line ended in; RuleID 0: none.
	RuleID, Level int
	// Description of the rule with its fields filled in.
	Description string
	// Decoder that applied; empty: none.
	Decoder string
	// Alert says that an alert would be made.
	Alert bool

	json []byte
	text string
}

func newResult(ev *rules.Event, v *rules.Verdict) Result {
	r := Result{Decoder: v.Decoder, Alert: v.Alert}
	if v.Rule != nil {
		r.RuleID, r.Level, r.Description = v.Rule.ID, v.Rule.Level, v.Description
	}
	return r
}

// JSON gives the result as one JSON object, in the form of `armor logtest --json`.
func (r Result) JSON() []byte { return r.json }

// Text gives the result as text for a person, with a line end.
func (r Result) Text() string { return r.text }
