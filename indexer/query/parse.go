package query

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Limits of a query. Beyond them it is refused with an Error.
const (
	// MaxLength in bytes.
	MaxLength = 16 << 10
	// MaxDepth of nested parentheses and NOTs.
	MaxDepth = 64
	// MaxConditions is the number of values and ranges.
	MaxConditions = 1024
	// MaxWildcards of one value.
	MaxWildcards = 16
)

// Parse reads a query. An empty one is All. The error is an *Error.
func Parse(text string) (Node, error) {
	p := &parser{text: text}
	if len(text) > MaxLength {
		return nil, p.fail(MaxLength, "the query is longer than %d bytes: shorten it", MaxLength)
	}
	for i, r := range text {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(text[i:]); n == 1 {
				return nil, p.fail(i, "this is not valid UTF-8: write the query in UTF-8")
			}
		}
	}
	p.space()
	if p.end() {
		return All{}, nil
	}
	n, err := p.or("")
	if err != nil {
		return nil, err
	}
	if !p.end() {
		return nil, p.fail(p.pos, `there is no "(" for this ")": remove it`)
	}
	return n, nil
}

// Both matches what a and b match; nil stands for All.
func Both(a, b Node) Node {
	switch {
	case a == nil || a == Node(All{}):
		return b
	case b == nil || b == Node(All{}):
		return a
	}
	return And{Nodes: []Node{a, b}}
}

// parser reads by recursive descent. Between its methods, pos stands at the next token, white space passed over.
type parser struct {
	text       string
	pos        int
	depth      int
	conditions int
}

func (p *parser) fail(pos int, format string, args ...any) error {
	return &Error{Query: p.text, Pos: pos, Message: fmt.Sprintf(format, args...)}
}

func (p *parser) end() bool { return p.pos >= len(p.text) }

// at tells whether the next byte is c.
func (p *parser) at(c byte) bool { return p.pos < len(p.text) && p.text[p.pos] == c }

func (p *parser) space() {
	for p.pos < len(p.text) {
		r, n := utf8.DecodeRuneInString(p.text[p.pos:])
		if !unicode.IsSpace(r) {
			return
		}
		p.pos += n
	}
}

// operator takes the word if it stands next.
func (p *parser) operator(word string) bool {
	rest := p.text[p.pos:]
	if len(rest) < len(word) || rest[:len(word)] != word {
		return false
	}
	if len(rest) > len(word) {
		r, _ := utf8.DecodeRuneInString(rest[len(word):])
		if !unicode.IsSpace(r) && r != '(' && r != ')' && r != '"' {
			return false
		}
	}
	p.pos += len(word)
	p.space()
	return true
}

// or reads operands joined by OR. Within the parentheses of a field, field is its name.
func (p *parser) or(field string) (Node, error) {
	return p.joined(field, p.and, func() bool { return p.operator("OR") }, func(n []Node) Node { return Or{n} })
}

// and reads operands joined by AND, or by nothing.
func (p *parser) and(field string) (Node, error) {
	more := func() bool {
		if p.operator("AND") {
			return true
		}
		if p.end() || p.at(')') {
			return false
		}
		start := p.pos
		isOr := p.operator("OR")
		p.pos = start
		return !isOr
	}
	return p.joined(field, p.not, more, func(n []Node) Node { return And{n} })
}

func (p *parser) joined(field string, operand func(string) (Node, error), more func() bool, join func([]Node) Node) (Node, error) {
	var nodes []Node
	for {
		n, err := operand(field)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
		if !more() {
			break
		}
	}
	if len(nodes) == 1 {
		return nodes[0], nil
	}
	return join(nodes), nil
}

func (p *parser) not(field string) (Node, error) {
	start := p.pos
	if !p.operator("NOT") {
		return p.operand(field)
	}
	if p.depth++; p.depth > MaxDepth {
		return nil, p.fail(start, "more than %d levels of parentheses and NOT: simplify the query", MaxDepth)
	}
	n, err := p.not(field)
	p.depth--
	if err != nil {
		return nil, err
	}
	return Not{n}, nil
}

func (p *parser) operand(field string) (Node, error) {
	start := p.pos
	switch {
	case p.end():
		return nil, p.fail(start, "the query ends where a value is expected: write one, or remove the operator before")
	case p.at(')'):
		return nil, p.fail(start, `a value is expected before this ")": write one`)
	case p.operator("AND"), p.operator("OR"):
		return nil, p.fail(start, "a value is expected before this operator: write one, or quote the word to search for it")
	case p.at('('):
		return p.group(field)
	case field != "":
		return p.condition(field, start)
	}
	return p.term()
}

// group reads parentheses.
func (p *parser) group(field string) (Node, error) {
	start := p.pos
	if p.depth++; p.depth > MaxDepth {
		return nil, p.fail(start, "more than %d levels of parentheses and NOT: simplify the query", MaxDepth)
	}
	p.pos++
	p.space()
	n, err := p.or(field)
	if err != nil {
		return nil, err
	}
	if !p.at(')') {
		return nil, p.fail(start, `this "(" is never closed: add a ")"`)
	}
	p.pos++
	p.depth--
	p.space()
	return n, nil
}
