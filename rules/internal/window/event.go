// Package window is the engine's memory from one event to the next: the events that correlation rules count, keys seen
// before, ignore periods, counters. What it remembers is bounded, and what it must forget early is counted.
package window

import "armor/rules/internal/fields"

// Value is a field value that may be absent.
type Value struct {
	Text string
	Set  bool
}

// Event is what correlation needs to know about an event. The engine fills one for the current event; Memory keeps
// what it needs of those that count later.
type Event struct {
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
}

// dynamic gives a compared field.
func (e *Event) dynamic(n int) Value {
	if n < len(e.Dynamic) {
		return e.Dynamic[n]
	}
	return Value{}
}
