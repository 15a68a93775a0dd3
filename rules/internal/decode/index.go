package decode

import (
	"math/bits"

	"armor/rules/internal/pattern"
)

// plainRoots is how many top-level decoders without a program name are tried before the log is searched for the
// literals of all: the first ones are those for common forms, such as JSON, and told by their first byte.
const plainRoots = 8

// index says which top-level decoders can match at all. It leaves out only what would not match.
type index struct {
	programs   *pattern.Candidates // of the decoders with a program name, by that name
	prematches *pattern.Candidates // of the others behind plainRoots, by the log
}

// buildIndex makes the indexes of a finished tree.
func (t *Tree) buildIndex() {
	var programs, prematches []pattern.Matcher
	for _, d := range t.withProgram {
		programs = append(programs, d.program)
	}
	for i, d := range t.withoutProgram {
		if i >= plainRoots {
			prematches = append(prematches, d.prematch)
		}
	}
	t.index = index{programs: pattern.NewCandidates(programs), prematches: pattern.NewCandidates(prematches)}
	for _, d := range t.all {
		if len(d.children) == 0 {
			continue
		}
		var list []pattern.Matcher
		for _, c := range d.children {
			list = append(list, c.prematch)
		}
		d.candidates = pattern.NewCandidates(list)
	}
}

// root finds the first top-level decoder that matches and runs it; the decoders that cannot match are passed over.
func (t *Tree) root(ev *Event) bool {
	if ev.Header.ProgramName != "" {
		return among(ev, t.withProgram, t.index.programs, ev.Header.ProgramName)
	}
	head := min(plainRoots, len(t.withoutProgram))
	return inTurn(ev, t.withoutProgram[:head]) || among(ev, t.withoutProgram[head:], t.index.prematches, ev.Log)
}

// among tries the decoders of a list that may match, by what text says.
func among(ev *Event, list []*Decoder, c *pattern.Candidates, text string) bool {
	if c == nil {
		return inTurn(ev, list)
	}
	ev.candidates = c.Of(text, ev.candidates[:0])
	for w, set := range ev.candidates {
		for ; set != 0; set &= set - 1 {
			if list[w*64+bits.TrailingZeros64(set)].try(ev) {
				return true
			}
		}
	}
	return false
}
