package decode

import (
	"armor/rules/internal/header"
	"armor/rules/internal/pattern"
)

// Decode decodes a line into ev. The forms of header that the reference does not know are tried only when its own
// reading leads to no decoder.
func (t *Tree) Decode(ev *Event, line string) {
	ev.reset(line)
	ev.Scratch.Reset()
	compatible := header.Parse(line)
	ev.Header, ev.Log = compatible, compatible.Log
	if t.walk(ev) {
		return
	}
	extended, ok := header.ParseExtended(line)
	if !ok {
		return
	}
	if ev.Trail != nil {
		ev.Trail.add(Step{Note: "no decoder matched: the header is read once more, in the forms that the reference does not know", Value: line})
	}
	ev.Header, ev.Log = extended, extended.Log
	if !t.walk(ev) {
		ev.Header, ev.Log = compatible, compatible.Log
	}
}

// walk finds the first top-level decoder that matches and runs it.
func (t *Tree) walk(ev *Event) bool {
	if !ev.plain() {
		ev.Scratch.Cover(ev.Log)
		return t.root(ev)
	}
	if ev.Header.ProgramName != "" {
		return inTurn(ev, t.withProgram)
	}
	return inTurn(ev, t.withoutProgram)
}

// inTurn tries the decoders of a list one after the other.
func inTurn(ev *Event, list []*Decoder) bool {
	for _, d := range list {
		if d.try(ev) {
			return true
		}
	}
	return false
}

// try runs a top-level decoder if it matches.
func (d *Decoder) try(ev *Event) bool {
	if d.program != nil && !d.program.Test(ev.Header.ProgramName, &ev.Scratch) {
		if ev.Trail != nil {
			ev.Trail.add(Step{Decoder: d, Condition: d.written.program, Program: true, Value: ev.Header.ProgramName})
		}
		return false
	}
	return d.take(ev)
}

// take runs a top-level decoder, whose program name is right, if it matches.
func (d *Decoder) take(ev *Event) bool {
	cursor := 0
	if d.prematch != nil {
		if ev.Scratch.Lacks(ev.Log, &d.prematchNeeds) {
			return false
		}
		end, ok := d.prematch.Match(ev.Log, &ev.Scratch)
		if !ok {
			if ev.Trail != nil {
				ev.Trail.add(Step{Decoder: d, Condition: d.written.prematch, Value: ev.Log})
			}
			return false
		}
		cursor = pattern.Next(end, len(ev.Log))
	}
	if c, ok := d.plugin.(claimer); ok && !c.claim(ev) {
		if ev.Trail != nil {
			ev.Trail.add(Step{Decoder: d, Note: "its plugin does not take the line", Value: ev.Log})
		}
		return false
	}
	ev.Decoder = d
	if ev.Trail != nil {
		ev.Trail.add(Step{Decoder: d, Outcome: Matched, Condition: d.written.selects(), Value: ev.Log})
	}
	d.extract(ev, cursor)
	return true
}

// extract chooses the child of a matched top-level decoder and fills the fields. parent is where the text behind the
// parent's prematch starts.
func (d *Decoder) extract(ev *Event, parent int) {
	if len(d.children) == 0 {
		single := [1]*Decoder{d}
		runChain(ev, single[:], parent, parent)
		return
	}
	possible := ev.candidates[:0]
	if d.candidates != nil && !ev.plain() {
		possible = d.candidates.Of(ev.Log, &ev.Scratch, possible)
		ev.candidates = possible
	}
	for i := 0; i < len(d.children); i++ {
		c := d.children[i]
		if c.prematch == nil {
			// Taken at once; the event stays with the parent's name, type and first-time-seen fields.
			if ev.Trail != nil {
				ev.Trail.add(Step{Decoder: c, Outcome: Matched, Note: "has no prematch: taken at once, the decoders behind it are not tried"})
			}
			runChain(ev, d.children[i:], parent, parent)
			return
		}
		from := 0
		if c.prematchOffset == afterParent {
			from = parent
		}
		if (len(possible) == 0 || pattern.Has(possible, i)) && !ev.Scratch.Lacks(ev.Log[from:], &c.prematchNeeds) {
			if end, ok := c.prematch.Match(ev.Log[from:], &ev.Scratch); ok {
				ev.Decoder = c
				if ev.Trail != nil {
					ev.Trail.add(Step{Decoder: c, Outcome: Matched, Condition: c.written.prematch, Value: ev.Log[from:]})
				}
				runChain(ev, d.children[i:], parent, from+pattern.Next(end, len(ev.Log)-from))
				return
			}
		}
		if ev.Trail != nil {
			ev.Trail.add(Step{Decoder: c, Condition: c.written.prematch, Value: ev.Log[from:]})
		}
		// A same-named chain stands or falls with its first decoder.
		for d.children[i].hasNext && i+1 < len(d.children) {
			i++
		}
	}
}

// runChain takes the fields of the chosen decoder and of those chained to it.
func runChain(ev *Event, chain []*Decoder, parent, prematch int) {
	last := prematch
	for _, c := range chain {
		var from int
		switch c.regexOffset {
		case afterParent:
			from = parent
		case afterPrematch:
			from = prematch
		case afterRegex:
			from = last
		}
		switch {
		case c.plugin != nil:
			c.plugin.decode(ev, c, from)
			if ev.Trail != nil {
				ev.Trail.add(Step{Decoder: c, Outcome: Matched, Note: "its plugin takes the fields", Value: ev.Log[from:]})
			}
		case c.regex != nil && !ev.Scratch.Lacks(ev.Log[from:], &c.regexNeeds):
			end, ok := c.regex.Match(ev.Log[from:], &ev.Scratch)
			if ev.Trail != nil {
				ev.Trail.regex(c, ok, ev.Log[from:])
			}
			if ok {
				c.capture(ev, from)
				last = from + pattern.Next(end, len(ev.Log)-from)
			}
		}
		if !c.hasNext {
			return
		}
	}
}

// capture hands the captures of the last match to the decoder's order.
func (d *Decoder) capture(ev *Event, from int) {
	text := ev.Log[from:]
	for i, span := range ev.Scratch.Captures {
		if i >= len(d.order) {
			return
		}
		ev.put(&d.order[i], span.Of(text))
	}
}
