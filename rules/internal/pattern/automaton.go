package pattern

import (
	"errors"
	"fmt"
	"slices"
)

// Entry asks an Automaton to report a literal.
type Entry struct {
	Literal string // ASCII case is ignored
	Bit     int    // set in the output when the literal occurs
}

// Automaton finds which of many literals occur in a text, in one pass over it:
// a dense Aho-Corasick automaton. Case is folded in the table that maps bytes
// to columns, so folding costs nothing. It is immutable and safe for any
// number of goroutines.
//
//	a, err := pattern.NewAutomaton(entries)
//	clear(bits)
//	a.Scan(line, bits)
//	if pattern.Has(bits, n) { try pattern n }
type Automaton struct {
	column [256]uint8 // of a byte; 0: in no literal
	shift  uint8      // row length = 1<<shift
	// next[state<<shift|column] is the next state. States from accepting on
	// have output.
	next      []uint16
	accepting uint16
	outputs   []output // by state - accepting
	bits      []uint32 // of all outputs
	words     int
	always    []uint32 // bits of empty literals
}

// output is a run of Automaton.bits.
type output struct{ from, to uint32 }

// maxStates bounds one automaton: a state is a number of 16 bits.
const maxStates = 1 << 16

// ErrTooManyLiterals is returned for literals whose automaton would have more
// than 65,536 states: make one for each scope, or shorten the literals.
var ErrTooManyLiterals = errors.New("literals come to more than 65536 states")

// NewAutomaton builds an automaton. Several literals may share a bit and one
// literal may have several.
func NewAutomaton(entries []Entry) (*Automaton, error) {
	a := &Automaton{}
	columns := 1
	for _, e := range entries {
		if e.Bit < 0 {
			return nil, fmt.Errorf("literal %q: bit %d is negative", e.Literal, e.Bit)
		}
		a.words = max(a.words, e.Bit/64+1)
		for i := range len(e.Literal) {
			if c := lower[e.Literal[i]]; a.column[c] == 0 && columns < 256 {
				a.column[c] = uint8(columns)
				columns++
			}
		}
	}
	for c := range a.column {
		a.column[c] = a.column[lower[c]]
	}
	for 1<<a.shift < columns {
		a.shift++
	}
	t := &trie{shift: a.shift}
	t.grow()
	for _, e := range entries {
		if e.Literal == "" {
			a.always = append(a.always, uint32(e.Bit))
			continue
		}
		if err := t.add(a, e); err != nil {
			return nil, err
		}
	}
	t.finish()
	a.number(t)
	return a, nil
}

// Words returns how many words of output Scan needs.
func (a *Automaton) Words() int { return a.words }

// Scan sets in out, of at least Words words, the bits of all literals that
// occur in text. It clears none.
func (a *Automaton) Scan(text string, out []uint64) {
	for _, b := range a.always {
		out[b/64] |= 1 << (b % 64)
	}
	next, shift, accepting := a.next, a.shift&15, a.accepting
	state := uint16(0)
	for i := range len(text) {
		state = next[int(state)<<shift|int(a.column[text[i]])]
		if state >= accepting {
			o := a.outputs[state-accepting]
			for _, b := range a.bits[o.from:o.to] {
				out[b/64] |= 1 << (b % 64)
			}
		}
	}
}

// Any reports whether any of the literals occurs in text; it stops at the first.
func (a *Automaton) Any(text string) bool {
	if len(a.always) > 0 {
		return true
	}
	next, shift, accepting := a.next, a.shift&15, a.accepting
	state := uint16(0)
	for i := range len(text) {
		state = next[int(state)<<shift|int(a.column[text[i]])]
		if state >= accepting {
			return true
		}
	}
	return false
}

// Has reports whether bit n is set.
func Has(bits []uint64, n int) bool { return bits[n/64]&(1<<(n%64)) != 0 }

// number puts the states with output last, those near the root first because
// most texts stay there, and fills the tables.
func (a *Automaton) number(t *trie) {
	count := len(t.bits)
	place := make([]uint16, count)
	plain := 0
	for _, s := range t.order {
		if len(t.bits[s]) == 0 {
			place[s] = uint16(plain)
			plain++
		}
	}
	a.next = make([]uint16, count<<a.shift)
	at := plain
	for _, s := range t.order {
		if len(t.bits[s]) == 0 {
			continue
		}
		place[s] = uint16(at)
		at++
		from := len(a.bits)
		a.bits = append(a.bits, t.bits[s]...)
		a.outputs = append(a.outputs, output{uint32(from), uint32(len(a.bits))})
	}
	// With every number taken by a state without output, none is at or above
	// the mark; the root never has output, so that cannot be 0.
	a.accepting = uint16(min(plain, maxStates-1))
	for s := range count {
		for c := range 1 << a.shift {
			a.next[int(place[s])<<a.shift|c] = place[t.next[s<<a.shift|c]]
		}
	}
}

// trie is the automaton while it is built; state 0 is the root.
type trie struct {
	shift uint8
	next  []int32
	bits  [][]uint32
	order []int32 // states by depth, set by finish
}

func (t *trie) grow() int32 {
	t.next = append(t.next, make([]int32, 1<<t.shift)...)
	t.bits = append(t.bits, nil)
	return int32(len(t.bits) - 1)
}

func (t *trie) add(a *Automaton, e Entry) error {
	s := int32(0)
	for i := range len(e.Literal) {
		at := int(s)<<t.shift | int(a.column[e.Literal[i]])
		if t.next[at] == 0 {
			if len(t.bits) == maxStates-1 {
				return ErrTooManyLiterals
			}
			n := t.grow()
			t.next[at] = n
		}
		s = t.next[at]
	}
	if b := uint32(e.Bit); !slices.Contains(t.bits[s], b) {
		t.bits[s] = append(t.bits[s], b)
	}
	return nil
}

// finish adds to each state the transitions and the output of its longest
// proper suffix that is a state.
func (t *trie) finish() {
	width := 1 << t.shift
	suffix := make([]int32, len(t.bits))
	t.order = append(t.order, 0)
	for i := 0; i < len(t.order); i++ {
		s := t.order[i]
		for c := range width {
			at := int(s)<<t.shift | c
			child := t.next[at]
			fall := int32(0)
			if s != 0 {
				fall = t.next[int(suffix[s])<<t.shift|c]
			}
			if child == 0 {
				t.next[at] = fall
				continue
			}
			suffix[child] = fall
			for _, b := range t.bits[fall] {
				if !slices.Contains(t.bits[child], b) {
					t.bits[child] = append(t.bits[child], b)
				}
			}
			t.order = append(t.order, child)
		}
	}
}
