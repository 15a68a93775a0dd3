package pattern

import (
	"math/rand/v2"
	"testing"
)

// TestNextPair compares the search for the first two bytes of a match with a look at each place.
func TestNextPair(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	const letters = "abc1 "
	draw := func() (set [256]bool) {
		for range 1 + r.IntN(2) {
			set[letters[r.IntN(len(letters))]] = true
		}
		return set
	}
	for range 50_000 {
		first, second := draw(), draw()
		p := &program{pair: pairs(&first, &second)}
		text := make([]byte, r.IntN(12))
		for i := range text {
			text[i] = letters[r.IntN(len(letters))]
		}
		from, want := r.IntN(len(text)+1), -1
		for at := from; at+1 < len(text) && want < 0; at++ {
			if first[text[at]] && second[text[at+1]] {
				want = at
			}
		}
		if got := p.nextPair(string(text), from); got != want {
			t.Fatalf("%q from %d: %d, want %d", text, from, got, want)
		}
	}
}
