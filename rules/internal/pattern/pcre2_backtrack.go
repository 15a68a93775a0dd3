package pattern

import (
	"fmt"
	"strings"
	"time"

	"github.com/dlclark/regexp2/v2"
)

// matchTimeout bounds one match of a backtracking engine.
const matchTimeout = 100 * time.Millisecond

// backtracking is a pattern with look-around, back-references, atomic groups
// or the like, in a backtracking engine whose time is bounded by the clock.
type backtracking struct {
	source string
	re     *regexp2.Regexp
	groups []int
	facts  Facts
}

func compileBacktracking(source string, t translation) (Matcher, error) {
	if t.utf {
		return nil, fmt.Errorf("pcre2: %s together with (*UTF) is not supported", t.backtrack)
	}
	re, err := regexp2.Compile(asciiBoundaries(t.text), regexp2.OptionMaintainCaptureOrder())
	if err != nil {
		return nil, fmt.Errorf("pcre2: %w", err)
	}
	re.MatchTimeout = matchTimeout
	return &backtracking{source: source, re: re, groups: re.GetGroupNumbers()}, nil
}

func (m *backtracking) Match(text string, sc *Scratch) (int, bool) {
	sc.Captures = sc.Captures[:0]
	match, err := m.re.FindRunesMatch(sc.latin1(text))
	if err != nil {
		sc.giveUp(&LimitError{Pattern: m.source, Length: len(text), Timeout: matchTimeout})
		return 0, false
	}
	if match == nil {
		return 0, false
	}
	sc.regs = sc.regs[:0]
	for i := range m.groups {
		from, to := -1, -1
		if g := match.GroupByNumber(i); g != nil && len(g.Captures) > 0 {
			from, to = g.RuneIndex, g.RuneIndex+g.RuneLength
		}
		sc.regs = append(sc.regs, from, to)
	}
	sc.setCaptures(sc.regs)
	return match.RuneIndex + match.RuneLength - 1, true
}

func (m *backtracking) Test(text string, sc *Scratch) bool {
	ok, err := m.re.MatchRunes(sc.latin1(text))
	if err != nil {
		sc.giveUp(&LimitError{Pattern: m.source, Length: len(text), Timeout: matchTimeout})
		return false
	}
	return ok
}

// latin1 returns the bytes of text as one rune each.
func (sc *Scratch) latin1(text string) []rune {
	sc.runes = sc.runes[:0]
	for i := 0; i < len(text); i++ {
		sc.runes = append(sc.runes, rune(text[i]))
	}
	return sc.runes
}

func (m *backtracking) Facts() *Facts  { return &m.facts }
func (m *backtracking) Groups() int    { return len(m.groups) - 1 }
func (m *backtracking) String() string { return m.source }

// asciiBoundaries rewrites \b and \B, which in the engine know every letter of
// Unicode, for the word bytes of PCRE2.
func asciiBoundaries(text string) string {
	const word = `[0-9A-Z_a-z]`
	const at = `(?:(?<=` + word + `)(?!` + word + `)|(?<!` + word + `)(?=` + word + `))`
	const not = `(?:(?<=` + word + `)(?=` + word + `)|(?<!` + word + `)(?!` + word + `))`
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		switch i++; text[i] {
		case 'b':
			b.WriteString(at)
		case 'B':
			b.WriteString(not)
		default:
			b.WriteString(text[i-1 : i+1])
		}
	}
	return b.String()
}
