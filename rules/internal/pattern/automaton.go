package pattern

import "errors"

// Automaton tells whether one of several literals occurs in a text, in one
// pass over it: a dense Aho-Corasick automaton. Case is folded in the table
// that maps bytes to columns, so folding costs nothing. It is immutable and
// safe for any number of goroutines.
//
//	a, err := pattern.NewAutomaton(literals)
//	if a.Any(line) { … }
type Automaton struct {
	column [256]uint8 // of a byte; 0: in no literal
	shift  uint8      // row length = 1<<shift
	// next[state<<shift|column] is the next state. From accepting on a literal
	// has been seen.
	next      []uint16
	accepting uint16
	always    bool // a literal is empty
}

// maxStates bounds one automaton: a state is a number of 16 bits.
const maxStates = 1 << 16

// ErrTooManyLiterals is returned for literals whose automaton would have more
// than 65,536 states: make one for each scope, or shorten the literals.
var ErrTooManyLiterals = errors.New("literals come to more than 65536 states")

// NewAutomaton builds an automaton of literals; ASCII case is ignored.
func NewAutomaton(literals []string) (*Automaton, error) {
	a := &Automaton{}
	columns := 1
	for _, l := range literals {
		for i := range len(l) {
			if c := lower[l[i]]; a.column[c] == 0 && columns < 256 {
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
	for _, l := range literals {
		if l == "" {
			a.always = true
			continue
		}
		if err := t.add(a, l); err != nil {
			return nil, err
		}
	}
	t.finish()
	a.number(t)
	return a, nil
}

// Any reports whether any of the literals occurs in text; it stops at the first.
func (a *Automaton) Any(text string) bool {
	if a.always {
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

// number puts the states in which a literal ends last, those near the root
// first because most texts stay there, and fills the table.
func (a *Automaton) number(t *trie) {
	count := len(t.ends)
	place := make([]uint16, count)
	at := 0
	for _, ends := range []bool{false, true} {
		for _, s := range t.order {
			if t.ends[s] == ends {
				place[s] = uint16(at)
				at++
			}
		}
		if !ends {
			// With every number taken by a state in which none ends, none is at
			// or above the mark; none ends in the root, so it cannot be 0.
			a.accepting = uint16(min(at, maxStates-1))
		}
	}
	a.next = make([]uint16, count<<a.shift)
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
	ends  []bool  // a literal ends in the state
	order []int32 // states by depth, set by finish
}

func (t *trie) grow() int32 {
	t.next = append(t.next, make([]int32, 1<<t.shift)...)
	t.ends = append(t.ends, false)
	return int32(len(t.ends) - 1)
}

func (t *trie) add(a *Automaton, literal string) error {
	s := int32(0)
	for i := range len(literal) {
		at := int(s)<<t.shift | int(a.column[literal[i]])
		if t.next[at] == 0 {
			if len(t.ends) == maxStates-1 {
				return ErrTooManyLiterals
			}
			n := t.grow()
			t.next[at] = n
		}
		s = t.next[at]
	}
	t.ends[s] = true
	return nil
}

// finish adds to each state the transitions of its longest proper suffix that
// is a state, and whether a literal ends there.
func (t *trie) finish() {
	width := 1 << t.shift
	suffix := make([]int32, len(t.ends))
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
			t.ends[child] = t.ends[child] || t.ends[fall]
			t.order = append(t.order, child)
		}
	}
}
