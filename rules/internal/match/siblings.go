package match

import (
	"cmp"
	"math/bits"
	"slices"

	"armor/rules/internal/pattern"
)

// siblings are the rules below one rule, as the fast walk tries them. What it leaves out has a condition on decoder,
// field or text that cannot hold, and none before that changes anything; the order stays.
type siblings struct {
	rules []*Rule

	// By decoder: the rules that ask for this one or for none.
	decoders map[int32]*siblings
	// By the value of a field, in lower case: the rules that ask for this one and those that do not ask for one.
	values *valueIndex
	// What remains when the event's decoder or value is not in the index.
	others *siblings

	// By texts: which rules need which, and what is known of them. all has a bit for each rule; nil: there are no texts.
	texts []neededText
	all   []uint64
}

// valueIndex is a split by the whole value of one field.
type valueIndex struct {
	source  source
	lists   map[string]*siblings
	longest int
}

// neededText is a text of the event that rules of a list need.
type neededText struct {
	source source
	// rules has a bit for each rule that fails where the event does not have the text.
	rules []uint64
	// candidates are those of them that can match it; nil: it does not pay to ask.
	candidates *pattern.Candidates
}

// Sizes from which an index pays.
const (
	minByDecoder = 3
	minByValue   = 4
	// maxIndexed bounds the places in all lists of one split, as a multiple of the rules in it.
	maxIndexed = 64
)

// anyDecoder stands for rules that name no decoder; it is the number of none.
const anyDecoder = -3

// newSiblings indexes the rules below one rule.
func newSiblings(rules []*Rule) *siblings {
	s := &siblings{rules: rules}
	if s.splitByDecoder() {
		return s
	}
	return chosenByDecoder(rules)
}

// splitByDecoder makes lists for the decoders that rules name.
func (s *siblings) splitByDecoder() bool {
	of := make([]int32, len(s.rules))
	counts := map[int32]int{}
	free := 0
	for i, r := range s.rules {
		of[i] = anyDecoder
		for _, c := range r.conditions {
			if d, ok := c.(decodedAs); ok {
				of[i] = d.id
			}
		}
		if of[i] == anyDecoder {
			free++
		} else {
			counts[of[i]]++
		}
	}
	if len(s.rules)-free < minByDecoder || len(counts)*free > maxIndexed*len(s.rules) {
		return false
	}
	pick := func(id int32) *siblings {
		var list []*Rule
		for i, r := range s.rules {
			if of[i] == anyDecoder || of[i] == id {
				list = append(list, r)
			}
		}
		return chosenByDecoder(list)
	}
	s.decoders = make(map[int32]*siblings, len(counts))
	for id := range counts {
		s.decoders[id] = pick(id)
	}
	s.others = pick(anyDecoder)
	return true
}

// chosenByDecoder is newSiblings for a list that is already chosen by decoder.
func chosenByDecoder(rules []*Rule) *siblings {
	if len(rules) == 0 {
		return nil
	}
	s := &siblings{rules: rules}
	if !s.splitByValue() {
		s.indexTexts()
	}
	return s
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

// splitByValue makes lists for the values of the field that most rules ask a value of.
func (s *siblings) splitByValue() bool {
	counts := map[source]int{}
	var best source
	for _, r := range s.rules {
		seen := map[source]bool{}
		for _, c := range r.conditions {
			field, values := exactValues(c)
			if len(values) == 0 || seen[field] {
				continue
			}
			seen[field] = true
			if counts[field]++; counts[field] > counts[best] {
				best = field
			}
		}
	}
	if counts[best] < minByValue {
		return false
	}
	of := make([]map[string]bool, len(s.rules))
	all := map[string]bool{}
	longest, free := 0, 0
	for i, r := range s.rules {
		values := valuesOf(r, best)
		if values == nil {
			free++
			continue
		}
		of[i] = map[string]bool{}
		for _, v := range values {
			v = string(pattern.AppendLower(nil, v))
			of[i][v], all[v] = true, true
			longest = max(longest, len(v))
		}
	}
	if len(all)*free > maxIndexed*len(s.rules) {
		return false
	}
	pick := func(v string, none bool) *siblings {
		var list []*Rule
		for i, r := range s.rules {
			if of[i] == nil || !none && of[i][v] {
				list = append(list, r)
			}
		}
		if len(list) == len(s.rules) {
			same := &siblings{rules: list}
			same.indexTexts()
			return same
		}
		return chosenByDecoder(list)
	}
	s.values = &valueIndex{source: best, longest: longest, lists: make(map[string]*siblings, len(all))}
	for v := range all {
		s.values.lists[v] = pick(v, false)
	}
	s.others = pick("", true)
	return true
}

const (
	// minByText is from how many rules an index by their texts pays.
	minByText = 3
	// A text is looked at as a whole for so many rules at least, and for one more with every so many bytes of it.
	fewest, textPerRule = 2, 200
)

// indexTexts notes which texts the rules need, and where it pays what they look for in them.
func (s *siblings) indexTexts() {
	if len(s.rules) < minByText {
		return
	}
	for i, r := range s.rules {
		for _, c := range r.conditions {
			if remembers(c) {
				break // it is to be tried whatever comes behind it
			}
			if from, ok := needs(c); ok {
				t := s.text(from)
				t.rules[i/64] |= 1 << (i % 64)
			}
		}
	}
	for i := range s.texts {
		s.texts[i].candidates = candidatesIn(s.texts[i].source, s.rules)
	}
	// The log comes last: it is the longest, and every event has one.
	slices.SortStableFunc(s.texts, func(a, b neededText) int { return cmp.Compare(b.source.kind, a.source.kind) })
	s.texts = slices.DeleteFunc(s.texts, func(t neededText) bool { return t.source.kind == fromLog && t.candidates == nil })
	if len(s.texts) == 0 {
		return
	}
	s.all = make([]uint64, (len(s.rules)+63)/64)
	for i := range s.rules {
		s.all[i/64] |= 1 << (i % 64)
	}
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

// text finds or makes the entry of a text.
func (s *siblings) text(from source) *neededText {
	for i := range s.texts {
		if s.texts[i].source == from {
			return &s.texts[i]
		}
	}
	s.texts = append(s.texts, neededText{source: from, rules: make([]uint64, (len(s.rules)+63)/64)})
	return &s.texts[len(s.texts)-1]
}

// candidatesIn makes the index of what rules look for in a text.
func candidatesIn(text source, rules []*Rule) *pattern.Candidates {
	list := make([]pattern.Matcher, len(rules))
	for i, r := range rules {
		for _, c := range r.conditions {
			if e, ok := c.(*expr); ok && !e.negate && e.source == text {
				list[i] = pattern.Stronger(list[i], e.m)
			}
		}
	}
	return pattern.NewCandidates(list)
}

// candidates appends to x.candidates the bits of the rules that can match the event.
func (s *siblings) candidates(x *Context) {
	from, words := len(x.candidates), len(s.all)
	x.candidates = append(x.candidates, s.all...)
	for i := range s.texts {
		t := &s.texts[i]
		text, ok := t.source.of(x)
		set := x.candidates[from : from+words]
		if !ok {
			for w, rules := range t.rules {
				set[w] &^= rules
			}
			continue
		}
		if t.candidates == nil || common(set, t.rules) < fewest+len(text)/textPerRule {
			continue
		}
		x.candidates = t.candidates.Of(text, x.candidates)
		set = x.candidates[from : from+words]
		for w, found := range x.candidates[from+words:] {
			set[w] &= found
		}
		x.candidates = x.candidates[:from+words]
	}
}

// common counts the bits that two sets have in common.
func common(a, b []uint64) int {
	n := 0
	for i := range a {
		n += bits.OnesCount64(a[i] & b[i])
	}
	return n
}

// choose gives the list that holds every rule that can match the event.
func (s *siblings) choose(x *Context) *siblings {
	for s != nil {
		switch {
		case s.decoders != nil:
			next, ok := s.decoders[x.Event.Decoder.ID]
			if !ok {
				next = s.others
			}
			s = next
		case s.values != nil:
			s = s.byValue(x)
		default:
			return s
		}
	}
	return nil
}

func (s *siblings) byValue(x *Context) *siblings {
	text, ok := s.values.source.of(x)
	if !ok || len(text) > s.values.longest {
		return s.others
	}
	x.lower = pattern.AppendLower(x.lower[:0], text)
	if next, ok := s.values.lists[string(x.lower)]; ok {
		return next
	}
	return s.others
}
