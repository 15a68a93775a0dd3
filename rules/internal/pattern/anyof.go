package pattern

// anyOf tells whether one of many literals occurs in a text, ASCII case ignored. It is immutable and safe for any number of
// goroutines.
type anyOf struct {
	grams     *grams // if all literals are long enough
	automaton *Automaton
}

// manyLiterals is from how many literals on one pass for all is quicker than a search for each (measured, with an automaton: 2.5
// times with 13 of them).
const manyLiterals = 4

// minAnyStride is the stride from which on groups of four are quicker than an automaton: that takes each byte after the one before.
const minAnyStride = 2

// newAnyOf makes a search for literals that may stand anywhere; nil if they are few. None may be empty.
func newAnyOf(literals []string) *anyOf {
	if len(literals) < manyLiterals {
		return nil
	}
	if stride := min(shortestOf(literals)-gramSize+1, maxStride); stride >= minAnyStride {
		g := newGrams(stride, len(literals))
		for _, l := range literals {
			g.add(asciiLower(l), 0)
		}
		return &anyOf{grams: g}
	}
	a, err := NewAutomaton(literals)
	if err != nil {
		return nil // too many for an automaton: each is searched
	}
	return &anyOf{automaton: a}
}

// in reports whether one of the literals occurs in text.
func (a *anyOf) in(text string) bool {
	if a.grams != nil {
		return a.grams.any(text)
	}
	return a.automaton.Any(text)
}
