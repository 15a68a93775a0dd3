package match

import (
	"fmt"
	"strings"

	"armor/rules/internal/fields"
	"armor/rules/internal/xmldoc"
)

// Condition is the condition's element as written in the rule (several, where they belong together).
func (f *Finding) Condition() string {
	r := f.rule
	c := r.conditions[f.condition]
	fallback := ""
	names := []string{}
	nth := -1 // of several elements of one name that are conditions of their own; -1: all belong to one condition
	switch c := c.(type) {
	case decodedAs:
		names = []string{"decoded_as"}
	case *expr:
		if c.source.kind == fromDynamic {
			names, nth = []string{"field", "field_pcre2"}, r.nth(f.condition)
			break
		}
		name := c.source.element()
		if c.phase != phaseMatch && c.source.kind == fromLog {
			name = "regex"
		}
		names = []string{name, name + "_pcre2"}
	case *user:
		names = []string{"user", "user_pcre2"}
	case minSize:
		return fmt.Sprintf("maxsize=%q", fmt.Sprint(int(c)))
	case *address:
		names = []string{c.slot.String()}
	case timeOfDay:
		names, nth = []string{"time"}, r.nth(f.condition)
	case *weekday:
		names, nth = []string{"weekday"}, r.nth(f.condition)
	case compiled:
		names, nth = []string{"compiled_rule"}, r.nth(f.condition)
	case firstSeen:
		names = []string{"if_fts"}
	case notMasked:
		names, nth = []string{"check_if_ignored"}, r.nth(f.condition)
	case changed:
		names = []string{"check_diff"}
	case *inList:
		names, nth = []string{"list"}, r.nth(f.condition)
	case *correlate:
		names = correlationElements(r)
		fallback = fmt.Sprintf("frequency=%q timeframe=%q", fmt.Sprint(r.Meta.Frequency), fmt.Sprint(c.query.Timeframe))
	}
	written := r.written(names, nth)
	return strings.TrimSpace(fallback + " " + strings.Join(written, " "))
}

// Pattern is what the condition was compiled from; it differs from the element's text where that holds variables.
func (f *Finding) Pattern() string {
	if m := patternOf(f.rule.conditions[f.condition]); m != nil {
		return m.String()
	}
	return ""
}

// element is the name of the element that tests a text.
func (s *source) element() string {
	switch s.kind {
	case fromLog:
		return "match"
	case fromProgram:
		return "program_name"
	case fromHostname:
		return "hostname"
	case fromLocation:
		return "location"
	}
	return s.slot.String()
}

// nth counts the conditions of the same kind before one.
func (r *Rule) nth(condition int) int {
	same := func(a Condition) bool {
		switch c := r.conditions[condition].(type) {
		case *expr:
			e, ok := a.(*expr)
			return ok && e.source.kind == c.source.kind
		case timeOfDay:
			_, ok := a.(timeOfDay)
			return ok
		case *weekday:
			_, ok := a.(*weekday)
			return ok
		case compiled:
			_, ok := a.(compiled)
			return ok
		case notMasked:
			_, ok := a.(notMasked)
			return ok
		case *inList:
			_, ok := a.(*inList)
			return ok
		}
		return false
	}
	n := 0
	for _, c := range r.conditions[:condition] {
		if same(c) {
			n++
		}
	}
	return n
}

// correlationElements names the elements of a rule that belong to its correlation.
func correlationElements(r *Rule) []string {
	var names []string
	for _, e := range r.elements() {
		switch {
		case strings.HasPrefix(e.Name, "if_matched_"), e.Name == "global_frequency",
			strings.HasPrefix(e.Name, "same_"), strings.HasPrefix(e.Name, "different_"), strings.HasPrefix(e.Name, "not_same_"):
			names = append(names, e.Name)
		}
	}
	return names
}

func (r *Rule) elements() []*xmldoc.Element {
	roots, _ := xmldoc.Parse(r.Meta.XML) // it was read before; variables of its file are not known here
	if len(roots) == 0 {
		return nil
	}
	return roots[0].Children
}

// written gives elements of a rule by name, as they stand in its file: all of them, or only the nth from 0.
func (r *Rule) written(names []string, nth int) []string {
	var out []string
	for _, e := range r.elements() {
		for _, name := range names {
			if !fields.EqualFold(e.Name, name) {
				continue
			}
			out = append(out, strings.Join(strings.Fields(r.Meta.XML[e.Start:e.End]), " "))
			break
		}
	}
	if nth >= 0 && nth < len(out) {
		return out[nth : nth+1]
	}
	return out
}

// Variables says whether the rule's file fills variables in this condition.
func (f *Finding) Variables() bool {
	m := patternOf(f.rule.conditions[f.condition])
	if m == nil {
		return false
	}
	written := f.Condition()
	for i := 0; i+1 < len(written); i++ {
		if c := written[i+1]; written[i] == '$' && (c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '_') {
			return true
		}
	}
	return false
}
