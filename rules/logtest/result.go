package logtest

import (
	"bytes"
	"encoding/json"

	"armor/rules"
)

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

	doc   document
	steps []rules.Step
	whys  []*rules.Why
}

// document is the JSON form.
type document struct {
	Predecoder     map[string]string `json:"predecoder,omitempty"`
	Decoder        map[string]any    `json:"decoder"`
	Data           json.RawMessage   `json:"data,omitempty"`
	Rule           *orderedRule      `json:"rule,omitempty"`
	Alert          bool              `json:"alert"`
	SuppressedBy   string            `json:"suppressed_by,omitempty"`
	PreviousOutput string            `json:"previous_output,omitempty"`
	FullLog        string            `json:"full_log,omitempty"`
	Location       string            `json:"location"`
	Trace          []step            `json:"trace,omitempty"`
	Why            []reason          `json:"why,omitempty"`
}

func newResult(ev *rules.Event, v *rules.Verdict) Result {
	r := Result{Decoder: v.Decoder, Alert: v.Alert}
	d := document{Decoder: map[string]any{}, Alert: v.Alert, FullLog: valid(ev.Log), Location: ev.Location}
	for name, value := range map[string]string{"timestamp": v.Timestamp, "hostname": v.Hostname, "program_name": v.ProgramName} {
		if value != "" {
			if d.Predecoder == nil {
				d.Predecoder = map[string]string{}
			}
			d.Predecoder[name] = valid(value)
		}
	}
	for name, value := range map[string]string{"name": v.Decoder, "parent": v.DecoderParent, "ftscomment": v.FTSComment} {
		if value != "" {
			d.Decoder[name] = valid(value)
		}
	}
	if v.Accumulated {
		d.Decoder["accumulate"] = 1
	}
	if data := v.AppendData(nil); len(data) > 2 {
		d.Data = data
	}
	rule, description := v.Rule, v.Description
	if v.SuppressedBy != nil {
		// A person wants to see the rule that matched; the alert would name its parent.
		rule, description = v.SuppressedBy, v.SuppressedBy.Description
		d.SuppressedBy = idText(rule.ID)
		d.Alert, r.Alert = false, false
	}
	if rule != nil {
		r.RuleID, r.Level, r.Description = rule.ID, rule.Level, valid(description)
		d.Rule = &orderedRule{rule: rule, description: r.Description, fired: v.FiredTimes}
		if rule.NoFullLog {
			d.FullLog = ""
		}
	}
	if len(v.PreviousOutput) > 1 {
		var b bytes.Buffer
		for i, log := range v.PreviousOutput {
			if i > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(valid(log))
		}
		d.PreviousOutput = b.String()
	}
	r.doc = d
	return r
}

// JSON gives the result as one JSON object, in the form of `armor logtest --json`: predecoder, decoder, data, rule
// (absent when none matched; id is a string, level a number), alert, location, full_log; and trace and why where Explain
// asked for them.
func (r Result) JSON() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r.doc); err != nil {
		// Everything in it is a string, a number or JSON that the engine made.
		return []byte(`{"error":"result cannot be shown"}`)
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// Text gives the result as text for a person, with a line end.
func (r Result) Text() string { return text(&r) }
