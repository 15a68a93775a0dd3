package match

import (
	"reflect"
	"slices"
	"strings"

	"armor/indexer/field"
	"armor/indexer/jsontext"
)

// Scan reads documents for several conditions and fields at once, with one walk over each document. Say first what is asked, with
// Condition and Field; then, for each document, Read and ask. It keeps its buffers: use one per goroutine.
type Scan struct {
	tests      []*Test
	passed     []bool
	conditions []step
	readers    []*values
	root       jsontext.Node
	places     []place // by the ID of a node
	walker     jsontext.Walker
	idle       bool // nothing has to be read
	words      wordCutter
}

// place is what is asked at a path.
type place struct {
	tests   []int // of the values at the path
	below   []int // for existence: of the values at the path and below it, those of the paths above too
	readers []int
}

// NewScan makes a scan that asks nothing yet.
func NewScan() *Scan { return &Scan{root: jsontext.Node{ID: -1}, idle: true} }

// Condition adds a condition, and gives its number for Matches.
func (s *Scan) Condition(c Condition) int {
	s.conditions = append(s.conditions, s.compile(c))
	s.passed = make([]bool, len(s.tests))
	s.spread(&s.root, nil)
	return len(s.conditions) - 1
}

// Field adds a field, and gives its number for Values.
func (s *Scan) Field(f field.Field) int {
	n := len(s.readers)
	s.readers = append(s.readers, newValues(f))
	if !setAside(f.Path) {
		p := s.place(f.Path)
		p.readers = append(p.readers, n)
		s.spread(&s.root, nil)
	}
	return n
}

// Read reads a document. One that is not well formed is read as far as it is.
func (s *Scan) Read(doc []byte) {
	clear(s.passed)
	for _, r := range s.readers {
		r.reset()
	}
	if !s.idle {
		s.walker.Find(doc, &s.root, s)
	}
}

// Matches tells whether the document that was read last matches a condition.
func (s *Scan) Matches(condition int) bool { return s.decide(&s.conditions[condition]) }

// Values gives the different values that the document which was read last has in a field, as numbers for Key. The slice is valid
// until the next document.
func (s *Scan) Values(field int) []int { return s.readers[field].numbers() }

// Key is a value as the key of an aggregation. A scan gives each value one number, from 0 on.
func (s *Scan) Key(field, number int) string { return s.readers[field].keys[number] }

// step is a condition whose tests are numbers.
type step struct {
	op    byte // 'A'nd, 'O'r, 'N'ot, 't'est, '1' all, '0' none
	test  int
	steps []step
}

func (s *Scan) compile(c Condition) step {
	switch c := c.(type) {
	case And:
		return step{op: 'A', steps: s.compileAll(c)}
	case Or:
		return step{op: 'O', steps: s.compileAll(c)}
	case Not:
		return step{op: 'N', steps: s.compileAll([]Condition{c.Condition})}
	case *Test:
		return step{op: 't', test: s.test(c)}
	case All:
		return step{op: '1'}
	}
	return step{op: '0'}
}

func (s *Scan) compileAll(list []Condition) []step {
	steps := make([]step, len(list))
	for i, c := range list {
		steps[i] = s.compile(c)
	}
	return steps
}

// test gives the number of a test, one number for equal ones.
func (s *Scan) test(t *Test) int {
	if n := slices.IndexFunc(s.tests, func(o *Test) bool { return o == t || reflect.DeepEqual(o, t) }); n >= 0 {
		return n
	}
	n := len(s.tests)
	s.tests = append(s.tests, t)
	if setAside(t.Field.Path) {
		return n
	}
	p := s.place(t.Field.Path)
	if t.Op == Exists {
		p.below = append(p.below, n)
	} else {
		p.tests = append(p.tests, n)
	}
	return n
}

// setAside tells whether a path is of the part of a document that is not indexed.
func setAside(path string) bool {
	return strings.HasPrefix(path, field.SetAside) && (len(path) == len(field.SetAside) || path[len(field.SetAside)] == '.')
}

func (s *Scan) place(path string) *place {
	s.idle = false
	n := s.root.At(path)
	if n.ID < 0 {
		n.ID = len(s.places)
		s.places = append(s.places, place{})
	}
	return &s.places[n.ID]
}

// spread gives every node the tests for existence of those above it.
func (s *Scan) spread(n *jsontext.Node, above []int) {
	if len(above) > 0 && n.ID < 0 {
		n.ID = len(s.places)
		s.places = append(s.places, place{})
	}
	if n.ID >= 0 {
		p := &s.places[n.ID]
		for _, test := range above {
			if !slices.Contains(p.below, test) {
				p.below = append(p.below, test)
			}
		}
		above = slices.Clone(p.below)
		n.Below = len(above) > 0
	}
	n.Children(func(child *jsontext.Node) { s.spread(child, above) })
}

func (s *Scan) decide(c *step) bool {
	switch c.op {
	case 'A':
		for i := range c.steps {
			if !s.decide(&c.steps[i]) {
				return false
			}
		}
		return true
	case 'O':
		for i := range c.steps {
			if s.decide(&c.steps[i]) {
				return true
			}
		}
		return false
	case 'N':
		return !s.decide(&c.steps[0])
	case 't':
		return s.passed[c.test]
	}
	return c.op == '1'
}

// Wants is part of the walk.
func (s *Scan) Wants(n *jsontext.Node) bool {
	for _, test := range s.places[n.ID].below {
		if !s.passed[test] {
			return true
		}
	}
	return false
}

// Found is part of the walk.
func (s *Scan) Found(n *jsontext.Node, at bool, path, value []byte, isString bool) {
	if n.ID < 0 {
		return
	}
	p := &s.places[n.ID]
	for _, test := range p.below {
		if !s.passed[test] {
			s.passed[test] = len(value) <= field.DataLimit || indexed(field.Of(string(path)), value)
		}
	}
	if !at {
		return
	}
	s.words.begin()
	for _, test := range p.tests {
		if !s.passed[test] {
			s.passed[test] = s.words.test(s.tests[test], value, isString)
		}
	}
	for _, r := range p.readers {
		s.readers[r].add(value)
	}
}
