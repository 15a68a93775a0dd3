package match

import (
	"strings"

	"armor/indexer/field"
	"armor/indexer/jsontext"
)

// Matcher evaluates one condition on documents, one after the other. It keeps its buffers: use one per goroutine.
type Matcher struct {
	tests  []*Test
	at     map[string][]int // by path: tests of that field
	below  []int            // tests for existence: anything below their path counts
	prefix map[string]bool  // paths of objects that lead to a field asked for
	root   step
	passed []bool
	walker jsontext.Walker
	spans  []span // words of the value under test
	cut    bool   // spans are those of the value under test
}

// step is a condition whose tests are numbers.
type step struct {
	op    byte // 'A'nd, 'O'r, 'N'ot, 't'est, '1' all, '0' none
	test  int
	steps []step
}

// NewMatcher makes a matcher for a condition.
func NewMatcher(c Condition) *Matcher {
	m := &Matcher{at: make(map[string][]int), prefix: make(map[string]bool)}
	m.root = m.compile(c)
	m.passed = make([]bool, len(m.tests))
	return m
}

func (m *Matcher) compile(c Condition) step {
	switch c := c.(type) {
	case And:
		return step{op: 'A', steps: m.compileAll(c)}
	case Or:
		return step{op: 'O', steps: m.compileAll(c)}
	case Not:
		return step{op: 'N', steps: m.compileAll([]Condition{c.Condition})}
	case *Test:
		n := len(m.tests)
		m.tests = append(m.tests, c)
		path := c.Field.Path
		if c.Op == Exists {
			m.below = append(m.below, n)
		} else {
			m.at[path] = append(m.at[path], n)
		}
		for i := 0; ; {
			dot := strings.IndexByte(path[i:], '.')
			if dot < 0 {
				break
			}
			i += dot
			m.prefix[path[:i]] = true
			i++
		}
		m.prefix[path] = true
		return step{op: 't', test: n}
	case All:
		return step{op: '1'}
	}
	return step{op: '0'}
}

func (m *Matcher) compileAll(list []Condition) []step {
	steps := make([]step, len(list))
	for i, c := range list {
		steps[i] = m.compile(c)
	}
	return steps
}

// Match tells whether a document matches. A document that is not well formed is read as far as it is.
func (m *Matcher) Match(doc []byte) bool {
	if len(m.tests) > 0 {
		clear(m.passed)
		m.walker.Walk(doc, m)
	}
	return m.decide(&m.root)
}

func (m *Matcher) decide(s *step) bool {
	switch s.op {
	case 'A':
		for i := range s.steps {
			if !m.decide(&s.steps[i]) {
				return false
			}
		}
		return true
	case 'O':
		for i := range s.steps {
			if m.decide(&s.steps[i]) {
				return true
			}
		}
		return false
	case 'N':
		return !m.decide(&s.steps[0])
	case 't':
		return m.passed[s.test]
	}
	return s.op == '1'
}

// Enter is part of the walk.
func (m *Matcher) Enter(path []byte) bool {
	if string(path) == field.SetAside {
		return false // not indexed
	}
	if m.prefix[string(path)] {
		return true
	}
	for _, n := range m.below {
		if !m.passed[n] && isBelow(path, m.tests[n].Field.Path) {
			return true
		}
	}
	return false
}

// Scalar is part of the walk.
func (m *Matcher) Scalar(path, value []byte, isString bool) {
	m.cut = false
	for _, n := range m.at[string(path)] {
		if !m.passed[n] {
			m.passed[n] = m.test(m.tests[n], value, isString)
		}
	}
	for _, n := range m.below {
		if !m.passed[n] && isBelow(path, m.tests[n].Field.Path) {
			m.passed[n] = len(value) <= field.DataLimit || indexed(field.Of(string(path)), value)
		}
	}
}

// isBelow tells whether path is the root or below it.
func isBelow(path []byte, root string) bool {
	return len(path) >= len(root) && string(path[:len(root)]) == root && (len(path) == len(root) || path[len(root)] == '.')
}
