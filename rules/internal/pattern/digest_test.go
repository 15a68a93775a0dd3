package pattern

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// needing is a matcher that needs one of some literals.
func needing(t testing.TB, literals ...string) *Needs {
	t.Helper()
	m, err := Compile(OSMatch, strings.Join(literals, "|"))
	if err != nil {
		t.Fatal(err)
	}
	n := NeedsOf(m)
	return &n
}

// A literal that a text has is never lacked, in whatever case and part of it, however many texts came before; most of those that it
// does not have are.
func TestDigestKnowsWhatATextHas(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	text := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "abcdefgh ABCDEFGH-._[]{}\x00\xc3\xe4"[r.IntN(27)]
		}
		return string(b)
	}
	var sc Scratch
	lacked, kept := 0, 0
	for range 3000 { // the marks of a digest begin anew every 255 texts
		whole := text(r.IntN(200))
		sc.Cover(whole)
		from := r.IntN(len(whole) + 1)
		part := whole[from : from+r.IntN(len(whole)-from+1)]
		for range 20 {
			literals := []string{text(4 + r.IntN(6)), text(4 + r.IntN(12))}
			if len(part) >= 4 && r.IntN(2) == 0 {
				at := r.IntN(len(part) - 3)
				literals[r.IntN(2)] = part[at : at+4+r.IntN(len(part)-at-3)]
			}
			for i, l := range literals {
				literals[i] = strings.NewReplacer("|", "x", "^", "x", "$", "x", "!", "x").Replace(l)
			}
			has := false
			for _, l := range literals {
				has = has || strings.Contains(asciiLower(part), asciiLower(l))
			}
			switch lacks := sc.Lacks(part, needing(t, literals...)); {
			case has && lacks:
				t.Fatalf("%q is said to have none of %q", part, literals)
			case lacks:
				lacked++
			case !has:
				kept++
			}
		}
	}
	if lacked < 10*kept {
		t.Errorf("of what the texts do not have %d were said to be lacking, %d not", lacked, kept)
	}
}

// Nothing is said of a text that is not covered, or of a matcher that can do without.
func TestDigestSaysNothingOfOtherTexts(t *testing.T) {
	both := "first second " + strings.Repeat("x", maxDigest)
	long, short := both, both[6:12]
	none := needing(t, "absent")
	for name, c := range map[string]struct {
		covered, text string
		needs         *Needs
		lacks         bool
	}{
		"covered":          {short, short, none, true},
		"a part":           {short, short[2:4], none, true},
		"the empty end":    {short, short[6:], none, true},
		"before":           {short, both[5:9], none, false},
		"beyond":           {short, both[6:13], none, false},
		"elsewhere":        {short, strings.Clone(short), none, false},
		"nothing covered":  {"", short, none, false},
		"too long":         {long, long, none, false},
		"short literals":   {short, short, needing(t, "absent", "abs"), false},
		"no literals":      {short, short, needing(t, "absent", ""), false},
		"too many":         {short, short, needing(t, strings.Split(strings.Repeat("absent,", maxNeeds)+"absent", ",")...), false},
		"one of them":      {short, short, needing(t, "absent", "SECOND"), false},
		"none of them":     {short, short, needing(t, "absent", "THIRD"), true},
		"no need is known": {short, short, &Needs{}, false},
	} {
		var sc Scratch
		sc.Cover(c.covered)
		if got := sc.Lacks(c.text, c.needs); got != c.lacks {
			t.Errorf("%s: %v", name, got)
		}
		sc.Reset()
		if sc.Lacks(c.text, c.needs) {
			t.Errorf("%s: after a reset", name)
		}
	}
}

func BenchmarkDigest(b *testing.B) {
	text := strings.Repeat("Nov 23 08:13:51 web09 sshd[812]: Failed password for root ", 4)
	var sc Scratch
	needs := needing(b, "absent")
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		sc.Cover(text)
		sc.Lacks(text, needs)
	}
}
