package pattern

import (
	"errors"
	"strings"
	"testing"
)

// TestOSRegexLimit holds that a hostile text, on which the token machine would
// start over from every byte, is given up and reported.
func TestOSRegexLimit(t *testing.T) {
	for _, p := range []string{`a\S*x`, `a\S*a\S*a\S*a\S*x$`} {
		m, err := Compile(OSRegex, p)
		if err != nil {
			t.Fatal(err)
		}
		var sc Scratch
		text := strings.Repeat("a", 100_000) + " x"
		if _, ok := m.Match(text, &sc); ok {
			t.Errorf("%s matches", p)
		}
		var limit *LimitError
		if !errors.As(sc.Err, &limit) || limit.Length != len(text) || limit.Pattern != p {
			t.Errorf("%s: got error %v, want a LimitError", p, sc.Err)
		}
		sc.Reset()
		if _, ok := m.Match("aax", &sc); p == `a\S*x` && !ok || sc.Err != nil {
			t.Errorf("%s: the next match gives %v, error %v", p, ok, sc.Err)
		}
	}
}
