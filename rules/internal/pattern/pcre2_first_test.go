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

// TestPivot compares the search by a pivot with a match at each place.
func TestPivot(t *testing.T) {
	for source, pivots := range map[string]bool{
		`\s\d+:\d`: true, `[a-c]\d+:(x|1)`: true, `(\s)(\d+?:)[a1]+`: true, `\s\d+:$`: false, `\s\d*:1`: false, `\s[\d:]+:1`: false,
		`\s\d+\w`: false, `\w\d+:1`: false, `\s\d{2}:1`: false, `(?:\s\d+|a):1`: false, `\s(\d+:)?1`: false,
	} {
		m, err := Compile(PCRE2, source)
		if err != nil {
			t.Fatal(err)
		}
		p := m.(*pcre2).prog
		if (p.pivot != nil) != pivots {
			t.Errorf("%s: has a pivot: %v", source, p.pivot != nil)
			continue
		}
		r := rand.New(rand.NewPCG(9, 10))
		var sc Scratch
		hits := 0
		for range 20_000 {
			text := drawText(r, " 111:::ax", r.IntN(40))
			from := r.IntN(len(text) + 1)
			want := -1
			for at := from; at <= len(text) && want < 0; at++ {
				sc.regs = make([]int, p.regs)
				if budget := work(len(text)); p.run(text, at, &sc, &budget) >= 0 {
					want = at
				}
			}
			got := p.nextStart(text, from, &sc)
			for got >= 0 && got < want {
				got = p.nextStart(text, got+1, &sc)
			}
			if want >= 0 {
				hits++
			}
			if want >= 0 && got != want {
				t.Fatalf("%s in %q from %d: the match at %d is passed over", source, text, from, want)
			}
		}
		if hits < 100 {
			t.Errorf("%s: %d matches: the test tests little", source, hits)
		}
	}
}
