package rules

import (
	"armor/rules/internal/decode"
	"armor/rules/internal/match"
	"armor/rules/internal/pattern"
)

// Decoder is a loaded decoder, as a listing shows it.
type Decoder struct {
	// Name as events and decoded_as show it; OwnName as written.
	Name, OwnName string
	// Parent is the name of the decoder above it; empty: none.
	Parent string
	// File and Line of its definition.
	File string
	Line int
}

// Decoders gives all decoders in order of loading.
func (rs *Ruleset) Decoders() []Decoder {
	var all []Decoder
	for _, d := range rs.decoders.All() {
		all = append(all, Decoder{Name: d.Name, OwnName: d.OwnName, Parent: d.Parent, File: d.File, Line: d.Line})
	}
	return all
}

// Children gives the rules below a rule, in the order in which they are tried.
func (rs *Ruleset) Children(r *Rule) []*Rule {
	if m, ok := rs.tree.ByID(r.ID); ok {
		return rs.views(m.Children())
	}
	return nil
}

// Tops gives the first rules that are tried, one list for each root of a category: the root itself, or what hangs
// under it where the ruleset has no rule for it.
func (rs *Ruleset) Tops() [][]*Rule {
	var all [][]*Rule
	for _, root := range rs.tree.Roots() {
		if root.Index < 0 {
			all = append(all, rs.views(root.Children()))
		} else {
			all = append(all, []*Rule{rs.byIndex[root.Index]})
		}
	}
	return all
}

func (rs *Ruleset) views(list []*match.Rule) []*Rule {
	views := make([]*Rule, len(list))
	for i, m := range list {
		views[i] = rs.byIndex[m.Index]
	}
	return views
}

// GroupText is the text of a rule's groups before it is taken apart, that of the enclosing <group> first.
func (rs *Ruleset) GroupText(r *Rule) string {
	if m, ok := rs.tree.ByID(r.ID); ok {
		return m.GroupText()
	}
	return ""
}

// Condition is one test of a rule, as far as it can be reasoned about without an event.
type Condition struct {
	// Key is equal for conditions that hold for the same events, Opposite is the key of the condition that cannot hold
	// together with it (empty: none).
	Key, Opposite string
	// Element of the rule, such as match; Field is the name in <field name="...">.
	Element, Field string
	// Pattern, its Dialect (osregex, osmatch, pcre2, string) and whether it is turned round; empty: no pattern.
	Pattern, Dialect string
	Negate           bool
	// Stateful: the answer depends on earlier events or the clock. Always: it holds for every event. AnyText: the pattern
	// matches every text. Backtracks: the pattern needs an engine without a bound of work.
	Stateful, Always, AnyText, Backtracks bool
	// Decoder is the name that decoded_as asks for.
	Decoder string

	test match.Test
}

// Conditions gives the tests of a rule in order of trial.
func (rs *Ruleset) Conditions(r *Rule) []Condition {
	m, ok := rs.tree.ByID(r.ID)
	if !ok {
		return nil
	}
	var all []Condition
	for _, t := range m.Tests(rs.symbols) {
		c := Condition{
			Key: t.Key, Opposite: t.Opposite, Element: t.Element, Field: t.Field, Negate: t.Negate, Stateful: t.Stateful, Always: t.Always, test: t,
		}
		if t.Matcher != nil {
			c.Pattern, c.Dialect = t.Matcher.String(), pattern.DialectOf(t.Matcher).String()
			c.AnyText, c.Backtracks = t.Matcher.Facts().Always, pattern.Backtracks(t.Matcher)
		}
		if t.Decoder >= 0 {
			for _, d := range rs.decoders.All() {
				if d.ID == t.Decoder {
					c.Decoder = d.Name
					break
				}
			}
		}
		all = append(all, c)
	}
	return all
}

// Fields says which fields the events of a decoder can have.
type Fields struct{ fills decode.Fills }

// FieldsOf gives the fields of a decoder that decoded_as can name; ok is false where anything may be there: a decoder
// whose plugin fills what the event holds, or one that is not known.
func (rs *Ruleset) FieldsOf(decoder string) (f Fields, ok bool) {
	id, known := rs.decoders.ID(decoder)
	if !known || id < 0 {
		return f, false
	}
	f.fills, ok = rs.decoders.Fills(id)
	return f, ok && !f.fills.Open
}

// Has says whether the field that a condition looks at can be there; it is true for a condition without one.
func (f Fields) Has(c Condition) bool {
	if c.test.Symbol >= 0 {
		return f.fills.Dynamic[c.test.Symbol]
	}
	for _, slot := range c.test.Slots {
		if f.fills.Static[slot] {
			return true
		}
	}
	return len(c.test.Slots) == 0
}
