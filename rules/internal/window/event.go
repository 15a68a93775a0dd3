// Package window is the engine's memory from one event to the next: the events that correlation rules count, keys seen
// before, ignore periods, counters. What it remembers is bounded, and what it must forget early is counted.
package window

import (
	"strings"

	"armor/rules/internal/fields"
)

// Value is a field value that may be absent.
type Value struct {
	Text string
	Set  bool
}

// Event is what correlation needs to know about an event. The engine fills one for the current event; Memory keeps
// copies of those that count later.
type Event struct {
	// Time in Unix seconds.
	Time     int64
	Agent    string
	Location string
	Category uint8
	// Log is the line after its header, for if_matched_regex; Full is the whole line, for previous_output.
	Log, Full string
	Static    [fields.NumSlots]string
	Present   uint32
	// Dynamic holds the dynamic fields that some correlation rule compares, in the order of Binding.Symbols; what is
	// missing at its end is absent.
	Dynamic []Value
	// HasDynamic: the event has dynamic fields, whichever.
	HasDynamic bool
	// Consumed is the level of the correlation rule that used the event up; 0: none.
	Consumed int

	bytes int          // about how much memory a kept event takes
	in    []membership // the lists that keep it
}

// membership is the place of an event in a list.
type membership struct {
	list *eventList
	seq  int64
}

// dynamic gives a compared field.
func (e *Event) dynamic(n int) Value {
	if n < len(e.Dynamic) {
		return e.Dynamic[n]
	}
	return Value{}
}

// consume marks a kept event as used up at a level.
func (e *Event) consume(level int) {
	e.Consumed = level
	for _, m := range e.in {
		m.list.mark(level, m.seq)
	}
}

// maxEventBytes is how large a kept event may be; a larger one is not remembered.
const maxEventBytes = 16 << 20

// maxKeptLog is how much of a log is kept, in bytes.
const maxKeptLog = 64 << 10

// clone makes a copy with strings of its own, all in one allocation.
func (e *Event) clone() *Event {
	c := *e
	c.in = nil
	full := e.Full[:min(len(e.Full), maxKeptLog)]
	inFull := strings.HasSuffix(e.Full, e.Log) && len(e.Full) <= maxKeptLog
	n := len(full) + len(e.Location) + len(e.Agent)
	if !inFull {
		n += min(len(e.Log), maxKeptLog)
	}
	for _, s := range e.Static {
		n += len(s)
	}
	for _, v := range e.Dynamic {
		n += len(v.Text)
	}
	var b strings.Builder
	b.Grow(n)
	keep := func(s string) string {
		from := b.Len()
		b.WriteString(s)
		return b.String()[from:]
	}
	c.Full = keep(full)
	if inFull {
		c.Log = c.Full[len(c.Full)-len(e.Log):]
	} else {
		c.Log = keep(e.Log[:min(len(e.Log), maxKeptLog)])
	}
	c.Location = keep(e.Location)
	c.Agent = keep(e.Agent)
	for i, s := range e.Static {
		c.Static[i] = keep(s)
	}
	if e.Dynamic != nil {
		c.Dynamic = make([]Value, len(e.Dynamic))
		for i, v := range e.Dynamic {
			c.Dynamic[i] = Value{Text: keep(v.Text), Set: v.Set}
		}
	}
	c.bytes = 512 + n + 40*len(e.Dynamic)
	return &c
}
