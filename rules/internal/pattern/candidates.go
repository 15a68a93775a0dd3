package pattern

// minCandidates is of how many of a list's matchers something must be known for an index of them to pay.
const minCandidates = 6

// maxStride bounds how far apart a text is looked at: with more, fewer literals are long enough.
const maxStride = 8

// Candidates tells which matchers of a list can match a text at all, by the byte that they begin with and by the
// literals that they require: one look at the text instead of one for each matcher. It is immutable and safe for any
// number of goroutines.
type Candidates struct {
	rest   []uint64 // matchers of which no literal is looked for
	begins byteRows // by first byte: those that may begin with it
	digits byteRows // by the first byte that is no digit, in a text that begins with one
	grams  *grams   // of the literals; nil: there are none
	traces traces   // of the literals too, for texts with a digest
}

// byteRows is a set of matchers for each byte, a row of as many words as rest.
type byteRows struct {
	rows []uint64 // nil: all of them, whatever the byte
	of   [256]uint16
}

// NewCandidates makes the index of a list. A nil matcher is always a candidate. It gives nil where trying one after
// the other is as good.
func NewCandidates(list []Matcher) *Candidates { return newCandidates(list, true) }

// NewCandidatesWithin makes the index of a list of which some look at the end of the text only: where they begin says
// nothing.
func NewCandidatesWithin(list []Matcher) *Candidates { return newCandidates(list, false) }

func newCandidates(list []Matcher, whole bool) *Candidates {
	c := &Candidates{rest: make([]uint64, (len(list)+63)/64)}
	known := 0
	begins, digits := make([]*[256]bool, len(list)), make([]*[256]bool, len(list))
	literals := make([][]string, len(list))
	for i, m := range list {
		if m == nil {
			continue
		}
		f := m.Facts()
		if whole {
			begins[i], digits[i] = f.Begins, f.AfterDigits
		}
		literals[i] = f.Required
		if begins[i] != nil || shortest(m) >= gramSize {
			known++
		}
	}
	if known < minCandidates {
		return nil
	}
	c.begins.fill(begins)
	c.digits.fill(digits)
	c.indexLiterals(literals, begins)
	return c
}

// fill makes the rows, given the bytes of each matcher; nil: every byte will do.
func (r *byteRows) fill(bytes []*[256]bool) {
	seen := map[string]uint16{}
	for b := range 256 {
		row := make([]uint64, (len(bytes)+63)/64)
		key := make([]byte, len(bytes))
		for i, set := range bytes {
			if set == nil || set[b] {
				row[i/64] |= 1 << (i % 64)
				key[i] = 1
			}
		}
		n, ok := seen[string(key)]
		if !ok {
			n = uint16(len(seen))
			seen[string(key)] = n
			r.rows = append(r.rows, row...)
		}
		r.of[b] = n
	}
	if len(seen) == 1 {
		r.rows = nil
	}
}

// keep takes from found the matchers that b rules out.
func (r *byteRows) keep(found []uint64, b byte) {
	if r.rows == nil {
		return
	}
	row := r.rows[int(r.of[b])*len(found):]
	for i := range found {
		found[i] &= row[i]
	}
}

// indexLiterals notes the literals of those that are long enough.
func (c *Candidates) indexLiterals(literals [][]string, begins []*[256]bool) {
	least := make([]int, len(literals))
	for i, list := range literals {
		least[i] = shortestOf(list)
	}
	stride := chooseStride(least, begins)
	n := 0
	for i, list := range literals {
		if least[i] >= shortestFor(stride) {
			n += len(list)
		}
	}
	if n > 0 {
		c.grams = newGrams(stride, n)
	}
	c.traces.rest = make([]uint64, len(c.rest))
	for i, list := range literals {
		c.traces.add(list, i)
		if least[i] < shortestFor(stride) {
			c.rest[i/64] |= 1 << (i % 64)
			continue
		}
		for _, l := range list {
			c.grams.add(l, i)
		}
	}
}

// chooseStride weighs the looks that a longer stride spares against the matchers whose literals are too short for it and
// which are tried without: measured, one such costs about as much as an eighth of the looks at every byte.
func chooseStride(least []int, begins []*[256]bool) int {
	best, cost := 1, 1<<30
	for stride := 1; stride <= maxStride; stride++ {
		sum := 64 / stride
		for i, n := range least {
			switch {
			case n >= shortestFor(stride) || n < gramSize:
			case begins[i] != nil:
				sum++
			default:
				sum += 8
			}
		}
		if sum < cost {
			best, cost = stride, sum
		}
	}
	return best
}

// Of appends to set the bits of the matchers that may match text, and gives all of it.
func (c *Candidates) Of(text string, sc *Scratch, set []uint64) []uint64 {
	n := len(set)
	var found []uint64
	if before, ok := c.traced(text, sc); ok {
		set = append(set, c.traces.rest...)
		found = set[n:]
		c.traces.scan(&sc.digest, reach(before, len(text)), found)
	} else {
		set = append(set, c.rest...)
		found = set[n:]
		if c.grams != nil {
			c.grams.scan(text, found)
		}
	}
	if text == "" {
		return set
	}
	c.begins.keep(found, text[0])
	if c.digits.rows != nil {
		if b, ok := firstOther(text); ok {
			c.digits.keep(found, b)
		}
	}
	return set
}

// traced says whether there is a digest and looking for the literals in it is quicker than looking at the text; before is where in
// the digest the text begins.
func (c *Candidates) traced(text string, sc *Scratch) (before int, ok bool) {
	if c.grams == nil || len(c.traces.list)*c.grams.stride >= tracesPerByte*len(text) {
		return 0, false
	}
	return sc.digest.covers(text, false)
}

// tracesPerByte is how many literals are looked up in a digest in the time that a look at one place of the text takes.
const tracesPerByte = 4

// Has reports whether bit n is set.
func Has(set []uint64, n int) bool { return set[n/64]&(1<<(n%64)) != 0 }

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
	if m == nil {
		return 0
	}
	return shortestOf(m.Facts().Required)
}

// shortestOf is the length of the shortest of some literals; 0: there are none.
func shortestOf(literals []string) int {
	n := 0
	for i, l := range literals {
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
