// Package query is Armor's query language: every text either parses to a syntax tree that prints to a text of the same
// meaning, or gives an error with the place of the mistake and what to write instead. docs/query.md describes it.
package query

// Node is a part of a syntax tree: All, And, Or, Not, Match or Range.
type Node interface {
	// String prints the node in the language; what is printed parses to the same tree.
	String() string
	append(dst []byte, within precedence) []byte
}

// All matches every alert: an empty query.
type All struct{}

// And matches what all of its nodes match. It has at least two.
type And struct{ Nodes []Node }

// Or matches what any of its nodes matches. It has at least two.
type Or struct{ Nodes []Node }

// Not matches what its node does not.
type Not struct{ Node Node }

// Match is a value in a field, or, without a field, words in the log or the description.
type Match struct {
	// Field is its name; empty: full_log or rule.description.
	Field string
	// Value to be found.
	Value Value
	// Pos is the offset in bytes in the query.
	Pos int
}

// Range is a span of values of a field.
type Range struct {
	// Field is its name.
	Field string
	// From is the lower end; nil: open.
	From *Bound
	// To is the upper end; nil: open.
	To *Bound
	// Pos is the offset in bytes in the query.
	Pos int
}

// Bound is one end of a range.
type Bound struct {
	// Value as written, escapes resolved.
	Value string
	// Inclusive: the value itself is in the range.
	Inclusive bool
}

// Value is literal text with any number of `*` wildcards: the parts stand between them.
type Value struct {
	// Parts has one element for a literal, and one more for each wildcard; elements may be empty.
	Parts []string
}

// Literal makes a value without wildcards.
func Literal(s string) Value { return Value{Parts: []string{s}} }

// IsLiteral tells that there is no wildcard.
func (v Value) IsLiteral() bool { return len(v.Parts) == 1 }

// Any tells that the value is a lone `*`: the field exists.
func (v Value) Any() bool { return len(v.Parts) == 2 && v.Parts[0] == "" && v.Parts[1] == "" }
