package pattern

import (
	"strings"
	"testing"
)

// plainOSMatch is the dialect as it is described, without any search table.
func plainOSMatch(source, text string) bool {
	rest, negate := strings.CutPrefix(source, "!")
	folded := asciiLower(text)
	matched := false
	for alt := range strings.SplitSeq(asciiLower(rest), "|") {
		alt, start := strings.CutPrefix(alt, "^")
		alt, end := strings.CutSuffix(alt, "$")
		switch {
		case start && end:
			matched = matched || folded == alt
		case start:
			matched = matched || strings.HasPrefix(folded, alt)
		case end:
			matched = matched || strings.HasSuffix(folded, alt)
		default:
			matched = matched || strings.Contains(folded, alt)
		}
	}
	return matched != negate
}

func FuzzOSMatch(f *testing.F) {
	for _, s := range [][2]string{{"^Failed|invalid user$|x", "failed invalid USER"}, {"!a|b", "c"}, {"!!a", "!a"}, {"a|", "z"}, {"^$", ""}, {"^", "q"},
		{"aa|bb|cc|dd|^ee|ff$", "xCCx"}, {"^a$|^b$|^c$", "B"}, {`\d`, `\D`}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, source, text string) {
		m, err := Compile(OSMatch, source)
		if err != nil {
			return
		}
		want := plainOSMatch(source, text)
		var sc Scratch
		if _, got := m.Match(text, &sc); got != want {
			t.Fatalf("%q on %q: Match gives %v, want %v", source, text, got, want)
		}
		if got := m.Test(text, &sc); got != want {
			t.Fatalf("%q on %q: Test gives %v, want %v", source, text, got, want)
		}
		if diff := checkFacts(m.Facts(), text, want); diff != "" {
			t.Fatalf("%q on %q: %s", source, text, diff)
		}
	})
}
