package pattern

import (
	"math/bits"
	"slices"
)

// stop is the bytes at which a repeated class stops: those outside of it, and those that the next token accepts.
type stop struct {
	set  byteBits
	few  bool // they are one or two, a and b
	a, b byte
}

// findStops works out the stops of the repeated classes and notes their indexes in the tokens. Classes that stop at the same bytes
// have them in common.
func (m *machine) findStops() {
	known := map[byteBits]int16{}
	for i := range m.tokens {
		t := &m.tokens[i]
		if t.repeat == 0 {
			continue
		}
		var set byteBits
		for c := range 256 {
			if classesOf[c]&t.class == 0 || t.next != kindEnd && t.accepts(byte(c)) {
				set.put(byte(c))
			}
		}
		at, ok := known[set]
		if !ok {
			at = int16(len(m.stops))
			known[set] = at
			m.stops = append(m.stops, newStop(set))
		}
		t.slot = at
	}
	m.stops = slices.Clip(m.stops)
}

func newStop(set byteBits) stop {
	s := stop{set: set}
	n := 0
	for c := range 256 {
		if !set.has(byte(c)) {
			continue
		}
		if n++; n == 1 {
			s.a = byte(c)
		}
		s.b = byte(c)
	}
	s.few = n == 1 || n == 2
	return s
}

// index returns the index of the first of few bytes at or after i, or the length of text. It looks at eight bytes at once.
func (s *stop) index(text string, i int) int {
	wantA, wantB := uint64(s.a)*ones, uint64(s.b)*ones
	for ; i >= 0 && i <= len(text)-8; i += 8 { // i is never negative, but knowing that, the compiler leaves out other checks
		w := word8(text[i : i+8])
		// The lowest high bit that is set marks the first byte that became zero.
		a, b := w^wantA, w^wantB
		if found := ((a-ones)&^a | (b-ones)&^b) & (0x80 * ones); found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(text) && !s.set.has(text[i]) {
		i++
	}
	return i
}
