package match

import (
	"fmt"

	"armor/rules/internal/decode"
	"armor/rules/internal/fields"
	"armor/rules/internal/pattern"
)

// Test is a condition of a rule as it can be reasoned about.
type Test struct {
	// Key is equal for conditions that hold for the same events; Opposite is that of the condition that never holds
	// together with it, where there is one.
	Key, Opposite string
	// Element of the rule, such as match or field; Field is the name in <field name="...">.
	Element, Field string
	// Matcher is the condition's pattern; nil: none. Negate turns it round.
	Matcher pattern.Matcher
	Negate  bool
	// Stateful: the answer depends on more than the event (earlier events, the clock), or cannot be compared.
	Stateful bool
	// Always: it holds for every event.
	Always bool
	// Decoder is the number that decoded_as asks for; -1: none.
	Decoder int32
	// Slots are the static fields of which one must be there, Symbol the dynamic one (Unknown: none).
	Slots  []fields.Slot
	Symbol fields.Symbol
}

// Tests gives the conditions of a rule in order of trial.
func (r *Rule) Tests(symbols *fields.Symbols) []Test {
	tests := make([]Test, len(r.conditions))
	for i, c := range r.conditions {
		t := Test{Decoder: -1, Symbol: fields.Unknown}
		switch c := c.(type) {
		case decodedAs:
			t.Element, t.Decoder, t.Key = "decoded_as", c.id, fmt.Sprintf("decoder %d", c.id)
			if c.id < 0 { // a decoder in the reference's code: several names have one number
				t.Stateful, t.Key = true, fmt.Sprintf("rule %d condition %d", r.ID, i)
			}
		case *expr:
			t.expression(fmt.Sprintf("text %d %d %d", c.source.kind, c.source.slot, c.source.symbol), c.m, c.negate)
			t.source(&c.source, symbols)
			if c.source.kind == fromLog && pattern.DialectOf(c.m) != pattern.OSMatch {
				t.Element = "regex"
			}
			t.Always = c.source.kind == fromLog && !c.negate && c.m.Facts().Always
		case *user:
			t.expression("user", c.m, c.negate)
			t.Element, t.Slots = "user", []fields.Slot{fields.DstUser, fields.SrcUser}
		case minSize:
			t.Element, t.Key = "maxsize", fmt.Sprintf("size %d", int(c))
		case *address:
			t.Element, t.Slots = c.slot.String(), []fields.Slot{c.slot}
			t.Key, t.Opposite = addressKey(c, c.negate), addressKey(c, !c.negate)
		case *inList:
			t.Element = "list"
			t.Key = fmt.Sprintf("list %p %d %v %v", c.list, c.lookup, c.user, c.source)
			if c.value != nil {
				t.Key += c.value.String()
			}
			if c.user {
				t.Slots = []fields.Slot{fields.DstUser, fields.SrcUser}
			} else {
				t.source(&c.source, symbols)
				t.Element = "list"
			}
		default: // clocks, memory, computed rules
			t.Element, t.Stateful, t.Key = "", true, fmt.Sprintf("rule %d condition %d", r.ID, i)
		}
		tests[i] = t
	}
	return tests
}

func (t *Test) expression(source string, m pattern.Matcher, negate bool) {
	key := func(negate bool) string {
		return fmt.Sprintf("%s %s %v %q", source, pattern.DialectOf(m), negate, m.String())
	}
	t.Matcher, t.Negate, t.Key, t.Opposite = m, negate, key(negate), key(!negate)
}

func (t *Test) source(s *source, symbols *fields.Symbols) {
	switch s.kind {
	case fromLog:
		t.Element = "match"
	case fromProgram:
		t.Element = "program_name"
	case fromHostname:
		t.Element = "hostname"
	case fromLocation:
		t.Element = "location"
	case fromStatic:
		t.Element, t.Slots = s.slot.String(), []fields.Slot{s.slot}
	default:
		t.Element, t.Symbol, t.Field = "field", s.symbol, symbols.Name(s.symbol)
	}
}

func addressKey(c *address, negate bool) string {
	return fmt.Sprintf("address %d %v %v", c.slot, negate, c.nets)
}

// Roots gives the roots of the tree, those that stand for a missing file included (Index -1).
func (t *Tree) Roots() []*Rule {
	var all []*Rule
	for c := range decode.NumCategories {
		all = append(all, t.roots[c]...)
	}
	return all
}

// GroupText is the text of the rule's groups, that of the enclosing <group> first.
func (r *Rule) GroupText() string { return r.groupText }
