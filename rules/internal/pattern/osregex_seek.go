package pattern

import "strings"

// seek says how a machine finds its next start position while its flag is
// clear and nothing is saved; then every position whose byte the first token
// refuses would only lead back to the start.
type seek uint8

const (
	seekNone  seek = iota // every position is tried
	seekClass             // the next byte of the first token's class
	seekLead              // the next occurrence of the leading literal
)

// plan works out the searches that spare the machine work.
func (m *machine) plan() {
	tokens := m.tokens
	last := m.lastRequired()
	lead, _ := literalRun(tokens, first(tokens), last)
	switch {
	case m.start:
		m.head = lead
	case lead != "":
		m.first, m.lead = seekLead, newFinder(lead)
	case tokens[first(tokens)].kind == kindClass && tokens[first(tokens)].repeat != '*' && tokens[first(tokens)].class != classAny:
		m.first = seekClass
	}
	if need := m.required(); need != "" && need != lead {
		m.need, m.needs = newFinder(need), true
	}
}

// startsAt0 reports, for an anchored machine, whether the text can match as far
// as its first bytes tell.
func (m *machine) startsAt0(text string) bool {
	if m.head != "" {
		return hasPrefixFold(text, m.head)
	}
	t := &m.tokens[first(m.tokens)]
	if t.kind != kindClass || t.repeat == '*' {
		return true
	}
	return text != "" && classesOf[text[0]]&t.class != 0
}

// first returns the index of the token that takes the first byte.
func first(tokens []token) int {
	if tokens[0].kind == kindParen {
		return 1
	}
	return 0
}

// nextStart returns the first start position at or after from, or -1 if there
// is none. It never returns -1 for positions the machine could match at.
func (m *machine) nextStart(text string, from int) int {
	switch m.first {
	case seekLead:
		return m.lead.index(text, from)
	case seekClass:
		want := m.tokens[first(m.tokens)].class
		for i := from; i < len(text); i++ {
			if classesOf[text[i]]&want != 0 {
				return i
			}
		}
		return -1
	}
	return from
}

// lastRequired returns the index of the last literal token that no match can
// go without, or -1. A single literal at the end after an unrepeated class may
// be missing: that is the reference's tail quirk.
func (m *machine) lastRequired() int {
	for i := len(m.tokens) - 1; i >= 0; i-- {
		t := &m.tokens[i]
		if t.kind != kindLiteral {
			continue
		}
		if i > 0 && m.tokens[i-1].kind == kindClass && m.tokens[i-1].tail {
			continue
		}
		return i
	}
	return -1
}

// literalRun returns the bytes, lower-cased, that tokens from i on, not after
// last, match one after the other, and the index after them.
func literalRun(tokens []token, i, last int) (string, int) {
	var b strings.Builder
	for ; i <= last; i++ {
		t := &tokens[i]
		switch {
		case t.kind == kindLiteral:
			b.WriteByte(t.char)
			continue
		case t.kind == kindClass && t.repeat == 0:
			if c, ok := t.class.oneByte(); ok {
				b.WriteByte(c)
				continue
			}
		case t.kind == kindParen && b.Len() > 0 && i < last && tokens[i+1].kind == kindLiteral:
			continue
		}
		break
	}
	return b.String(), i
}

// required returns the longest literal, lower-cased, that every match
// contains; empty if none is known.
func (m *machine) required() string {
	last, best := m.lastRequired(), ""
	for i := 0; i <= last; {
		run, after := literalRun(m.tokens, i, last)
		if better(run, best) {
			best = run
		}
		i = max(after, i+1)
	}
	return best
}

// better reports whether a is a more telling literal than b: longer, or of the
// same length with a rarer byte.
func better(a, b string) bool {
	if len(a) != len(b) {
		return len(a) > len(b)
	}
	return rarest(a) < rarest(b)
}

func rarest(s string) int {
	r := 256
	for i := 0; i < len(s); i++ {
		r = min(r, commonness(s[i]))
	}
	return r
}
