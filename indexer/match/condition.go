// Package match gives a query its meaning: it binds the conditions to the kinds of their fields, once for every store,
// and tells whether a document matches, exactly as Elasticsearch would.
package match

import (
	"net/netip"

	"armor/indexer/field"
)

// Condition is a bound query: All, None, And, Or, Not or *Test.
type Condition interface{ condition() }

// All matches every document.
type All struct{}

// None matches no document.
type None struct{}

// And matches what all of its conditions match.
type And []Condition

// Or matches what any of its conditions matches.
type Or []Condition

// Not matches what its condition does not.
type Not struct{ Condition Condition }

func (All) condition()   {}
func (None) condition()  {}
func (And) condition()   {}
func (Or) condition()    {}
func (Not) condition()   {}
func (*Test) condition() {}

// Op is what a test asks of a value. A field with several values passes when one of them does.
type Op uint8

const (
	// Exists: there is a value at the field or below it.
	Exists Op = iota
	// Equal: a keyword, flattened value or boolean is Text.
	Equal
	// Pattern: a keyword or flattened value fits Parts, with anything between them.
	Pattern
	// Span: a keyword or flattened value lies between From and To by its bytes.
	Span
	// Within: a number or a time (milliseconds) lies in Low to High, both included.
	Within
	// Inside: an address lies in First to Last, both included.
	Inside
	// Phrase: a text has the Words, one after the other.
	Phrase
	// Word: a text has a word that fits Parts.
	Word
)

// Test is a condition on one field.
type Test struct {
	// Field that is asked.
	Field field.Field
	// Op decides which of the rest is used.
	Op Op
	// Text for Equal.
	Text string
	// Parts for Pattern and Word: literal text between wildcards.
	Parts []string
	// Words for Phrase, in lower case; at least one.
	Words []string
	// From and To for Span; nil: open.
	From, To *Limit
	// Low and High for Within.
	Low, High int64
	// First and Last for Inside, 16 bytes each: an IPv4 address in its IPv6 form.
	First, Last netip.Addr
}

// Limit is an end of a span of strings.
type Limit struct {
	// Text of the end.
	Text string
	// Inclusive: the text itself is in the span.
	Inclusive bool
}

// Fields calls f for every field that a condition asks.
func Fields(c Condition, f func(field.Field)) {
	switch c := c.(type) {
	case And:
		for _, n := range c {
			Fields(n, f)
		}
	case Or:
		for _, n := range c {
			Fields(n, f)
		}
	case Not:
		Fields(c.Condition, f)
	case *Test:
		f(c.Field)
	}
}
