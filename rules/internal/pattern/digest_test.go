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
	for range 3000 { // of which the marks begin anew at times
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

// With a digest a literal is found where a plain search finds it, in a text and its parts, over many texts of all lengths.
func TestDigestFindsWhatASearchFinds(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 11))
	var sc Scratch
	none := needing(t, "absent")
	found, missed, remade := 0, 0, 0
	for range 3000 {
		letters := []string{oddLetters, commonLetters, "abcdefghijklmnopqrstuvwxyz ABCDEFGH0123456789"}[r.IntN(3)]
		whole := drawText(r, letters, r.IntN([]int{40, 300, maxDigest + 1}[r.IntN(3)]))
		sc.Reset()
		sc.Cover(whole)
		before := sc.digest.base
		for range patience { // then there is one
			sc.Lacks(whole, none)
		}
		from := r.IntN(len(whole) + 1)
		part := whole[from : from+r.IntN(len(whole)-from+1)]
		for range 20 {
			literal := drawText(r, letters, 1+r.IntN(12))
			if len(part) > 0 && r.IntN(2) == 0 {
				at := r.IntN(len(part))
				literal = part[at : at+1+r.IntN(min(len(part)-at, 30))]
			}
			f := newFinder(asciiLower(literal))
			start := r.IntN(len(part) + 1)
			want := f.index(part, start)
			if at := sc.find(&f, part, start); at != want {
				t.Fatalf("%q in %q from %d: %d, want %d", literal, part, start, at, want)
			}
			switch occurs := sc.occurs(&f, part, start); {
			case want >= 0 && !occurs:
				t.Fatalf("%q is in %q from %d, and said not to be", literal, part, start)
			case want >= 0:
				found++
			default:
				missed++
			}
		}
		if sc.digest.base < before {
			remade++
		}
	}
	if found < 10_000 || missed < 10_000 || remade < 20 {
		t.Errorf("%d found, %d missed, all marks made anew %d times: the test tests little", found, missed, remade)
	}
}

// Where texts are asked about seldom, one gets its digest when it was asked about often; where they are asked about often, at once.
func TestDigestIsMadeWhereItPays(t *testing.T) {
	var sc Scratch
	none := needing(t, "absent")
	begin := ""
	asked := func(times int) (made int) {
		sc.Cover(begin + strings.Repeat("text ", 20))
		for n := 1; n <= times; n++ {
			if sc.Lacks(sc.digest.text, none) && made == 0 {
				made = n
			}
		}
		return made
	}
	if n := asked(1); n != 1 {
		t.Errorf("the first text of all: made at question %d", n)
	}
	for range 100 {
		asked(1)
	}
	if n := asked(patience); n != patience {
		t.Errorf("after texts that were asked about once: made at question %d, want %d", n, patience)
	}
	for range 100 {
		asked(10)
	}
	if n := asked(1); n != 1 {
		t.Errorf("after texts that were asked about ten times: made at question %d", n)
	}
	begin = "{"
	for range 100 {
		asked(1)
	}
	if n := asked(patience); n != patience {
		t.Errorf("after JSON texts that were asked about once: made at question %d, want %d", n, patience)
	}
	begin = ""
	if n := asked(1); n != 1 {
		t.Errorf("a text after JSON texts: made at question %d", n)
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
