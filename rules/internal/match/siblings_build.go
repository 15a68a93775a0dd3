package match

import (
	"cmp"
	"maps"
	"math/bits"
	"slices"

	"armor/rules/internal/pattern"
)

// Sizes from which an index pays.
const (
	minByDecoder = 3
	minByValue   = 4
	minByText    = 3
)

// layOut makes what the fast walk goes by, level after level of the tree, so that siblings lie together in memory.
func (l *Loader) layOut() {
	t := l.tree
	var all []*Rule
	for _, roots := range t.roots {
		all = append(all, roots...)
	}
	places := map[*Rule]int{}
	for i := 0; i < len(all); i++ {
		for _, r := range all[i].children {
			if places[r]++; places[r] == 1 {
				all = append(all, r)
			}
		}
	}
	for _, r := range all {
		t.addSteps(r, places[r] > 1)
	}
	var b siblingsBuilder
	for c, roots := range t.roots {
		t.tops[c] = b.build(roots)
	}
	for _, r := range all {
		r.below = b.build(r.children)
	}
}

// siblingsBuilder indexes lists of rules.
type siblingsBuilder struct {
	rules []*Rule  // of the list at hand
	split []source // fields by which the group at hand is split already

	lists  arena[siblings]
	groups arena[group]
	trials arena[trial]
	texts  arena[textIndex]
	needs  arena[need]
	sets   arena[uint64]
}

// build indexes the rules below one rule.
func (b *siblingsBuilder) build(rules []*Rule) siblings {
	places := make([]int32, len(rules))
	for i := range places {
		places[i] = int32(i)
	}
	b.rules = rules
	return b.keep(b.byDecoder(places))
}

// keep gives what was built its place in memory.
func (b *siblingsBuilder) keep(s siblings) siblings {
	return siblings{groups: b.groups.keep(s.groups), trials: b.trials.keep(s.trials)}
}

// part keeps a part of a split.
func (b *siblingsBuilder) part(s siblings) *siblings {
	return &b.lists.keep([]siblings{b.keep(s)})[0]
}

// byDecoder splits by the decoders that rules name.
func (b *siblingsBuilder) byDecoder(places []int32) siblings {
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
	parts := make(map[int32]*siblings, len(of))
	for _, id := range slices.Sorted(maps.Keys(of)) {
		parts[id] = b.part(b.byValue(of[id]))
	}
	s := b.byValue(free)
	s.groups = append(s.groups, group{decoders: parts})
	return s
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
func (b *siblingsBuilder) byValue(places []int32) siblings {
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
	parts := make(map[string]*siblings, len(of))
	for _, v := range slices.Sorted(maps.Keys(of)) {
		parts[v] = b.part(b.byValue(of[v]))
	}
	s := b.byValue(free)
	s.groups = append(s.groups, group{values: &valueIndex{source: field, longest: longest, values: parts}})
	return s
}

// mostAsked gives the field of which most rules ask a value, and by how many; those that the group is split by are left
// out.
func (b *siblingsBuilder) mostAsked(places []int32) (most source, n int) {
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
func (b *siblingsBuilder) byText(places []int32) siblings {
	trials := make([]trial, len(places))
	for i, p := range places {
		trials[i] = trial{place: p, step: b.rules[p].first}
	}
	if len(places) < minByText {
		return siblings{trials: trials}
	}
	var t textIndex
	sources, needed := b.needed(places)
	for _, s := range sources {
		rules := needed[s]
		if c := b.candidatesIn(s, places); c != nil {
			t.texts = append(t.texts, indexedText{source: s, candidates: c, rules: b.sets.keep(rules)})
		}
		if s.kind == fromDynamic {
			t.dynamic = appendNeeds(t.dynamic, s.symbol, rules)
		} else if bit, ok := s.bit(); ok {
			t.fixed = appendNeeds(t.fixed, bit, rules)
		}
	}
	if len(t.dynamic)+len(t.fixed)+len(t.texts) == 0 {
		return siblings{trials: trials}
	}
	// What rules out many comes first. The log comes last: it is the longest, and every event has one.
	slices.SortStableFunc(t.dynamic, func(a, b need) int { return bits.OnesCount64(b.rules) - bits.OnesCount64(a.rules) })
	slices.SortStableFunc(t.texts, func(a, b indexedText) int { return cmp.Compare(b.source.kind, a.source.kind) })
	t.rules, t.dynamic, t.fixed = b.trials.keep(trials), b.needs.keep(t.dynamic), b.needs.keep(t.fixed)
	return siblings{groups: []group{{texts: &b.texts.keep([]textIndex{t})[0]}}}
}

// setSize is how many words a set of rules has.
func setSize(places []int32) int { return (len(places) + 63) / 64 }

// needed gives the texts that rules need, in order of first need, with the sets of these rules.
func (b *siblingsBuilder) needed(places []int32) (sources []source, needed map[source][]uint64) {
	needed = map[source][]uint64{}
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
				needed[from] = make([]uint64, setSize(places))
				sources = append(sources, from)
			}
			needed[from][i/64] |= 1 << (i % 64)
		}
	}
	return sources, needed
}

// appendNeeds appends the needs of a set of rules.
func appendNeeds(list []need, text int32, rules []uint64) []need {
	for w, rules := range rules {
		if rules != 0 {
			list = append(list, need{text: text, word: int32(w), rules: rules})
		}
	}
	return list
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
func (b *siblingsBuilder) candidatesIn(text source, places []int32) *pattern.Candidates {
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
