package match

// Matcher evaluates one condition on documents, one after the other. It keeps its buffers: use one per goroutine.
type Matcher struct{ scan *Scan }

// NewMatcher makes a matcher for a condition.
func NewMatcher(c Condition) *Matcher {
	m := &Matcher{NewScan()}
	m.scan.Condition(c)
	return m
}

// Match tells whether a document matches. A document that is not well formed is read as far as it is.
func (m *Matcher) Match(doc []byte) bool {
	m.scan.Read(doc)
	return m.scan.Matches(0)
}
