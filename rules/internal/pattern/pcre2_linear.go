package pattern

import (
	"fmt"
	"strings"

	re2 "github.com/wasilibs/go-re2"
	"github.com/wasilibs/go-re2/experimental"
)

// linear is a pattern in go-re2, whose time is linear in the text. It is
// slower than a program of ours on ordinary lines and allocates.
type linear struct {
	re *re2.Regexp
}

// compileLinear compiles a translated pattern over bytes.
func compileLinear(text string) (*linear, error) {
	re, err := experimental.CompileLatin1(text)
	if err != nil {
		return nil, fmt.Errorf("go-re2: %w", err)
	}
	return &linear{re}, nil
}

// match sets sc.Captures and returns the reported end. RE2's $ does not hold
// before a last newline, so a text with one is tried without it too.
func (l *linear) match(text string, sc *Scratch) (int, bool) {
	at := l.re.FindStringSubmatchIndex(text)
	if at == nil {
		body, ok := strings.CutSuffix(text, "\n")
		if ok {
			at = l.re.FindStringSubmatchIndex(body)
		}
		if at == nil {
			return 0, false
		}
	}
	sc.setCaptures(at)
	return at[1] - 1, true
}

// characters is a pattern that began with (*UTF): it matches characters.
type characters struct {
	source string
	linear linear
	facts  Facts
}

func compileCharacters(source string, t translation) (Matcher, error) {
	re, err := re2.Compile(t.text)
	if err != nil {
		return nil, fmt.Errorf("pcre2: %w", err)
	}
	return &characters{source: source, linear: linear{re}}, nil
}

func (m *characters) Match(text string, sc *Scratch) (int, bool) {
	sc.Captures = sc.Captures[:0]
	return m.linear.match(text, sc)
}

func (m *characters) Test(text string, _ *Scratch) bool {
	if m.linear.re.MatchString(text) {
		return true
	}
	body, ok := strings.CutSuffix(text, "\n")
	return ok && m.linear.re.MatchString(body)
}

func (m *characters) Facts() *Facts  { return &m.facts }
func (m *characters) Groups() int    { return m.linear.re.NumSubexp() }
func (m *characters) String() string { return m.source }
