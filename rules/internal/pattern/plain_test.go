package pattern

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// plainRun is the token machine without any search, byte by byte, in the order
// in which its behaviour is described: the fast machine must give its answers.
func plainRun(m *machine, text string) (end int, slots []int, ok bool) {
	slots = slices.Repeat([]int{-1}, int(m.slots))
	type place struct{ pt, st int }
	var saved []place
	pt, restart, flag := 0, -1, false
	for st := 0; st < len(text); st++ {
		c := text[st]
		if m.tokens[pt].kind == kindParen {
			slots[m.tokens[pt].slot] = st
			pt++
		}
		t := m.tokens[pt]
		switch t.kind {
		case kindEnd:
			if !m.end {
				return end, slots, end != unset
			}
		case kindClass:
			if classesOf[c]&t.class != 0 {
				switch {
				case t.repeat == 0:
					pt++
					if restart < 0 {
						restart = st
					}
					end = st
					continue
				case t.repeat == '+' && !flag:
					flag = true
					if m.tokens[pt+1].kind == kindParen && st+1 == len(text) {
						slots[m.tokens[pt+1].slot] = st + 1
					}
					end = st
					continue
				}
				flag = true
				n, paren := pt+1, int16(-1)
				if m.tokens[n].kind == kindParen {
					paren = m.tokens[n].slot
					n++
				}
				u := m.tokens[n]
				if u.kind == kindEnd {
					if paren >= 0 {
						slots[paren] = st
						if st+1 == len(text) {
							slots[paren] = st + 1
						}
					}
					continue
				}
				hit := u.kind == kindClass && classesOf[c]&u.class != 0
				if u.kind != kindClass && lower[c] == u.char {
					hit, flag = true, false
				}
				if hit {
					if paren >= 0 {
						slots[paren] = st
					}
					if len(saved) < maxSaved {
						saved = append(saved, place{pt, st})
					}
					pt = n
					if u.repeat == 0 {
						pt++
					}
				}
				end = st
				continue
			}
			if t.tail && flag && end != unset {
				end = st
				if !m.end {
					return end, slots, true
				}
			} else if t.repeat == '+' && flag {
				pt++
				st--
				flag = false
				continue
			} else if t.repeat == '*' {
				pt++
				st--
				end = st
				flag = false
				continue
			}
			flag = false
		default:
			if lower[c] == t.char {
				pt++
				if restart < 0 {
					restart = st
				}
				end = st
				continue
			}
		}
		switch {
		case len(saved) > 0:
			p := saved[len(saved)-1]
			saved = saved[:len(saved)-1]
			pt, st = p.pt, p.st
		case m.start:
			return 0, slots, false
		default:
			if restart >= 0 {
				st, restart = restart, -1
			}
			pt, end = 0, unset
		}
	}
	return end, slots, m.accepts(pt, flag, len(text), slots) && end != unset
}

// plainMatch is the whole pattern, all alternatives as machines.
func plainMatch(source, text string) string {
	parts, err := splitOSRegex(source)
	if err != nil {
		return "error"
	}
	for _, part := range parts {
		rest, start, end := trimAnchors(part)
		tokens, slots := tokenise(rest)
		at, places, ok := plainRun(&machine{tokens: tokens, slots: int16(slots), start: start, end: end}, text)
		if !ok {
			continue
		}
		out := fmt.Sprint(at)
		for i := 0; i+1 < len(places); i += 2 {
			if from, to := places[i], places[i+1]; from >= 0 && to >= 0 {
				out += fmt.Sprintf(" %d-%d", from, max(from, to))
			}
		}
		return out
	}
	return "no"
}

// fastMatch is the compiled pattern, in the same form.
func fastMatch(source, text string) (string, *Facts) {
	m, err := Compile(OSRegex, source)
	if err != nil {
		return "error", nil
	}
	var sc Scratch
	end, ok := m.Match(text, &sc)
	if test := m.Test(text, new(Scratch)); test != ok {
		return "Match and Test differ", m.Facts()
	}
	if !ok {
		return "no", m.Facts()
	}
	out := fmt.Sprint(end)
	for _, c := range sc.Captures {
		out += fmt.Sprintf(" %d-%d", c.Start, c.End)
	}
	return out, m.Facts()
}

// FuzzOSRegex holds the fast forms against the plain machine.
func FuzzOSRegex(f *testing.F) {
	for _, s := range [][2]string{{`user (\S+) from (\S+)$|^(\d+)`, "user bob from 10.0.0.1"}, {`\.+\s\)`, "a xb"}, {`^(\S+)\s*:`, "ab: c"},
		{`(a)(b)`, "a(b"}, {`\S*(\w+)$`, "B+$-$b]1"}, {`\d*`, "abc"}, {`^abc$|DEF|g$`, "xdefg"}, {`\(\$\.+\)x`, "a($b)x"}, {`aa|bb|cc|dd|^ee|\d+f|gg$`, "xCCx1f"}, {`a\S+b\w*c`, "aabbbcc abc"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, source, text string) {
		if len(text) > 1000 {
			return
		}
		want := plainMatch(source, text)
		got, facts := fastMatch(source, text)
		if got != want {
			t.Fatalf("%q on %q: got %q, the plain machine gives %q", source, text, got, want)
		}
		if facts != nil {
			if diff := checkFacts(facts, text, got != "no"); diff != "" {
				t.Fatalf("%q on %q: %s", source, text, diff)
			}
		}
	})
}

// TestFastIsPlain draws patterns and texts out of a small alphabet, where the
// quirks are dense.
func TestFastIsPlain(t *testing.T) {
	pieces := []string{"a", "b", "A", " ", ":", "(", ")", "|", "^", "$", `\d`, `\w`, `\s`, `\S`, `\.`, `\p`, `\W`, "+", "*", `\(`, `\$`, `\\`, "ab", `\.+`, `\S*`, `\w+`, "x"}
	letters := "ab A:1 -(x$\\|"
	seed := uint64(1)
	draw := func(n int) int {
		seed = seed*6364136223846793005 + 1442695040888963407
		return int(seed>>33) % n
	}
	const cases = 200_000
	ran, matched := 0, 0
	for range cases {
		var p, s strings.Builder
		for range 1 + draw(8) {
			p.WriteString(pieces[draw(len(pieces))])
		}
		for range draw(12) {
			s.WriteByte(letters[draw(len(letters))])
		}
		want := plainMatch(p.String(), s.String())
		if want == "error" {
			continue
		}
		ran++
		got, facts := fastMatch(p.String(), s.String())
		if got != "no" {
			matched++
		}
		if got != want {
			t.Errorf("%q on %q: got %q, the plain machine gives %q", p.String(), s.String(), got, want)
		} else if diff := checkFacts(facts, s.String(), got != "no"); diff != "" {
			t.Errorf("%q on %q: %s", p.String(), s.String(), diff)
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d cases ran, %d of them match", ran, matched)
}

// TestDigits draws patterns and texts that begin with digits.
func TestDigits(t *testing.T) {
	pieces := []string{`\d`, `\d+`, `\d*`, `\s+`, `\s*`, `\s`, ":", "1", "a", "(", ")", `\w`, `\w+`, `\p`, `\p*`, `\S`, "|^", "$", `\D+`}
	pcre := []string{`\d`, `\d+`, `\d*?`, `\s+`, `\s?`, ":", "1", "(?:a|2)", "(", ")", `\w`, "|^", "$", `[:1]`, `(?i)b`, `\d{2}`}
	letters := "112 :ab-"
	r := rand.New(rand.NewPCG(3, 4))
	told, matched := 0, 0
	for n := range 200_000 {
		dialect, from := OSRegex, pieces
		if n%4 == 0 {
			dialect, from = PCRE2, pcre
		}
		p, s := "^", ""
		for range 1 + r.IntN(6) {
			p += from[r.IntN(len(from))]
		}
		for range 1 + r.IntN(7) {
			s += letters[r.IntN(len(letters)):][:1]
		}
		m, err := Compile(dialect, p)
		if err != nil {
			continue
		}
		ok := m.Test(s, new(Scratch))
		if m.Facts().AfterDigits != nil {
			told++
			if ok {
				matched++
			}
		}
		if diff := checkFacts(m.Facts(), s, ok); diff != "" {
			t.Fatalf("%v %q on %q: %s", dialect, p, s, diff)
		}
	}
	t.Logf("%d patterns tell, %d of them match", told, matched)
}
