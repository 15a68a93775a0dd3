package match

import (
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

	// By text: bit i of scan's answer says that rules[i] may match.
	scan *textScan
}

// valueIndex is a split by the whole value of one field.
type valueIndex struct {
	source  source
	lists   map[string]*siblings
	longest int
}

// textScan finds the candidates by the literals that their patterns require in one text of the event.
type textScan struct {
	source     source
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
		s.scan = scanOf(rules)
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
			return &siblings{rules: list, scan: scanOf(list)}
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

// scanOf makes the text index of a list, over the text that most of its rules look at.
func scanOf(rules []*Rule) *textScan {
	counts := map[source]int{}
	var best source
	for _, r := range rules {
		for _, c := range r.conditions {
			if e, ok := c.(*expr); ok && !e.negate && len(e.m.Facts().Required) > 0 {
				if counts[e.source]++; counts[e.source] > counts[best] {
					best = e.source
				}
			}
		}
	}
	if counts[best] == 0 {
		return nil
	}
	list := make([]pattern.Matcher, len(rules))
	for i, r := range rules {
		for _, c := range r.conditions {
			if e, ok := c.(*expr); ok && !e.negate && e.source == best {
				list[i] = pattern.Stronger(list[i], e.m)
			}
		}
	}
	c := pattern.NewCandidates(list)
	if c == nil {
		return nil
	}
	return &textScan{source: best, candidates: c}
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
