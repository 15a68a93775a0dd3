package pattern

// osRegex is the reference's own regular expression language:
//
//	<regex offset="after_prematch">^user (\S+) from (\S+)$|^(\d+)</regex>
//
// Alternatives are tried in order; each is plain text where it can be and a
// token machine otherwise.
type osRegex struct {
	// What every match looks at comes first, to lie together in memory.
	begins byteBits  // bytes that a match begins with, if told
	told   bool      // all alternatives are anchored and say what they begin with
	slots  int16     // most of any machine
	values *valueSet // all alternatives are whole values
	shared *shared   // what every alternative needs, if there are several
	anyOf  *anyOf    // of the literals that may stand anywhere, if many
	alts   []osAlternative
	others []osAlternative // those that anyOf does not look for

	groups int
	source string
	facts  Facts
}

// osAlternative is one alternative: a machine or else a literal.
type osAlternative struct {
	machine *machine
	literal *literal
}

func compileOSRegex(source string) (Matcher, error) {
	parts, err := splitOSRegex(source)
	if err != nil {
		return nil, err
	}
	m := &osRegex{source: source}
	for _, part := range parts {
		rest, start, end := trimAnchors(part)
		tokens, slots := tokenise(rest)
		var alt osAlternative
		if text, n := literalRun(tokens, 0, len(tokens)-1); n == len(tokens)-1 && slots == 0 {
			// A lone "$" is no suffix that every text has: it matches the empty text only.
			alt.literal = newLiteral(text, start || text == "" && end, end)
		} else {
			alt.machine = &machine{tokens: tokens, slots: int16(slots), start: start, end: end}
			alt.machine.plan()
			m.groups = max(m.groups, slots/2)
			m.slots = max(m.slots, int16(slots))
		}
		m.alts = append(m.alts, alt)
	}
	if len(m.alts) == 1 {
		m = m.inOnePiece()
	}
	m.learn()
	return m, nil
}

// inOnePiece copies a pattern of one alternative, so that all of it lies together in memory.
func (m *osRegex) inOnePiece() *osRegex {
	alt := m.alts[0]
	if alt.machine == nil {
		one := pieceOf(m, alt.literal)
		one.alt[0].literal = &one.part
		return &one.osRegex
	}
	one := pieceOf(m, alt.machine)
	one.alt[0].machine = &one.part
	return &one.osRegex
}

// piece is a pattern with its only alternative, a literal or a machine.
type piece[T any] struct {
	osRegex
	alt  [1]osAlternative
	part T
}

func pieceOf[T any](m *osRegex, part *T) *piece[T] {
	one := &piece[T]{osRegex: *m, part: *part}
	one.alts = one.alt[:]
	return one
}

// learn works out the facts.
func (m *osRegex) learn() {
	exact, known := true, true
	var values, floating []string
	for i := range m.alts {
		a := &m.alts[i]
		var text string
		if a.machine != nil {
			exact = false
			text = a.machine.must
		} else {
			text = a.literal.find.text
			exact = exact && a.literal.place == whole
			if a.literal.place == anywhere && text != "" {
				floating = append(floating, text)
			}
			if text == "" && a.literal.place != whole {
				m.facts.Always = true
			}
		}
		known = known && text != ""
		values = append(values, text)
	}
	m.others = m.alts
	if m.anyOf = newAnyOf(floating); m.anyOf != nil {
		m.others = nil
		for _, a := range m.alts {
			if a.machine != nil || a.literal.place != anywhere || a.literal.find.text == "" {
				m.others = append(m.others, a)
			}
		}
	}
	m.facts.Begins, m.facts.AfterDigits = m.firstBytes(), m.afterDigits()
	if m.facts.Begins != nil {
		m.told = true
		for c, begins := range m.facts.Begins {
			if begins {
				m.begins.put(byte(c))
			}
		}
	}
	m.shared = m.share()
	if exact {
		m.values = newValueSet(values)
		m.facts.Exact, m.facts.Fold, m.facts.Values = true, true, values
	}
	if known {
		m.facts.Required = values
	}
}

// shared is a literal that every alternative needs, where there are several.
type shared struct {
	find finder
	lead bool // they all begin with it
}

// share looks for such a literal: what all alternatives begin with, or else what all require; nil: there is none.
func (m *osRegex) share() *shared {
	lead, must := "", ""
	for i := range m.alts {
		a := m.alts[i].machine
		if a == nil {
			return nil
		}
		if i == 0 {
			lead, must = a.beginning(), a.must
			continue
		}
		lead = commonPrefix(lead, a.beginning())
		if must != a.must {
			must = ""
		}
	}
	switch {
	case len(m.alts) < 2 || lead == "" && must == "":
		return nil
	case len(lead) >= len(must):
		return &shared{find: newFinder(lead), lead: true}
	}
	return &shared{find: newFinder(must)}
}

func commonPrefix(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:n]
}

// start gives where the first match can begin, as far as the shared literal tells; -1: nowhere.
func (s *shared) start(text string, sc *Scratch) int {
	switch {
	case s == nil:
		return 0
	case s.lead:
		return sc.find(&s.find, text, 0)
	case sc.occurs(&s.find, text, 0):
		return 0
	}
	return -1
}

func (m *osRegex) Match(text string, sc *Scratch) (int, bool) {
	sc.Captures = sc.Captures[:0]
	if m.values != nil {
		if !m.values.has(text) {
			return 0, false
		}
		return max(len(text)-1, 0), true
	}
	if m.told && (text == "" || !m.begins.has(text[0])) {
		return 0, false
	}
	from := m.shared.start(text, sc)
	if from < 0 {
		return 0, false
	}
	for i := range m.alts {
		a := &m.alts[i]
		if a.machine == nil {
			if at := a.literal.index(text, sc); at >= 0 {
				return max(at+len(a.literal.find.text)-1, 0), true
			}
			continue
		}
		if end, ok := a.machine.match(m, text, from, sc); ok {
			for j := 0; j+1 < int(a.machine.slots); j += 2 {
				from, to := sc.slots[j], sc.slots[j+1]
				if from >= 0 && to >= 0 {
					sc.Captures = append(sc.Captures, Span{from, max(from, to)})
				}
			}
			return end, true
		}
	}
	return 0, false
}

func (m *osRegex) Test(text string, sc *Scratch) bool {
	if m.values != nil {
		return m.values.has(text)
	}
	if m.told && (text == "" || !m.begins.has(text[0])) {
		return false
	}
	if m.anyOf != nil && m.anyOf.in(text) {
		return true
	}
	from := m.shared.start(text, sc)
	if from < 0 {
		return false
	}
	for i := range m.others {
		a := &m.others[i]
		if a.machine == nil {
			if a.literal.index(text, sc) >= 0 {
				return true
			}
			continue
		}
		if _, ok := a.machine.match(m, text, from, sc); ok {
			return true
		}
	}
	return false
}

// match runs the machine with the memory of sc, on a text in which no match begins before from.
func (a *machine) match(m *osRegex, text string, from int, sc *Scratch) (int, bool) {
	if a.start && !a.startsAt0(text) {
		return 0, false
	}
	if a.needs && (m.shared == nil || m.shared.lead) && !sc.occurs(&a.need, text, from) {
		return 0, false
	}
	if cap(sc.slots) < int(m.slots) {
		sc.slots = make([]int, m.slots)
	}
	end, ok, spent := a.run(text, from, sc.slots[:a.slots], sc)
	if spent > maxRework {
		sc.giveUp(&LimitError{Pattern: m.source, Length: len(text)})
	}
	return end, ok
}

func (m *osRegex) Facts() *Facts  { return &m.facts }
func (m *osRegex) Groups() int    { return m.groups }
func (m *osRegex) String() string { return m.source }
