package pattern

import (
	"fmt"
	"regexp/syntax"
	"sync"
)

// pcre2 is a Perl-compatible expression over bytes:
//
//	<field name="win.eventdata.image" type="pcre2">(?i)\\(powershell|cmd)\.exe$</field>
//
// Patterns that come to a few plain texts are searched as such. Others run as
// a program of their own, after a look for a literal that must occur; where a
// search runs into its bound of work, go-re2, whose time is linear, decides.
type pcre2 struct {
	// What every match looks at comes first, to lie together in memory.
	prog  *program
	anyOf *anyOf   // of texts, if all may stand anywhere in any case and they are many
	need  []finder // one of them must occur, if not empty
	texts []pcreText

	groups int
	source string
	facts  Facts

	linear func() (*linear, error)
}

// maxNeed is how many literals are looked for before a program runs; with more
// of them the look costs as much as the run.
const maxNeed = 4

func compilePCRE2(source string) (Matcher, error) {
	t, err := translate(source)
	if err != nil {
		return nil, fmt.Errorf("pcre2: %w", err)
	}
	if t.backtrack != "" {
		return compileBacktracking(source, t)
	}
	if t.utf {
		return compileCharacters(source, t)
	}
	re, err := syntax.Parse(t.text, syntax.Perl)
	if err != nil {
		if m, fallback := compileBacktracking(source, t); fallback == nil {
			return m, nil
		}
		return nil, fmt.Errorf("pcre2: %w", err)
	}
	m := &pcre2{source: source, groups: re.MaxCap()}
	c := compiler{regs: int32(2*m.groups + 2)}
	c.add(inst{op: opMatch})
	p := &program{groups: m.groups}
	if p.start, err = c.compile(re, 0); err != nil {
		return nil, fmt.Errorf("pcre2: %w", err)
	}
	p.insts, p.texts, p.regs = c.insts, c.texts, int(c.regs)
	p.plan()
	if lead := leading(re); lead != "" {
		p.prefix, p.hasPrefix = newFinder(lead), true
	}
	m.prog = p
	m.learn(re)
	m.linear = sync.OnceValues(func() (*linear, error) { return compileLinear(t.text) })
	return m, nil
}

// learn works out the plain texts and the facts.
func (m *pcre2) learn(re *syntax.Regexp) {
	if list, ok := textsOf(re); ok {
		m.texts = plainTexts(list)
		m.facts.learn(m.texts)
		m.anyOf = newAnyOf(floating(m.texts))
	}
	if m.facts.Always {
		return
	}
	m.facts.Required = required(re)
	if m.prog.anchored {
		m.facts.Begins, m.facts.AfterDigits = m.prog.first, m.prog.afterDigits()
	}
	if n := len(m.facts.Required); n > 0 && n <= maxNeed && !(m.prog.hasPrefix && n == 1) {
		for _, l := range m.facts.Required {
			m.need = append(m.need, newFinder(l))
		}
	}
}

func (m *pcre2) Match(text string, sc *Scratch) (int, bool) {
	sc.Captures = sc.Captures[:0]
	if m.texts != nil && m.groups == 0 {
		_, end := findTexts(m.texts, text, sc)
		return end - 1, end >= 0
	}
	switch m.search(text, sc) {
	case found:
		sc.setCaptures(sc.regs[:2*m.groups+2])
		return sc.regs[1] - 1, true
	case exhausted:
		return m.searchLinear(text, sc)
	}
	return 0, false
}

func (m *pcre2) Test(text string, sc *Scratch) bool {
	if m.anyOf != nil {
		return m.anyOf.in(text)
	}
	if m.texts != nil {
		return hasText(m.texts, text, sc)
	}
	switch m.search(text, sc) {
	case found:
		return true
	case exhausted:
		_, ok := m.searchLinear(text, sc)
		return ok
	}
	return false
}

func (m *pcre2) search(text string, sc *Scratch) outcome {
	if m.prog.anchored && !m.mayBegin(text) {
		return missed
	}
	if len(m.need) > 0 {
		seen := false
		for i := range m.need {
			if seen = sc.occurs(&m.need[i], text, 0); seen {
				break
			}
		}
		if !seen {
			return missed
		}
	}
	return m.prog.search(text, sc)
}

// mayBegin reports, for an anchored program, whether a match can begin as the text does.
func (m *pcre2) mayBegin(text string) bool {
	if first := m.prog.first; first != nil && (text == "" || !first[text[0]]) {
		return false
	}
	if digits := m.facts.AfterDigits; digits != nil {
		if c, ok := firstOther(text); ok {
			return digits[c]
		}
	}
	return true
}

// searchLinear asks go-re2.
func (m *pcre2) searchLinear(text string, sc *Scratch) (int, bool) {
	l, err := m.linear()
	if err != nil {
		sc.giveUp(&LimitError{Pattern: m.source, Length: len(text)})
		return 0, false
	}
	return l.match(text, sc)
}

func (m *pcre2) Facts() *Facts  { return &m.facts }
func (m *pcre2) Groups() int    { return m.groups }
func (m *pcre2) String() string { return m.source }

// setCaptures turns pairs of indexes, the whole match first, into Captures.
func (sc *Scratch) setCaptures(pairs []int) {
	last := len(pairs)
	for last > 2 && pairs[last-2] < 0 {
		last -= 2
	}
	for i := 2; i < last; i += 2 {
		s := Span{pairs[i], pairs[i+1]}
		if s.Start < 0 || s.End < s.Start {
			s = Span{}
		}
		sc.Captures = append(sc.Captures, s)
	}
}
