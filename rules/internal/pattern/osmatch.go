package pattern

import "strings"

// osMatch is the reference's substring dialect:
//
//	<match>^Failed|invalid user$|!</match>
//
// Alternatives joined by '|', each a literal without escapes, ASCII case
// ignored; '^' before and '$' after one anchor it. A '!' before the whole
// negates the whole. An empty alternative matches every text, except that "^$"
// matches the empty one alone.
type osMatch struct {
	// What every match looks at comes first, to lie together in memory.
	negate bool
	always bool      // one alternative matches everything
	values *valueSet // all alternatives are whole values
	anyOf  *anyOf    // of the alternatives that may stand anywhere, if many
	alts   []literal
	placed []literal // with anyOf: the others

	source string
	facts  Facts
}

func compileOSMatch(source string) (Matcher, error) {
	// The usual pattern has one alternative, which lies beside the rest in memory.
	one := &struct {
		osMatch
		alt [1]literal
	}{}
	m := &one.osMatch
	m.source, m.alts = source, one.alt[:0]
	rest := source
	if strings.HasPrefix(rest, "!") {
		m.negate = true
		rest = rest[1:]
	}
	for alt := range strings.SplitSeq(rest, "|") {
		start := strings.HasPrefix(alt, "^")
		if start {
			alt = alt[1:]
		}
		end := strings.HasSuffix(alt, "$")
		if end {
			alt = alt[:len(alt)-1]
		}
		m.alts = append(m.alts, *newLiteral(alt, start, end))
	}
	m.learn()
	return m, nil
}

// learn works out the fast forms and the facts.
func (m *osMatch) learn() {
	exact, known, anchored := true, true, true
	var begins [256]bool
	var values, floating []string
	for i := range m.alts {
		l := &m.alts[i]
		if l.find.text == "" {
			known = false
			m.always = m.always || l.place != whole
		}
		exact = exact && l.place == whole
		if anchored = anchored && (l.place == whole || l.place == atStart) && l.find.text != ""; anchored {
			begins[l.find.text[0]], begins[upper(l.find.text[0])] = true, true
		}
		values = append(values, l.find.text)
		if l.place == anywhere && l.find.text != "" {
			floating = append(floating, l.find.text)
		}
	}
	if m.anyOf = newAnyOf(floating); m.anyOf != nil {
		for _, l := range m.alts {
			if l.place != anywhere {
				m.placed = append(m.placed, l)
			}
		}
	}
	if exact {
		m.values = newValueSet(values)
	}
	switch {
	case m.negate:
	case m.always:
		m.facts.Always = true
	default:
		if exact {
			m.facts.Exact, m.facts.Fold, m.facts.Values = true, true, values
		}
		if known {
			m.facts.Required = values
		}
		if anchored {
			m.facts.Begins = &begins
		}
	}
}

func (m *osMatch) Match(text string, sc *Scratch) (int, bool) {
	sc.Captures = sc.Captures[:0]
	if m.negate {
		if m.index(text, sc) >= 0 {
			return 0, false
		}
		return -1, true
	}
	end := m.index(text, sc)
	if end < 0 {
		return 0, false
	}
	return end - 1, true
}

func (m *osMatch) Test(text string, sc *Scratch) bool {
	return m.occurs(text, sc) != m.negate
}

// occurs reports whether an alternative is found.
func (m *osMatch) occurs(text string, sc *Scratch) bool {
	if m.anyOf == nil || m.always {
		return m.index(text, sc) >= 0
	}
	for i := range m.placed {
		if m.placed[i].index(text, sc) >= 0 {
			return true
		}
	}
	return m.anyOf.in(text)
}

// index returns the index after the first alternative that is found, or -1.
func (m *osMatch) index(text string, sc *Scratch) int {
	switch {
	case m.always:
		return 0
	case m.values != nil:
		if m.values.has(text) {
			return len(text)
		}
		return -1
	}
	for i := range m.alts {
		l := &m.alts[i]
		if at := l.index(text, sc); at >= 0 {
			return at + len(l.find.text)
		}
	}
	return -1
}

func (m *osMatch) Facts() *Facts  { return &m.facts }
func (m *osMatch) Groups() int    { return 0 }
func (m *osMatch) String() string { return m.source }
