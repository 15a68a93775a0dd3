package rules

import "time"

// Verdict is what the engine decided about one event. It belongs to the Evaluation that made it and is valid until
// that is used again; its strings may point into the event's Log.
type Verdict struct {
	// Rule that the event ended in; nil: none.
	Rule *Rule
	// Alert says that an alert is to be made: a rule matched, its level is above 0, and nothing suppressed it.
	Alert bool
	// SuppressedBy is set when the rule's ignore window was open; it is then that rule, and Rule is its parent,
	// which is to be alerted instead.
	SuppressedBy *Rule
	// Description of the rule with its fields filled in.
	Description string
	// FiredTimes counts how often the rule has fired, this time included.
	FiredTimes uint64
	// Decoder that applied, and its parent; empty: none.
	Decoder, DecoderParent string
	// FTSComment of the decoder; Accumulated says that it carries fields on from earlier events.
	FTSComment  string
	Accumulated bool
	// Timestamp, Hostname and ProgramName are what the reference's alert shows as predecoder.
	Timestamp, Hostname, ProgramName string
	// PreviousOutput holds earlier logs of a correlation, newest first.
	PreviousOutput []string
	// GaveUp is set when a pattern took too much work on this event and counted as not matching: it names the first
	// such pattern. The verdict may then miss a rule.
	GaveUp error
	// Remembered says that the event changed what later events are judged by: it entered a window or used one up, a key
	// was seen for the first time, an ignore period began. Firing counters do not count.
	Remembered bool
	// Evaluated is what the engine took for the present.
	Evaluated time.Time

	x *Evaluation
}

// Field gives a decoded field by name, such as "srcip" or "aws.eventID". Static names include srcuser, dstuser (also
// as user), action, hostname, program_name and location.
func (v *Verdict) Field(name string) (string, bool) { return v.x.field(name) }

// AppendData appends the alert's data object in the reference's form: names nested by dots, scalars as strings,
// arrays as they came. It is always valid UTF-8 JSON; without fields it is {}.
func (v *Verdict) AppendData(dst []byte) []byte { return v.x.data.Append(dst, &v.x.event.Fields) }
