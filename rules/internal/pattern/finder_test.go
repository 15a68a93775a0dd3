package pattern

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// oddLetters become each other when the case bit is set; commonLetters are such that a long literal of them is looked
// for in strides.
const (
	oddLetters    = "aAbB@`[{\x00 \xe4\xc4"
	commonLetters = "aAeE1-."
)

// drawText draws n bytes out of an alphabet.
func drawText(r *rand.Rand, letters string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return string(b)
}

// TestFinder: the first place of a literal is that of a plain search, wherever the search starts.
func TestFinder(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	long, found := 0, 0
	for range 50_000 {
		letters := []string{oddLetters, commonLetters}[r.IntN(2)]
		lowered := asciiLower(drawText(r, letters, 1+r.IntN(40)))
		f := newFinder(lowered)
		if f.stride > 0 {
			long++
		}
		text := drawText(r, letters, r.IntN(30))
		for range r.IntN(3) {
			text += strings.ToUpper(lowered[:r.IntN(len(lowered)+1)]) + lowered + drawText(r, letters, r.IntN(9))
		}
		from := r.IntN(len(text) + 1)
		want := strings.Index(asciiLower(text)[from:], lowered)
		if want >= 0 {
			want += from
			found++
		}
		if at := f.index(text, from); at != want {
			t.Fatalf("%q in %q from %d: %d, want %d", lowered, text, from, at, want)
		}
	}
	if long < 10_000 || found < 10_000 {
		t.Fatalf("only %d long literals, %d found", long, found)
	}
}

// TestEqualFold compares by bytes.
func TestEqualFold(t *testing.T) {
	plain := func(text, want string) bool { return asciiLower(text) == want }
	r := rand.New(rand.NewPCG(5, 6))
	for range 50_000 {
		text := drawText(r, oddLetters, r.IntN(26))
		want := []byte(asciiLower(text))
		if len(want) > 0 && r.IntN(2) == 0 {
			want[r.IntN(len(want))] ^= byte(1 << r.IntN(8))
		}
		if equalFold(text, string(want)) != plain(text, string(want)) {
			t.Fatalf("%q and %q: %v", text, want, !plain(text, string(want)))
		}
	}
	for c := range 256 { // every byte at every place of a word
		for n := 1; n < 18; n++ {
			for at := range n {
				b := []byte(strings.Repeat("x", n))
				b[at] = byte(c)
				for _, want := range []byte{byte(c), lower[c], byte(c) ^ 0x20, byte(c) ^ 0x80} {
					w := []byte(strings.Repeat("x", n))
					w[at] = want
					if equalFold(string(b), string(w)) != (lower[c] == want) {
						t.Fatalf("%q and %q", b, w)
					}
				}
			}
		}
	}
}
