package pattern

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// checkGrams compares with a search of each literal.
func checkGrams(t *testing.T, stride int, literals []string, text string) {
	t.Helper()
	g := newGrams(stride, len(literals))
	for i, l := range literals {
		g.add(l, i)
	}
	found := make([]uint64, (len(literals)+63)/64)
	g.scan(text, found)
	some := false
	for i, l := range literals {
		want := strings.Contains(asciiLower(text), l)
		if some = some || want; Has(found, i) != want {
			t.Fatalf("stride %d, %q in %q: %v", stride, l, text, !want)
		}
	}
	if g.any(text) != some {
		t.Fatalf("stride %d, any of %q in %q: %v", stride, literals, text, !some)
	}
}

// TestGrams draws literals and texts out of a small alphabet, in which bytes become each other when the case bit is set.
func TestGrams(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const letters = "aAb@`[{\x00 \xe4\xc4"
	draw := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = letters[r.IntN(len(letters))]
		}
		return string(b)
	}
	for range 20_000 {
		stride := 1 + r.IntN(maxStride)
		literals := make([]string, 1+r.IntN(70))
		for i := range literals {
			literals[i] = asciiLower(draw(shortestFor(stride) + r.IntN(4)))
		}
		text := draw(r.IntN(20))
		for range r.IntN(3) {
			text += strings.ToUpper(literals[r.IntN(len(literals))]) + draw(r.IntN(9))
		}
		checkGrams(t, stride, literals, text)
	}
}

// TestCandidates: no matcher of a list that matches a text is left out.
func TestCandidates(t *testing.T) {
	sources := []struct {
		dialect Dialect
		text    string
	}{
		{OSMatch, "failed"}, {OSMatch, "^accepted|^Error"}, {OSMatch, "!never"}, {OSMatch, "a|bb"}, {OSMatch, "^"}, {OSMatch, "password$"},
		{OSMatch, "^\xc4b"}, {OSRegex, `^\d+: %\w+`}, {OSRegex, `user (\S+) from`}, {OSRegex, `^\w+\s|^[`}, {OSRegex, `\.+`}, {OSRegex, `^$`},
		{PCRE2, `^(?i)connection\s`}, {PCRE2, `^a|b`}, {PCRE2, `(?m)^x`}, {Exact, "Accepted"}, {Exact, ""}, {OSMatch, "longer literal than others"},
	}
	list := []Matcher{nil}
	var texts []string
	for _, s := range sources {
		m, err := Compile(s.dialect, s.text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, m)
		texts = append(texts, s.text, strings.Trim(s.text, "^$!"), strings.ToUpper(s.text), "x "+s.text, s.text+" y")
	}
	texts = append(texts, "", "\x00", "12: %x", "a", "B", "\n", "[", "Failed password for user root from 10.0.0.1", "\xe4b", "\xc4B")
	whole, within := NewCandidates(list), NewCandidatesWithin(list)
	if whole == nil || within == nil {
		t.Fatal("there is no index")
	}
	var sc Scratch
	left := 0
	for _, text := range texts {
		all := whole.Of(text, new(Scratch), nil)
		part := within.Of("before "+text, new(Scratch), nil)
		for i, m := range list {
			if m != nil && !m.Test(text, &sc) {
				if !Has(all, i) {
					left++
				}
				continue
			}
			if !Has(all, i) || !Has(part, i) {
				t.Errorf("%v matches %q and is no candidate", m, text)
			}
		}
	}
	if left < len(texts)*len(list)/4 {
		t.Errorf("only %d of %d are left out", left, len(texts)*len(list))
	}
	if NewCandidates(list[:3]) != nil {
		t.Error("a short list has an index")
	}
}

func FuzzGrams(f *testing.F) {
	f.Add(uint8(2), "failed,error", "An ERROR: login failed")
	f.Add(uint8(0), "aaaa", "aaaaa")
	f.Fuzz(func(t *testing.T, stride uint8, literals, text string) {
		var list []string
		n := 1 + int(stride)%maxStride
		for l := range strings.SplitSeq(asciiLower(literals), ",") {
			if len(l) >= shortestFor(n) {
				list = append(list, l)
			}
		}
		checkGrams(t, n, list, text)
	})
}
