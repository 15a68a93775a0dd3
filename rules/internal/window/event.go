// Package window is the engine's memory from one event to the next: the events that correlation rules count, keys seen
// before, ignore periods, counters. What it remembers is bounded, and what it must forget early is counted.
package window

import (
	"math/bits"
	"strings"
	"unsafe"

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
	// What every comparison looks at comes first, to lie together in memory.

	// Time in Unix seconds.
	Time  int64
	Agent string
	// Present has the bit of each field of Static.
	Present  uint32
	Category uint8
	// HasDynamic: the event has dynamic fields, whichever.
	HasDynamic bool
	// Consumed is the level of the correlation rule that used the event up; 0: none.
	Consumed int
	// Full is the whole line, for previous_output; Log is the line after its header, for if_matched_regex.
	Full, Log string
	Location  string
	// Dynamic holds the dynamic fields that some correlation rule compares, in the order of Binding.Symbols; what is
	// missing at its end is absent.
	Dynamic []Value
	Static  [fields.NumSlots]string

	bytes  int           // about how much memory a kept event takes
	in     []membership  // the lists that keep it
	places [1]membership // of in, while it is short
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

// clone makes a copy with strings of its own.
func (e *Event) clone() *Event {
	var s spare
	s.fit(e.textSize())
	return e.keep(&s)
}

// spare is memory for the next copy of an event: the copy itself, and all its strings together.
type spare struct {
	event *Event
	text  []byte
}

// fit makes it fit an event with so much text.
func (s *spare) fit(size int) {
	if s.event == nil {
		s.event = new(Event)
	}
	if c := cap(s.text); c < size || c > size+size/4+64 {
		s.text = make([]byte, 0, size)
	}
}

// logInFull says whether Log is the end of Full, so that both share their bytes.
func (e *Event) logInFull() bool {
	return len(e.Full) <= maxKeptLog && strings.HasSuffix(e.Full, e.Log)
}

// textSize is how many bytes the strings of a copy take.
func (e *Event) textSize() int {
	n := min(len(e.Full), maxKeptLog) + len(e.Location) + len(e.Agent)
	if !e.logInFull() {
		n += min(len(e.Log), maxKeptLog)
	}
	for set := e.Present; set != 0; set &= set - 1 {
		n += len(e.Static[bits.TrailingZeros32(set)])
	}
	for _, v := range e.Dynamic {
		n += len(v.Text)
	}
	return n
}

// keep makes a copy with strings of its own, in memory that fits.
func (e *Event) keep(s *spare) *Event {
	c, text := s.event, s.text[:0]
	*s = spare{}
	// The bytes are written once and not changed any more.
	keep := func(t string) string {
		if t == "" {
			return ""
		}
		from := len(text)
		text = append(text, t...)
		return unsafe.String(&text[from], len(t))
	}
	c.Time, c.Category, c.Present, c.HasDynamic, c.Consumed = e.Time, e.Category, e.Present, e.HasDynamic, e.Consumed
	c.Full = keep(e.Full[:min(len(e.Full), maxKeptLog)])
	if e.logInFull() {
		c.Log = c.Full[len(c.Full)-len(e.Log):]
	} else {
		c.Log = keep(e.Log[:min(len(e.Log), maxKeptLog)])
	}
	c.Location = keep(e.Location)
	c.Agent = keep(e.Agent)
	for set := e.Present; set != 0; set &= set - 1 {
		n := bits.TrailingZeros32(set)
		c.Static[n] = keep(e.Static[n])
	}
	if len(e.Dynamic) > 0 {
		c.Dynamic = make([]Value, len(e.Dynamic))
		for i, v := range e.Dynamic {
			c.Dynamic[i] = Value{Text: keep(v.Text), Set: v.Set}
		}
	}
	c.bytes = 512 + len(text) + 40*len(e.Dynamic)
	c.in = c.places[:0]
	return c
}
