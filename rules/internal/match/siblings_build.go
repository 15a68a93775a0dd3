package match

import (
	"cmp"
	"slices"

	"armor/rules/internal/pattern"
)

// Sizes from which an index pays.
const (
	minByDecoder = 3
	minByValue   = 4
	minByText    = 3
)

// newSiblings indexes the rules below one rule.
func newSiblings(rules []*Rule) *siblings {
	if len(rules) == 0 {
		return nil
	}
	places := make([]int32, len(rules))
	for i := range places {
		places[i] = int32(i)
	}
	b := groupBuilder{rules: rules}
	return &siblings{rules: rules, groups: b.byDecoder(places)}
}

// groupBuilder makes the groups of a list of rules.
type groupBuilder struct {
	rules []*Rule
	split []source // fields by which the group at hand is split already
}

// byDecoder splits by the decoders that rules name.
func (b *groupBuilder) byDecoder(places []int32) *group {
	of := map[int32][]int32{}
	var free []int32
	for _, p := range places {
		if id, ok := b.rules[p].decoder(); ok {
			of[id] = append(of[id], p)
		} else {
			free = append(free, p)
		}
	}
	if len(places)-len(free) < minByDecoder {
		return b.byValue(places)
	}
	g := &group{decoders: make(map[int32]*group, len(of)), others: b.byValue(free)}
	for id, places := range of {
		g.decoders[id] = b.byValue(places)
	}
	return g
}

// decoder gives the decoder that the rule asks for; false: it asks for none.
func (r *Rule) decoder() (int32, bool) {
	for _, c := range r.conditions {
		if d, ok := c.(decodedAs); ok {
			return d.id, true
		}
	}
	return 0, false
}

// byValue splits by the values of the field that most rules ask a value of.
func (b *groupBuilder) byValue(places []int32) *group {
	if len(places) == 0 {
		return nil
	}
	field, n := b.mostAsked(places)
	if n < minByValue {
		return b.byText(places)
	}
	of := map[string][]int32{}
	var free []int32
	longest := 0
	for _, p := range places {
		values := valuesOf(b.rules[p], field)
		if values == nil {
			free = append(free, p)
		}
		for _, v := range values {
			v = string(pattern.AppendLower(nil, v))
			if list := of[v]; len(list) == 0 || list[len(list)-1] != p { // a rule may name a value twice
				of[v] = append(list, p)
			}
			longest = max(longest, len(v))
		}
	}
	b.split = append(b.split, field)
	defer func() { b.split = b.split[:len(b.split)-1] }()
	g := &group{values: &valueIndex{source: field, longest: longest, groups: make(map[string]*group, len(of))}, others: b.byValue(free)}
	for v, places := range of {
		g.values.groups[v] = b.byValue(places)
	}
	return g
}

// mostAsked gives the field of which most rules ask a value, and by how many; those that the group is split by are left
// out.
func (b *groupBuilder) mostAsked(places []int32) (most source, n int) {
	counts := map[source]int{}
	for _, p := range places {
		seen := map[source]bool{}
		for _, c := range b.rules[p].conditions {
			field, values := exactValues(c)
			if len(values) == 0 || seen[field] || slices.Contains(b.split, field) {
				continue
			}
			seen[field] = true
			if counts[field]++; counts[field] > n {
				most, n = field, counts[field]
			}
		}
	}
	return most, n
}

// exactValues gives the field that a condition asks a value of, and the values that it takes; nil: it asks for none.
func exactValues(c Condition) (source, []string) {
	e, ok := c.(*expr)
	if !ok || e.negate || e.source.kind == fromLog || !e.m.Facts().Exact {
		return source{}, nil
	}
	return e.source, e.m.Facts().Values
}

// valuesOf gives the values of a field of which a rule needs one; nil: it asks for none.
func valuesOf(r *Rule, field source) []string {
	for _, c := range r.conditions {
		if of, values := exactValues(c); of == field && len(values) > 0 {
			return values
		}
	}
	return nil
}

// byText notes which texts the rules need, and where it pays what they look for in them.
func (b *groupBuilder) byText(places []int32) *group {
	g := &group{places: places}
	if len(places) < minByText {
		return g
	}
	words := (len(places) + 63) / 64
	needed := map[source][]uint64{}
	for i, p := range places {
		for _, c := range b.rules[p].conditions {
			if remembers(c) {
				break // it is to be tried whatever comes behind it
			}
			from, ok := needs(c)
			if !ok {
				continue
			}
			if needed[from] == nil {
				needed[from] = make([]uint64, words)
				g.texts = append(g.texts, neededText{source: from})
			}
			needed[from][i/64] |= 1 << (i % 64)
		}
	}
	for i := range g.texts {
		g.texts[i].candidates = b.candidatesIn(g.texts[i].source, places)
	}
	// The log comes last: it is the longest, and every event has one.
	slices.SortStableFunc(g.texts, func(a, b neededText) int { return cmp.Compare(b.source.kind, a.source.kind) })
	g.texts = slices.DeleteFunc(g.texts, func(t neededText) bool { return t.source.kind == fromLog && t.candidates == nil })
	if len(g.texts) == 0 {
		return g
	}
	g.sets = make([]uint64, words)
	for i := range places {
		g.sets[i/64] |= 1 << (i % 64)
	}
	for _, t := range g.texts {
		g.sets = append(g.sets, needed[t.source]...)
	}
	return g
}

// remembers says whether trying a condition may change what the engine remembers.
func remembers(c Condition) bool {
	switch c.(type) {
	case firstSeen, notMasked, changed, *correlate:
		return true
	}
	return false
}

// needs gives the text without which a condition fails; false: there is not one such text.
func needs(c Condition) (source, bool) {
	switch c := c.(type) {
	case *expr:
		return c.source, true
	case *address:
		return source{kind: fromStatic, slot: c.slot}, true
	case *inList:
		return c.source, !c.user
	}
	return source{}, false
}

// candidatesIn makes the index of what rules look for in a text.
func (b *groupBuilder) candidatesIn(text source, places []int32) *pattern.Candidates {
	list := make([]pattern.Matcher, len(places))
	for i, p := range places {
		for _, c := range b.rules[p].conditions {
			if e, ok := c.(*expr); ok && !e.negate && e.source == text {
				list[i] = pattern.Stronger(list[i], e.m)
			}
		}
	}
	return pattern.NewCandidates(list)
}
