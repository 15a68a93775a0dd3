package pattern

// exact is the string dialect: <action>login</action>.
type exact struct {
	text  string
	facts Facts
}

func compileExact(text string) *exact {
	m := &exact{text: text}
	m.facts = Facts{Values: []string{text}, Exact: true}
	if text != "" {
		m.facts.Required = []string{asciiLower(text)}
		m.facts.Begins = new([256]bool)
		m.facts.Begins[text[0]] = true
	}
	return m
}

func (m *exact) Match(text string, sc *Scratch) (int, bool) {
	sc.Captures = sc.Captures[:0]
	if text != m.text {
		return 0, false
	}
	return len(text) - 1, true
}

func (m *exact) Test(text string, _ *Scratch) bool { return text == m.text }
func (m *exact) Facts() *Facts                     { return &m.facts }
func (m *exact) Groups() int                       { return 0 }
func (m *exact) String() string                    { return m.text }
