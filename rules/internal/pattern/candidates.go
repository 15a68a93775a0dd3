package pattern

// minCandidates is how many of a list's matchers must have a literal for one pass over the text to pay.
const minCandidates = 6

// candidateBytes is how much of a literal is looked for. A matcher is tried when it is there, so more would only cost
// memory: with whole literals the indexes of a large ruleset take three times as much as all the rest of it.
const candidateBytes = 8

// Candidates tells which matchers of a list can match a text at all, by the literals that they require: one pass over
// the text instead of one for each matcher. It is immutable and safe for any number of goroutines.
type Candidates struct {
	automaton *Automaton
	rest      []uint64 // matchers of which nothing is known
}

// NewCandidates makes the index of a list. A nil matcher is always a candidate. It gives nil where trying one after
// the other is as good.
func NewCandidates(list []Matcher) *Candidates {
	c := &Candidates{rest: make([]uint64, (len(list)+63)/64)}
	var entries []Entry
	known := 0
	for i, m := range list {
		var required []string
		if m != nil {
			required = m.Facts().Required
		}
		if len(required) == 0 {
			c.rest[i/64] |= 1 << (i % 64)
			continue
		}
		known++
		for _, l := range required {
			entries = append(entries, Entry{Literal: l[:min(len(l), candidateBytes)], Bit: i})
		}
	}
	if known < minCandidates {
		return nil
	}
	a, err := NewAutomaton(entries)
	if err != nil {
		return nil // too many literals: they are tried one after the other
	}
	c.automaton = a
	return c
}

// Of appends to set the bits of the matchers that may match text, and gives all of it.
func (c *Candidates) Of(text string, set []uint64) []uint64 {
	n := len(set)
	set = append(set, c.rest...)
	c.automaton.Scan(text, set[n:])
	return set
}

// Stronger gives the one of two matchers that says more about the texts it matches: the one whose shortest required
// literal is longer. Either may be nil.
func Stronger(a, b Matcher) Matcher {
	if a == nil || shortest(b) > shortest(a) {
		return b
	}
	return a
}

// shortest is the length of the shortest literal that m requires; 0: none.
func shortest(m Matcher) int {
	n := 0
	if m == nil {
		return n
	}
	for i, l := range m.Facts().Required {
		if i == 0 || len(l) < n {
			n = len(l)
		}
	}
	return n
}

// AppendLower appends text in ASCII lower case.
func AppendLower(dst []byte, text string) []byte {
	for i := range len(text) {
		dst = append(dst, lower[text[i]])
	}
	return dst
}
