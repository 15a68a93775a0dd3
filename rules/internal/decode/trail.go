package decode

import "strings"

// Outcome is what came of trying a decoder.
type Outcome uint8

const (
	// Failed: a condition did not hold, or the regex found nothing.
	Failed Outcome = iota
	// Matched: the decoder applies, or its regex filled fields.
	Matched
)

// Step is one trial of a decoder.
type Step struct {
	Decoder *Decoder
	Outcome Outcome
	// Condition is the element that decided, as written; Program: it is about the program name.
	Condition string
	Program   bool
	// Value that it was tried on, shortened.
	Value string
	// Note says more.
	Note string
}

// Trail records how a line was decoded. It keeps nothing of the event's memory.
type Trail struct {
	Steps []Step
}

// maxShown is how much of a value is kept, in bytes.
const maxShown = 240

// Shown is a copy of a value for people, cut at a character's edge.
func Shown(s string) string {
	if len(s) <= maxShown {
		return strings.Clone(s)
	}
	return strings.ToValidUTF8(s[:maxShown], "") + "…"
}

func (t *Trail) add(s Step) {
	s.Value = Shown(s.Value)
	t.Steps = append(t.Steps, s)
}

// written holds a decoder's elements for people, variables filled in.
type written struct {
	program, prematch, regex string
}

// selects is what a top-level decoder asked for.
func (w *written) selects() string { return strings.TrimSpace(w.program + " " + w.prematch) }

// regex notes how the regex of a chosen decoder fared.
func (t *Trail) regex(d *Decoder, ok bool, text string) {
	s := Step{Decoder: d, Condition: d.written.regex, Value: text, Note: "no fields of this decoder"}
	if ok {
		s.Outcome, s.Note = Matched, "fills "+d.orderNames()
	}
	t.add(s)
}

func (d *Decoder) orderNames() string {
	names := make([]string, len(d.order))
	for i := range d.order {
		names[i] = d.order[i].name
	}
	return strings.Join(names, ", ")
}
