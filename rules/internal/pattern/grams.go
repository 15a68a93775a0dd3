package pattern

import "math/bits"

// gramSize is how many bytes are looked at together.
const gramSize = 4

// A filter has as many bits for each group of four, a power of two in all, within bounds: what is small stays in the
// nearest cache.
const (
	bitsPerGram   = 32
	minFilterBits = 8 // logarithms
	maxFilterBits = 15
)

// grams finds which of many literals occur in a text, ASCII case ignored. It looks at four bytes in every stride, and
// at nothing else unless a literal has these four: every literal is noted under stride neighbouring groups of four, and
// one of these always stands where the search looks. It is immutable and safe for any number of goroutines.
type grams struct {
	stride  int
	mask    uint32     // of a hash: its bit in the filter
	filter  []uint64   // some group has the hash
	slots   []gramSlot // a hash table, by open addressing
	spread  uint8      // shift of a hash to an index of slots
	entries []gramEntry
}

// gramSlot is one group of four with the literals that have it.
type gramSlot struct {
	gram uint32
	to   uint32 // first of entries, plus one; 0: the slot is free
}

// gramEntry is one group of four of a literal.
type gramEntry struct {
	literal string // lower-cased
	at      int32  // where in the literal the group stands
	bit     int32
	next    uint32 // the next of entries with the same group, plus one; 0: none
}

// shortestFor is the length that literals need for a stride.
func shortestFor(stride int) int { return stride + gramSize - 1 }

// newGrams indexes literals of at least shortestFor(stride) bytes each; n is how many there will be.
func newGrams(stride, n int) *grams {
	groups := n * stride
	filter := min(max(bits.Len(uint(groups*bitsPerGram-1)), minFilterBits), maxFilterBits)
	slots := max(bits.Len(uint(2*groups-1)), 2)
	return &grams{
		stride: stride,
		filter: make([]uint64, 1<<filter/64), mask: 1<<filter - 1,
		slots: make([]gramSlot, 1<<slots), spread: uint8(32 - slots),
	}
}

// add notes a lower-cased literal, for which bit is set when it occurs.
func (g *grams) add(literal string, bit int) {
	from := rarestWindow(literal, shortestFor(g.stride))
	for at := from; at < from+g.stride; at++ {
		gram := gramAt(literal, at)
		for _, h := range [...]uint32{filterHash(gram) & g.mask, filterHash2(gram) & g.mask} {
			g.filter[h/64] |= 1 << (h % 64)
		}
		slot := g.slot(gram)
		g.entries = append(g.entries, gramEntry{literal: literal, at: int32(at), bit: int32(bit), next: slot.to})
		*slot = gramSlot{gram, uint32(len(g.entries))}
	}
}

// slot gives the slot of a group, which may be free.
func (g *grams) slot(gram uint32) *gramSlot {
	for i := gramHash(gram) >> g.spread; ; i = (i + 1) & uint32(len(g.slots)-1) {
		if s := &g.slots[i]; s.gram == gram || s.to == 0 {
			return s
		}
	}
}

// scan sets in out the bits of all literals that occur in text. It clears none.
func (g *grams) scan(text string, out []uint64) {
	for i := g.next(text, 0); i >= 0; i = g.next(text, i+g.stride) {
		g.look(text, i, out)
	}
}

// any reports whether one of the literals occurs in text.
func (g *grams) any(text string) bool {
	for i := g.next(text, 0); i >= 0; i = g.next(text, i+g.stride) {
		for n := g.slot(gramAt(text, i)).to; n != 0; n = g.entries[n-1].next {
			if g.entries[n-1].stands(text, i) {
				return true
			}
		}
	}
	return false
}

// next gives the next index, from i on in strides, at which a group of a literal may stand; -1: there is none.
func (g *grams) next(text string, i int) int {
	filter, mask, stride := g.filter, g.mask, g.stride
	for {
		if i < 0 || i > len(text)-gramSize { // it is never negative, but knowing that, the compiler leaves out other checks
			return -1
		}
		gram := gramAt(text, i)
		if h := filterHash(gram) & mask; filter[h/64]&(1<<(h%64)) != 0 {
			if h := filterHash2(gram) & mask; filter[h/64]&(1<<(h%64)) != 0 {
				return i
			}
		}
		i += stride
	}
}

// look sets the bits of the literals of which a group stands at index i.
func (g *grams) look(text string, i int, out []uint64) {
	for n := g.slot(gramAt(text, i)).to; n != 0; {
		e := &g.entries[n-1]
		n = e.next
		if e.stands(text, i) {
			out[e.bit/64] |= 1 << (e.bit % 64)
		}
	}
}

// stands reports whether the literal stands in text where its group stands at index i.
func (e *gramEntry) stands(text string, i int) bool {
	from := i - int(e.at)
	return from >= 0 && len(text)-from >= len(e.literal) && equalFold(text[from:from+len(e.literal)], e.literal)
}

// gramAt reads the four bytes of s at index i. Letters become lower-case, and some other bytes become each other.
func gramAt(s string, i int) uint32 {
	return word4(s[i:i+gramSize]) | 0x20202020
}

// gramHash spreads groups; its highest bits are the best.
func gramHash(gram uint32) uint32 { return gram * 0x9e3779b1 }

// filterHash and filterHash2 give the two bits of a group in a filter, before the filter's mask. Few groups of a text are in the
// filter by the first and in no literal, but the same ones come again and again; the second leaves hardly any.
func filterHash(gram uint32) uint32  { return gramHash(gram) >> (32 - maxFilterBits) }
func filterHash2(gram uint32) uint32 { return gram * 0x85ebca6b >> (32 - maxFilterBits) }

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
