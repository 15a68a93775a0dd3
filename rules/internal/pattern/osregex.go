package pattern

// osRegex is the reference's own regular expression language:
//
//	<regex offset="after_prematch">^user (\S+) from (\S+)$|^(\d+)</regex>
//
// Alternatives are tried in order; each is plain text where it can be and a
// token machine otherwise.
type osRegex struct {
	source string
	values *valueSet // all alternatives are whole values
	alts   []osAlternative
	anyOf  *Automaton // of the literals that may stand anywhere, if many
	begin  *[256]bool // bytes that a match begins with, if all alternatives are anchored and say
	shared shared
	groups int
	slots  int
	facts  Facts
}

// osAlternative is one alternative: a literal, or a machine if set.
type osAlternative struct {
	machine *machine
	literal literal
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
			alt.literal = newLiteral(text, start, end)
			// A lone "$" is no suffix that every text has: it matches the
			// empty text only.
			if text == "" && end {
				alt.literal = newLiteral("", true, true)
			}
		} else {
			alt.machine = &machine{tokens: tokens, slots: slots, start: start, end: end}
			alt.machine.plan()
			m.groups = max(m.groups, slots/2)
			m.slots = max(m.slots, slots)
		}
		m.alts = append(m.alts, alt)
	}
	m.learn()
	return m, nil
}

// learn works out the facts.
func (m *osRegex) learn() {
	exact, known := true, true
	var values, floating []string
	for i := range m.alts {
		a := &m.alts[i]
		text := a.literal.text
		if a.machine != nil {
			exact = false
			text = a.machine.must
		} else {
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
	m.anyOf = newAnyOf(floating)
	m.begin = m.firstBytes()
	m.facts.Begins, m.facts.AfterDigits = m.begin, m.afterDigits()
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
	has  bool
	lead bool // they all begin with it
}

// share looks for such a literal: what all alternatives begin with, or else what all require.
func (m *osRegex) share() shared {
	lead, must := "", ""
	for i := range m.alts {
		a := m.alts[i].machine
		if a == nil {
			return shared{}
		}
		if i == 0 {
			lead, must = a.lead.text, a.must
			continue
		}
		lead = commonPrefix(lead, a.lead.text)
		if must != a.must {
			must = ""
		}
	}
	switch {
	case len(m.alts) < 2 || lead == "" && must == "":
		return shared{}
	case len(lead) >= len(must):
		return shared{find: newFinder(lead), has: true, lead: true}
	}
	return shared{find: newFinder(must), has: true}
}

func commonPrefix(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:n]
}

// start gives where the first match can begin, as far as the shared literal tells; -1: nowhere.
func (s *shared) start(text string) int {
	if !s.has {
		return 0
	}
	at := s.find.index(text, 0)
	if at >= 0 && !s.lead {
		return 0
	}
	return at
}

func (m *osRegex) Match(text string, sc *Scratch) (int, bool) {
	sc.Captures = sc.Captures[:0]
	if m.values != nil {
		if !m.values.has(text) {
			return 0, false
		}
		return max(len(text)-1, 0), true
	}
	if m.begin != nil && (text == "" || !m.begin[text[0]]) {
		return 0, false
	}
	from := m.shared.start(text)
	if from < 0 {
		return 0, false
	}
	for i := range m.alts {
		a := &m.alts[i]
		if a.machine == nil {
			if at := a.literal.index(text); at >= 0 {
				return max(at+len(a.literal.text)-1, 0), true
			}
			continue
		}
		if end, ok := a.machine.match(m, text, from, sc); ok {
			for j := 0; j+1 < a.machine.slots; j += 2 {
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
	if m.begin != nil && (text == "" || !m.begin[text[0]]) {
		return false
	}
	if m.anyOf != nil && m.anyOf.Any(text) {
		return true
	}
	from := m.shared.start(text)
	if from < 0 {
		return false
	}
	for i := range m.alts {
		a := &m.alts[i]
		if a.machine == nil {
			if m.anyOf != nil && a.literal.place == anywhere && a.literal.text != "" {
				continue
			}
			if a.literal.index(text) >= 0 {
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
	if a.needs && (!m.shared.has || m.shared.lead) && a.need.index(text, from) < 0 {
		return 0, false
	}
	if cap(sc.slots) < m.slots {
		sc.slots = make([]int, m.slots)
	}
	end, ok, spent := a.run(text, from, sc.slots[:a.slots])
	if spent > maxRework {
		sc.giveUp(&LimitError{Pattern: m.source, Length: len(text)})
	}
	return end, ok
}

func (m *osRegex) Facts() *Facts  { return &m.facts }
func (m *osRegex) Groups() int    { return m.groups }
func (m *osRegex) String() string { return m.source }
