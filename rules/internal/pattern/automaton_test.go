package pattern

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestAutomaton(t *testing.T) {
	entries := []Entry{{"he", 0}, {"SHE", 1}, {"his", 2}, {"hers", 3}, {"s", 70}, {"she", 4}, {"\xff\x00", 5}, {"", 6}, {"hers", 7}}
	a, err := NewAutomaton(entries)
	if err != nil {
		t.Fatal(err)
	}
	if a.Words() != 2 {
		t.Errorf("%d words, want 2", a.Words())
	}
	for _, text := range []string{"", "ushers", "USHERS", "hi", "h\xffis", "\xff\x00", "x"} {
		checkAutomaton(t, a, entries, text)
	}
}

// checkAutomaton compares with a search of each literal.
func checkAutomaton(t *testing.T, a *Automaton, entries []Entry, text string) {
	t.Helper()
	bits := make([]uint64, a.Words())
	a.Scan(text, bits)
	want := map[int]bool{}
	for _, e := range entries {
		if strings.Contains(asciiLower(text), asciiLower(e.Literal)) {
			want[e.Bit] = true
		}
	}
	if got := a.Any(text); got != (len(want) > 0) {
		t.Fatalf("%q: Any is %v, want %v", text, got, !got)
	}
	for n := range 64 * len(bits) {
		if Has(bits, n) != want[n] {
			t.Fatalf("%q: bit %d is %v, want %v", text, n, Has(bits, n), want[n])
		}
	}
}

func TestAutomatonLimit(t *testing.T) {
	var entries []Entry
	for i := range 10000 {
		entries = append(entries, Entry{fmt.Sprintf("%08x", i*2654435761), i})
	}
	if _, err := NewAutomaton(entries); !errors.Is(err, ErrTooManyLiterals) {
		t.Errorf("got %v", err)
	}
	if _, err := NewAutomaton([]Entry{{"a", -1}}); err == nil {
		t.Error("a negative bit is accepted")
	}
	a, err := NewAutomaton(nil)
	if err != nil {
		t.Fatal(err)
	}
	a.Scan("text", nil)
}

// TestAutomatonAllBytes uses every byte, so that no column is left.
func TestAutomatonAllBytes(t *testing.T) {
	var entries []Entry
	for c := range 256 {
		entries = append(entries, Entry{string([]byte{byte(c), byte(255 - c)}), c})
	}
	a, err := NewAutomaton(entries)
	if err != nil {
		t.Fatal(err)
	}
	for c := range 256 {
		checkAutomaton(t, a, entries, string([]byte{'x', byte(c), byte(255 - c), byte(c)}))
	}
}

func FuzzAutomaton(f *testing.F) {
	f.Add("he,she,his,hers,", "ushers and his")
	f.Add("aa,aaa,b,ba", "aaab")
	f.Fuzz(func(t *testing.T, literals, text string) {
		var entries []Entry
		for i, l := range strings.Split(literals, ",") {
			entries = append(entries, Entry{l, i / 2})
		}
		a, err := NewAutomaton(entries)
		if err != nil {
			return
		}
		checkAutomaton(t, a, entries, text)
	})
}

func BenchmarkAutomaton(b *testing.B) {
	seen := map[string]bool{}
	var entries []Entry
	var texts []string
	size := 0
	for _, v := range readVectors(b) {
		if len(texts) < 500 && len(v.String) > 40 {
			texts = append(texts, v.String)
			size += len(v.String)
		}
		if v.Kind != "match" || seen[v.Pattern] || len(entries) > 1000 {
			continue
		}
		seen[v.Pattern] = true
		if m, err := Compile(OSMatch, v.Pattern); err == nil {
			for _, l := range m.Facts().Required {
				if len(l) > 3 {
					entries = append(entries, Entry{l, len(seen)})
				}
			}
		}
	}
	a, err := NewAutomaton(entries)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d literals, %d bytes of table", len(entries), 2*len(a.next))
	bits := make([]uint64, a.Words())
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, t := range texts {
			clear(bits)
			a.Scan(t, bits)
		}
	}
}
