package pattern

import (
	"math/rand/v2"
	"testing"
)

// TestStop compares the search for few bytes with a look at each.
func TestStop(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	const letters = "a\x00\x01\x7f\x80\x81\xff A!"
	for range 50_000 {
		var set byteBits
		for range 1 + r.IntN(2) {
			set.put(letters[r.IntN(len(letters))])
		}
		s := newStop(set)
		if !s.few {
			t.Fatalf("%v is not few", set)
		}
		text := make([]byte, r.IntN(40))
		for i := range text {
			text[i] = letters[r.IntN(2+r.IntN(len(letters)-1))]
		}
		from := r.IntN(len(text) + 1)
		want := from
		for want < len(text) && !set.has(text[want]) {
			want++
		}
		if got := s.index(string(text), from); got != want {
			t.Fatalf("%v in %q from %d: %d, want %d", set, text, from, got, want)
		}
	}
}

// TestStops: a class stops where it ends or the next token accepts; what one machine has twice is kept once.
func TestStops(t *testing.T) {
	tokens, slots := tokenise(`\S+ \S+ (\d+)a\.+$`)
	m := &machine{tokens: tokens, slots: int16(slots)}
	m.plan()
	if len(m.stops) != 3 {
		t.Fatalf("%d stops", len(m.stops))
	}
	if s := m.stops[tokens[0].slot]; !s.few || s.a != ' ' || s.b != ' ' || tokens[0].slot != tokens[2].slot {
		t.Errorf(`\S+ stops at %+v`, s)
	}
	if s := m.stops[tokens[5].slot]; s.few || s.set.has('1') || !s.set.has('a') || !s.set.has('b') {
		t.Errorf(`\d+ stops at %+v`, s)
	}
}
