package decode

import (
	"math/bits"
	"strings"

	"armor/rules/internal/pattern"
)

// plainRoots is how many top-level decoders without a program name are tried before the log is searched for the
// literals of all: the first ones are those for common forms, such as JSON, and told by their first byte.
const plainRoots = 8

// index says which top-level decoders can match at all. It leaves out only what would not match.
type index struct {
	programs *pattern.Candidates // of the decoders with a program name, by that name
	rest     shortlist           // of the others, those behind plainRoots
}

// shortlist is some decoders of a list, in its order.
type shortlist struct {
	decoders   []*Decoder
	candidates *pattern.Candidates // by the log; nil: try them all
}

func newShortlist(decoders []*Decoder) shortlist {
	list := make([]pattern.Matcher, len(decoders))
	for i, d := range decoders {
		list[i] = d.prematch
	}
	return shortlist{decoders: decoders, candidates: pattern.NewCandidates(list)}
}

// buildIndex makes the indexes of a finished tree.
func (t *Tree) buildIndex() {
	var programs []pattern.Matcher
	for _, d := range t.withProgram {
		programs = append(programs, d.program)
	}
	head := min(plainRoots, len(t.withoutProgram))
	t.index = index{programs: pattern.NewCandidates(programs), rest: newShortlist(t.withoutProgram[head:])}
	for _, d := range t.all {
		if len(d.children) == 0 {
			continue
		}
		var list []pattern.Matcher
		for _, c := range d.children {
			list = append(list, c.prematch)
		}
		d.candidates = pattern.NewCandidatesWithin(list)
	}
}

// root finds the first top-level decoder that matches and runs it; the decoders that cannot match are passed over.
func (t *Tree) root(ev *Event) bool {
	if ev.Header.ProgramName != "" {
		return t.ofProgram(ev).run(ev)
	}
	return inTurn(ev, t.withoutProgram[:min(plainRoots, len(t.withoutProgram))]) || t.index.rest.run(ev)
}

// run runs the first decoder of the list that matches; the program name is not looked at.
func (s *shortlist) run(ev *Event) bool {
	if s.candidates == nil {
		for _, d := range s.decoders {
			if d.take(ev) {
				return true
			}
		}
		return false
	}
	ev.candidates = s.candidates.Of(ev.Log, &ev.Scratch, ev.candidates[:0])
	for w, set := range ev.candidates {
		for ; set != 0; set &= set - 1 {
			if s.decoders[w*64+bits.TrailingZeros64(set)].take(ev) {
				return true
			}
		}
	}
	return false
}

// Bounds of what is remembered about program names; when they are reached all is forgotten.
const (
	maxPrograms    = 1024
	maxProgramName = 64 // bytes; longer names are not remembered
)

// programs remembers which decoders take a program name.
type programs struct {
	byName map[string]*shortlist
	bySet  map[string]*shortlist // by the set of decoders: most names have one in common
	set    []byte
	chosen []*Decoder
}

// ofProgram gives the decoders that take the event's program name.
func (t *Tree) ofProgram(ev *Event) *shortlist {
	p, name := &ev.programs, ev.Header.ProgramName
	if s := p.byName[name]; s != nil {
		return s
	}
	p.choose(t, ev, name)
	s := p.bySet[string(p.set)]
	if s == nil {
		if p.bySet == nil || len(p.bySet) >= maxPrograms {
			p.bySet, p.byName = map[string]*shortlist{}, map[string]*shortlist{}
		}
		list := newShortlist(append([]*Decoder(nil), p.chosen...))
		s = &list
		p.bySet[string(p.set)] = s
	}
	if len(name) <= maxProgramName && ev.Scratch.Err == nil {
		if len(p.byName) >= maxPrograms {
			clear(p.byName)
		}
		p.byName[strings.Clone(name)] = s
	}
	return s
}

// choose tries the program names of the decoders.
func (p *programs) choose(t *Tree, ev *Event, name string) {
	p.chosen, p.set = p.chosen[:0], p.set[:0]
	if t.index.programs != nil {
		ev.candidates = t.index.programs.Of(name, &ev.Scratch, ev.candidates[:0])
	}
	for i, d := range t.withProgram {
		if (t.index.programs == nil || pattern.Has(ev.candidates, i)) && d.program.Test(name, &ev.Scratch) {
			p.chosen = append(p.chosen, d)
			p.set = append(p.set, byte(i), byte(i>>8), byte(i>>16))
		}
	}
}
