package pattern

import "strings"

// seek says how a machine finds its next start position while its flag is
// clear and nothing is saved; then every position whose byte the first token
// refuses would only lead back to the start.
type seek uint8

const (
	seekNone   seek = iota // every position is tried
	seekClass              // the next byte of the first token's class
	seekLead               // the next occurrence of the leading literal
	seekBehind             // the next literal with bytes of the first tokens' classes before it
)

// plan works out where repeated classes stop and the searches that spare the machine work.
func (m *machine) plan() {
	m.findStops()
	tokens := m.tokens
	last := m.lastRequired()
	lead, _ := literalRun(tokens, first(tokens), last)
	singles, behind := m.behindSingles(last)
	switch {
	case m.start:
		m.leading = m.firstBytes()
		if len(lead) > int(m.leading) {
			m.head = lead
		}
	case lead != "":
		m.first, m.lead = seekLead, newFinder(lead)
	case behind != "":
		m.first, m.lead, m.singles = seekBehind, newFinder(behind), uint8(singles)
	case tokens[first(tokens)].kind == kindClass && tokens[first(tokens)].repeat != '*' && tokens[first(tokens)].class != classAny:
		m.first = seekClass
	}
	m.known = m.knownAtStart(len(lead))
	m.must = m.required()
	if m.must != "" && m.must != lead && m.must != m.lead.text {
		m.need, m.needs = newFinder(m.must), true
	}
}

// beginning gives the literal, lower-cased, that a match of a machine that is not anchored begins with; empty: none is known.
func (m *machine) beginning() string {
	if m.first != seekLead {
		return ""
	}
	return m.lead.text
}

// knownAtStart gives how many of the first tokens are known to take one byte each where a match may begin, as the search for that
// place or, for an anchored machine, a look at the first bytes says; lead is the length of the leading literal.
func (m *machine) knownAtStart(lead int) (n uint16) {
	looked := lead
	switch {
	case m.start:
		looked = max(looked, int(m.leading))
	case m.first == seekBehind:
		looked = int(m.singles) + len(m.lead.text)
	}
	for i := range looked {
		if t := &m.tokens[i]; t.kind == kindParen || t.repeat != 0 {
			break
		}
		n++
	}
	return n
}

// Which literals behind single classes are searched for: shorter ones are met too often, and more classes are hardly written.
const (
	minBehind  = 2
	maxSingles = 8
)

// behindSingles gives the literal, lower-cased, that every match has behind the bytes that its first tokens take, each of them a
// class that takes one, and their number; empty: there is none, or it is short.
func (m *machine) behindSingles(last int) (singles int, behind string) {
	from := first(m.tokens)
	for t := &m.tokens[from]; t.kind == kindClass && t.repeat == 0 && singles < maxSingles; t = &m.tokens[from+singles] {
		singles++
	}
	if behind, _ = literalRun(m.tokens, from+singles, last); len(behind) < minBehind {
		return 0, ""
	}
	return singles, behind
}

// maxLead is how many of its first bytes an anchored machine looks at before it runs.
const maxLead = 8

// leadByte is what one of the first bytes must be: of a class, or else a character, ASCII case ignored.
type leadByte struct {
	class class
	char  byte
}

func (l leadByte) accepts(c byte) bool {
	if l.class != 0 {
		return classesOf[c]&l.class != 0
	}
	return lower[c] == l.char
}

// firstBytes notes what the first bytes of a text must be: up to the first repeated class, and before a class that a
// mismatch may pass over (see token.tail). It gives their number.
func (m *machine) firstBytes() (n uint8) {
	for i := range m.tokens {
		t := &m.tokens[i]
		switch {
		case n == maxLead, t.kind == kindEnd, t.tail, t.repeat == '*', t.kind == kindParen && i > 0:
			return n
		case t.kind == kindParen:
			continue
		}
		m.begin[n] = leadByte{t.class, t.char}
		n++
		if t.repeat != 0 {
			return n
		}
	}
	return n
}

// startsAt0 reports, for an anchored machine, whether the text can match as far
// as its first bytes tell.
func (m *machine) startsAt0(text string) bool {
	begin := m.begin[:m.leading]
	if len(text) < len(begin) {
		return false
	}
	for i, l := range begin {
		if !l.accepts(text[i]) {
			return false
		}
	}
	return m.head == "" || hasPrefixFold(text, m.head)
}

// firstBytes is the set of the bytes that a match must begin with; nil: it may begin with any, or be empty.
func (m *osRegex) firstBytes() *[256]bool {
	set := &[256]bool{}
	for i := range m.alts {
		a := &m.alts[i]
		var lead leadByte
		switch {
		case a.machine != nil && a.machine.start && a.machine.leading > 0:
			lead = a.machine.begin[0]
		case a.machine == nil && a.literal.find.text != "" && (a.literal.place == atStart || a.literal.place == whole):
			lead.char = a.literal.find.text[0]
		default:
			return nil
		}
		for c := range set {
			set[c] = set[c] || lead.accepts(byte(c))
		}
	}
	return set
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
func (m *machine) nextStart(text string, from int, sc *Scratch) int {
	switch m.first {
	case seekLead:
		return sc.find(&m.lead, text, from)
	case seekBehind:
		return m.nextBehind(text, from, sc)
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

// nextBehind returns the first position at or after from of the bytes of the first tokens with the literal behind them, or -1.
func (m *machine) nextBehind(text string, from int, sc *Scratch) int {
	singles := int(m.singles)
	classes := m.tokens[first(m.tokens):][:singles]
search:
	for at := sc.find(&m.lead, text, from+singles); at >= 0; at = m.lead.index(text, at+1) {
		for i := range classes {
			if classesOf[text[at-singles+i]]&classes[i].class == 0 {
				continue search
			}
		}
		return at - singles
	}
	return -1
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
	if best == "" || len(best) >= gramSize || len(m.tokens) > maxFollowed {
		return best
	}
	for i, b := range m.befores()[:last+1] {
		if c, ok := b.only(); ok {
			run, _ := literalRun(m.tokens, i, last)
			if run = string([]byte{c}) + run; better(run, best) {
				best = run
			}
		}
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
