package pattern

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestAutomaton(t *testing.T) {
	texts := []string{"", "ushers", "USHERS", "hi", "h\xffis", "\xff\x00", "x", "xHERs", "his"}
	for _, literals := range [][]string{{"he", "SHE", "his", "hers", "s", "she", "\xff\x00"}, {"hers", "his"}, {"\xff\x00"}, {"", "he"}, nil} {
		for _, text := range texts {
			checkAutomaton(t, literals, text)
		}
	}
}

// checkAutomaton compares with a search of each literal.
func checkAutomaton(t *testing.T, literals []string, text string) {
	t.Helper()
	a, err := NewAutomaton(literals)
	if err != nil {
		return
	}
	want := false
	for _, l := range literals {
		want = want || strings.Contains(asciiLower(text), asciiLower(l))
	}
	if got := a.Any(text); got != want {
		t.Fatalf("%q in %q: %v, want %v", literals, text, got, want)
	}
}

func TestAutomatonLimit(t *testing.T) {
	var literals []string
	for i := range 10000 {
		literals = append(literals, fmt.Sprintf("%08x", i*2654435761))
	}
	if _, err := NewAutomaton(literals); !errors.Is(err, ErrTooManyLiterals) {
		t.Errorf("got %v", err)
	}
}

// TestAutomatonAllBytes uses every byte, so that no column is left.
func TestAutomatonAllBytes(t *testing.T) {
	var literals []string
	for c := range 256 {
		literals = append(literals, string([]byte{byte(c), byte(255 - c)}))
	}
	for c := range 256 {
		checkAutomaton(t, literals, string([]byte{'x', byte(c), byte(255 - c), byte(c)}))
		checkAutomaton(t, literals, string([]byte{'x', byte(c), byte(254 - c), byte(c)}))
	}
}

func FuzzAutomaton(f *testing.F) {
	f.Add("he,she,his,hers,", "ushers and his")
	f.Add("aa,aaa,b,ba", "aaab")
	f.Fuzz(func(t *testing.T, literals, text string) {
		checkAutomaton(t, strings.Split(literals, ","), text)
	})
}

// manyLiteralsOf gives literals and texts of the recorded cases.
func manyLiteralsOf(b *testing.B) (literals, texts []string, size int) {
	b.Helper()
	seen := map[string]bool{}
	for _, v := range readVectors(b) {
		if len(texts) < 500 && len(v.String) > 40 {
			texts = append(texts, v.String)
			size += len(v.String)
		}
		if v.Kind != "match" || seen[v.Pattern] || len(literals) > 1000 {
			continue
		}
		seen[v.Pattern] = true
		if m, err := Compile(OSMatch, v.Pattern); err == nil {
			for _, l := range m.Facts().Required {
				if len(l) >= shortestFor(2) {
					literals = append(literals, l)
				}
			}
		}
	}
	return literals, texts, size
}

// BenchmarkManyLiterals looks for all literals of many patterns in texts that have many of them: whether one occurs, by
// automaton, which stops at the first; and which ones do, by groups of four bytes.
func BenchmarkManyLiterals(b *testing.B) {
	literals, texts, size := manyLiteralsOf(b)
	b.Run("automaton", func(b *testing.B) {
		a, err := NewAutomaton(literals)
		if err != nil {
			b.Fatal(err)
		}
		b.Logf("%d literals, %d bytes of table", len(literals), 2*len(a.next))
		b.SetBytes(int64(size))
		for b.Loop() {
			for _, t := range texts {
				a.Any(t)
			}
		}
	})
	b.Run("grams", func(b *testing.B) {
		g := newGrams(2, len(literals))
		for i, l := range literals {
			g.add(l, i)
		}
		found := make([]uint64, (len(literals)+63)/64)
		b.SetBytes(int64(size))
		for b.Loop() {
			for _, t := range texts {
				clear(found)
				g.scan(t, found)
			}
		}
	})
}
