package pattern

import "math/bits"

// gramSize is how many bytes are looked at together.
const gramSize = 4

// filterBits is the logarithm of the bits in a filter: 2 KiB, so that those of several lists stay in the nearest cache.
const filterBits = 14

// grams finds which of many literals occur in a text, ASCII case ignored. It looks at four bytes in every stride, and
// at nothing else unless a literal has these four: every literal is noted under stride neighbouring groups of four, and
// one of these always stands where the search looks. It is immutable and safe for any number of goroutines.
type grams struct {
	stride  int
	filter  [1 << filterBits / 64]uint64 // by hash: some group has it
	heads   []uint32                     // by hash: first of entries, plus one; 0: none
	spread  uint8                        // shift of a hash to an index of heads
	entries []gramEntry
}

// gramEntry is one group of four of a literal.
type gramEntry struct {
	literal string // lower-cased
	at      int32  // where in the literal the group stands
	bit     int32
	gram    uint32
	next    uint32 // as in heads
}

// shortestFor is the length that literals need for a stride.
func shortestFor(stride int) int { return stride + gramSize - 1 }

// newGrams indexes literals of at least shortestFor(stride) bytes each; n is how many there will be.
func newGrams(stride, n int) *grams {
	width := min(max(bits.Len(uint(n*stride)), 4), filterBits)
	return &grams{stride: stride, heads: make([]uint32, 1<<width), spread: uint8(filterBits - width)}
}

// add notes a lower-cased literal, for which bit is set when it occurs.
func (g *grams) add(literal string, bit int) {
	from := rarestWindow(literal, shortestFor(g.stride))
	for at := from; at < from+g.stride; at++ {
		gram := gramAt(literal, at)
		h := gramHash(gram)
		g.filter[h/64] |= 1 << (h % 64)
		head := &g.heads[h>>g.spread]
		g.entries = append(g.entries, gramEntry{literal: literal, at: int32(at), bit: int32(bit), gram: gram, next: *head})
		*head = uint32(len(g.entries))
	}
}

// scan sets in out the bits of all literals that occur in text. It clears none.
func (g *grams) scan(text string, out []uint64) {
	stride := g.stride
	for i := 0; i <= len(text)-gramSize; i += stride {
		gram := gramAt(text, i)
		if h := gramHash(gram); g.filter[h/64]&(1<<(h%64)) != 0 {
			g.look(text, i, gram, h, out)
		}
	}
}

// look sets the bits of the literals of which a group stands at index i.
func (g *grams) look(text string, i int, gram, hash uint32, out []uint64) {
	for n := g.heads[hash>>g.spread]; n != 0; {
		e := &g.entries[n-1]
		n = e.next
		if e.gram != gram {
			continue
		}
		from := i - int(e.at)
		if from >= 0 && len(text)-from >= len(e.literal) && equalFold(text[from:from+len(e.literal)], e.literal) {
			out[e.bit/64] |= 1 << (e.bit % 64)
		}
	}
}

// gramAt reads the four bytes of s at index i. Letters become lower-case, and some other bytes become each other.
func gramAt(s string, i int) uint32 {
	_ = s[i+3]
	return (uint32(s[i]) | uint32(s[i+1])<<8 | uint32(s[i+2])<<16 | uint32(s[i+3])<<24) | 0x20202020
}

// gramHash has filterBits bits.
func gramHash(gram uint32) uint32 { return gram * 0x9e3779b1 >> (32 - filterBits) }

// rarestWindow gives the place of the n neighbouring bytes of a literal that are the least common in logs.
func rarestWindow(literal string, n int) int {
	sum := 0
	for i := range n {
		sum += commonness(literal[i])
	}
	best, at := sum, 0
	for i := n; i < len(literal); i++ {
		if sum += commonness(literal[i]) - commonness(literal[i-n]); sum < best {
			best, at = sum, i-n+1
		}
	}
	return at
}
