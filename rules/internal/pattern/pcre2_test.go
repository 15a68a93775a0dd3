package pattern

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// found1 shows a match as "end" and the captures.
func found1(m Matcher, text string) string {
	var sc Scratch
	end, ok := m.Match(text, &sc)
	if ok != m.Test(text, &sc) {
		return "Match and Test differ"
	}
	m.Match(text, &sc)
	if sc.Err != nil {
		return sc.Err.Error()
	}
	if !ok {
		return "no"
	}
	out := fmt.Sprint(end)
	for _, c := range sc.Captures {
		out += "," + c.Of(text)
	}
	return out
}

func TestPCRE2(t *testing.T) {
	tests := []struct{ pattern, text, want string }{
		{`abc`, "xabcx", "3"},
		{`abc`, "xABCx", "no"},
		{`(?i)abc`, "xABCx", "3"},
		{`(?i)a(?-i)b`, "Ab", "1"},
		{`(?i)a(?-i)b`, "AB", "no"},
		{`a(?i)b|c`, "C", "0"},
		{`^abc$`, "abc", "2"},
		{`^abc$`, "abc\n", "2"},
		{`^abc$`, "abc\n\n", "no"},
		{`^abc\z`, "abc\n", "no"},
		{`^abc\Z`, "abc\n", "2"},
		{`b$`, "ab\n", "1"},
		{`b$\z`, "ab\n", "no"},
		{`b$\z`, "ab", "1"},
		{`\N{2}`, "ab", "1"},
		{`(b)$`, "ab\n", "1,b"},
		{`^pass$|^monitor$`, "monitor", "6"},
		{`a\sb`, "a\vb", "2"},
		{`a[\s]b`, "a\vb", "2"},
		{`a\Sb`, "a\vb", "no"},
		{`a[^\S]b`, "a\vb", "2"},
		{`a\sb`, "a\xa0b", "no"},
		{`a\hb`, "a\xa0b", "2"},
		{`a\vb`, "a\vb", "2"},
		{`a\Rb`, "a\r\nb", "3"},
		{`a\Nb`, "a\nb", "no"},
		{`a.b`, "a\nb", "no"},
		{`a[^x]b`, "a\nb", "2"},
		{`(?s)a.b`, "a\nb", "2"},
		{`(?m)^b$`, "a\nb\nc", "2"},
		{`(?m)^$`, "a\n", "no"},
		{`(a)?(b)?(c)`, "c", "0,,,c"},
		{`(a)(b)?(c)?`, "a", "0,a"},
		{`(?:(a)|b)*`, "ab", "1,a"},
		{`user=(\S+)?\s`, "user= x", "5"},
		{`(a*)*b`, "aab", "2,"},
		{`(?:a*)*`, "", "-1"},
		{`(a|ab)(c|bcd)(d*)`, "abcd", "3,a,bcd,"},
		{`.+?x`, "aaxbx", "2"},
		{`"(.*)"`, `a "b" "c"`, `8,b" "c`},
		{`"(.*?)"`, `a "b" "c"`, `4,b`},
		{`a{2,3}`, "aaaa", "2"},
		{`a{2,3}?`, "aaaa", "1"},
		{`(ab){2}`, "ababab", "3,ab"},
		{`(?:ab){0,2}?c`, "ababc", "4"},
		{`x{`, "x{", "1"},
		{`x{,2}`, "x{,2}", "4"},
		{`\x41\101\x{42}`, "AAB", "2"},
		{`\x`, "\x00", "0"},
		{`\cA\e`, "\x01\x1b", "1"},
		{`\Qa.b\E+`, "a.bbb", "4"},
		{`a(?#comment)b`, "ab", "1"},
		{`\_\"\-\<`, `_"-<`, "3"},
		{`[]a]+`, "]a", "1"},
		{`[^]a]`, "]b", "1"},
		{`[\w-]+`, "a-b", "2"},
		{`[a\-z]+`, "-", "0"},
		{`[\d-x]+`, "1-x", "2"},
		{`[[:alpha:][:digit:]]+`, "é1a", "3"},
		{`[[:^alpha:]]`, "a1", "1"},
		{`(?i)[^a]`, "A", "no"},
		{`é`, "é", "1"},
		{`^.$`, "é", "no"},
		{`[é]`, "é", "0"},
		{`\bfoo\b`, "a foo.", "4"},
		{`\bfoo\B`, "a foo_", "4"},
		{`(*UTF)\N{U+202E}`, "a\u202eb", "3"},
		{`(*UTF)^.$`, "é", "1"},
		{`(?P<n>a)(?<m>b)(?'o'c)`, "abc", "2,a,b,c"},
		{`^(?!^$).+$`, "x", "0"},
		{`^(?!^$|^-$).*`, "-", "no"},
		{`(?=.*a)(?=.*x)(.)`, "bxa", "0,b"},
		{`(?<=a)b`, "ab", "1"},
		{`(a)\1`, "baa", "2,a"},
		{`(?<q>['"]).*?\k<q>`, `x"a"`, `3,"`},
		{`a++b`, "aaab", "3"},
		{`a++ab`, "aaab", "no"},
		{`(?:ab)*+a`, "ababa", "4"},
		{`(?>a+)b`, "aab", "2"},
		{`(?x) a b # comment`, "ab", "1"},
		{`(?!x)\bfoo\b`, "é foo", "5"},
		{`\p{Lu}+`, "aAB", "2"},
		{``, "abc", "-1"},
		{`x*`, "abc", "-1"},
		{`$`, "abc", "2"},
		{`(|a)b`, "ab", "1,a"},
		{`(?i)aa|bb|cc|D.?D|dd`, "xDDx", "2"},
		{`(?i)aa|bb|cc|dd|ee`, "xDdx", "2"},
		{`(?i)aa|bb|cc|dd|ee`, "xDx", "no"},
		{`(?i)STRASSE`, "xstraSSe", "7"},
		{`(?U)a+`, "aaa", "0"},
		{`(?U)a+?`, "aaa", "2"},
	}
	for _, tt := range tests {
		m, err := Compile(PCRE2, tt.pattern)
		if err != nil {
			t.Errorf("%s: %v", tt.pattern, err)
			continue
		}
		if got := found1(m, tt.text); got != tt.want {
			t.Errorf("%s on %q: got %q, want %q", tt.pattern, tt.text, got, tt.want)
		}
		if diff := checkFacts(m.Facts(), tt.text, tt.want != "no"); diff != "" {
			t.Errorf("%s on %q: %s", tt.pattern, tt.text, diff)
		}
	}
}

func TestPCRE2Refuses(t *testing.T) {
	for _, p := range []string{`(`, `)`, `a)`, `[`, `[a`, `[b-a]`, `*`, `|*`, `(*)`, `(?`, `(?z)`, `\`, `\y`, `\p`, `\p{`, `\p{Nope}`, `[[:nope:]]`, `\x{100}`, `\N{U+20}`, `(?|a|b)`, `a\Kb`, `(*COMMIT)a`, `(?R)`} {
		if m, err := Compile(PCRE2, p); err == nil {
			t.Errorf("%q is accepted as %T", p, m)
		}
	}
}

func TestPCRE2Facts(t *testing.T) {
	tests := []struct {
		pattern  string
		required []string
		values   []string
		fold     bool
	}{
		{`(?i)(curl|wget|certutil)\.exe`, []string{"curl.exe", "wget.exe", "certutil.exe"}, nil, false},
		{`^pass$|^monitor$`, []string{"pass", "pass\n", "monitor", "monitor\n"}, []string{"pass", "pass\n", "monitor", "monitor\n"}, false},
		{`(?i)^High\z`, []string{"high"}, []string{"high"}, true},
		{`arn="([^"]+)"\s`, []string{`arn="`}, nil, false},
		{`(\w+)\swith\sparameters`, []string{"parameters"}, nil, false},
		{`[^,]*,(\d+),(SYSTEM)`, []string{",system"}, nil, false},
		{`a?`, nil, nil, false},
		{`(foo)+|bar.*`, []string{"foo", "bar"}, nil, false},
	}
	for _, tt := range tests {
		m, err := Compile(PCRE2, tt.pattern)
		if err != nil {
			t.Errorf("%s: %v", tt.pattern, err)
			continue
		}
		f := m.Facts()
		if diff := cmp.Diff(tt.values, f.Values); diff != "" || f.Exact != (tt.values != nil) || f.Fold != tt.fold {
			t.Errorf("%s: values %q, exact %v, fold %v", tt.pattern, f.Values, f.Exact, f.Fold)
		}
		want := tt.required
		if tt.values != nil {
			continue
		}
		if diff := cmp.Diff(want, f.Required); diff != "" {
			t.Errorf("%s: %s", tt.pattern, diff)
		}
	}
}

// TestPCRE2Limits holds that hostile texts neither hang nor go unreported.
func TestPCRE2Limits(t *testing.T) {
	long := strings.Repeat("a", 1<<20)
	for _, p := range []string{`(a+)+$`, `(a|a)*b|c$`, `(?:a*)*x|y\z`, `a.*a.*a.*b|c\z`, `[a-z]+\d`} {
		m, err := Compile(PCRE2, p)
		if err != nil {
			t.Fatal(err)
		}
		var sc Scratch
		m.Match(long+"!", &sc)
		if sc.Err != nil {
			t.Errorf("%s: %v", p, sc.Err)
		}
	}
	m, err := Compile(PCRE2, `^(?!b)(a|aa|a\w)+$`)
	if err != nil {
		t.Fatal(err)
	}
	var sc Scratch
	text := strings.Repeat("a", 40) + "!"
	if _, ok := m.Match(text, &sc); ok {
		t.Error("matches")
	}
	var limit *LimitError
	if !errors.As(sc.Err, &limit) || limit.Length != len(text) || limit.Timeout == 0 {
		t.Errorf("got %v, want a LimitError", sc.Err)
	}
}

// loopsEmpty reports whether there is a loop whose body can be empty.
func (p *program) loopsEmpty() bool {
	return slices.ContainsFunc(p.insts, func(in inst) bool { return in.op == opProgress })
}

// FuzzPCRE2 holds the program against Go's regexp, whose answers are the same
// but for $ and ^ at newlines.
func FuzzPCRE2(f *testing.F) {
	for _, p := range []string{`a(b|c)*d`, `(?i)x+?y{2,3}|\bz`, `^(\w+)\s"([^"]*)"$`, `(a*)*b`, `(?:(a)|b)*c?`, `.*foo(\d+).*?x`, `[^,]*,(a|ab)(bc)?`} {
		f.Add(p, `foo12 "bar",abc xyyz abcd`)
	}
	f.Fuzz(func(t *testing.T, p, text string) {
		if len(p) > 100 || len(text) > 300 || strings.ContainsAny(text, "\n") || strings.Contains(p, "(?") && strings.Contains(p, "m") {
			return
		}
		if strings.Contains(p, "(?") && strings.Contains(p, "i") && strings.ContainsFunc(text, func(r rune) bool { return r > 0x7f }) {
			return // Go folds the letters of Latin-1, PCRE2 without UTF those of ASCII
		}
		tr, err := translate(p)
		if err != nil || tr.utf || tr.backtrack != "" {
			return
		}
		std, err := regexp.Compile(tr.text)
		if err != nil {
			return
		}
		m, err := Compile(PCRE2, p)
		if err != nil {
			return
		}
		mm, ok := m.(*pcre2)
		if !ok {
			return
		}
		var wide strings.Builder
		for i := range len(text) {
			wide.WriteRune(rune(text[i]))
		}
		at := std.FindStringSubmatchIndex(wide.String())
		var sc Scratch
		switch mm.prog.search(text, &sc) {
		case exhausted:
			return
		case missed:
			if at != nil {
				t.Fatalf("%q on %q: missed, regexp finds %v", p, text, at)
			}
			if m.Test(text, &sc) {
				t.Fatalf("%q on %q: Test matches", p, text)
			}
			return
		}
		if at == nil {
			t.Fatalf("%q on %q: found %v, regexp misses", p, text, sc.regs)
		}
		for i, v := range at {
			if i > 1 && mm.prog.loopsEmpty() {
				break // Go does not note a last, empty round of a loop; Perl does
			}
			if v > 0 { // from bytes of UTF-8 to runes
				v = len([]rune(wide.String()[:v]))
			}
			if sc.regs[i] != v {
				t.Fatalf("%q on %q: index %d is %d, regexp says %d (%v)", p, text, i, sc.regs[i], v, at)
			}
		}
		end := sc.regs[1] - 1
		if got, ok := m.Match(text, &sc); !ok || got != end {
			t.Fatalf("%q on %q: Match gives %d, %v; the program %d", p, text, got, ok, end)
		}
		if !m.Test(text, &sc) {
			t.Fatalf("%q on %q: Test does not match", p, text)
		}
		if diff := checkFacts(m.Facts(), text, true); diff != "" {
			t.Fatalf("%q on %q: %s", p, text, diff)
		}
	})
}
