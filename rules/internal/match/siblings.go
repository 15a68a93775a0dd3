package match

import (
	"math/bits"

	"armor/rules/internal/pattern"
)

// siblings are the rules below one rule, as the fast walk tries them. What it leaves out has a condition on decoder,
// field or text that cannot hold, and none before that changes anything; the order stays.
type siblings struct {
	rules  []*Rule
	groups *group
}

// group is some of the rules of a list: either split once more, or indexed by their texts. Every rule of a list is in
// one group, or in one for each of the values that it asks for.
type group struct {
	// By decoder: the rules that ask for this one.
	decoders map[int32]*group
	// By the value of a field, in lower case: the rules that ask for this one.
	values *valueIndex
	// Of a split: the rules that ask for nothing that it splits by.
	others *group

	// Places of the rules in the list, when there is no split.
	places []int32
	// Which texts the rules need, and what is known of them. sets has a bit for each place: a row of them all, and one
	// for each text, of the rules that fail where the event does not have it. Without texts there are no sets.
	texts []neededText
	sets  []uint64
}

// valueIndex is a split by the whole value of one field.
type valueIndex struct {
	source  source
	longest int
	groups  map[string]*group
}

// neededText is a text of the event that rules of a group need.
type neededText struct {
	source source
	// candidates are the rules that can match it; nil: it does not pay to ask.
	candidates *pattern.Candidates
}

// walk tries the rules of the list in order, those that cannot match left out.
func (s *siblings) walk(x *Context, parent *Rule) (rule, above *Rule) {
	if s == nil {
		return nil, nil
	}
	from := len(x.places)
	s.groups.collect(x, from)
	for i := from; i < len(x.places); i++ {
		if rule, above = s.rules[x.places[i]].walk(x, parent); rule != nil {
			break
		}
	}
	x.places = x.places[:from]
	return rule, above
}

// collect adds the places of the rules that can match the event to x.places, which is in order behind from.
func (g *group) collect(x *Context, from int) {
	for g != nil {
		switch {
		case g.decoders != nil:
			g.decoders[x.Event.Decoder.ID].collect(x, from)
		case g.values != nil:
			g.values.of(x).collect(x, from)
		case g.sets == nil:
			for _, p := range g.places {
				x.addPlace(p, from)
			}
		default:
			g.candidates(x, from)
		}
		g = g.others
	}
}

// of gives the rules that ask for the value that the event has.
func (v *valueIndex) of(x *Context) *group {
	text, ok := v.source.of(x)
	if !ok || len(text) > v.longest {
		return nil
	}
	x.lower = pattern.AppendLower(x.lower[:0], text)
	return v.groups[string(x.lower)]
}

// addPlace puts a place into the order of those behind from. It goes to the end, or near it.
func (x *Context) addPlace(p int32, from int) {
	x.places = append(x.places, p)
	for i := len(x.places) - 1; i > from && x.places[i-1] > p; i-- {
		x.places[i-1], x.places[i] = p, x.places[i-1]
	}
}

// A text is looked at as a whole for so many rules at least, and for one more with every so many bytes of it.
const fewest, textPerRule = 2, 200

// candidates adds the places of the rules of which every text is there and may match.
func (g *group) candidates(x *Context, from int) {
	words := (len(g.places) + 63) / 64
	set := append(x.candidates[:0], g.sets[:words]...)
	x.candidates = set
	at := words
	for i := range g.texts {
		t, rules := &g.texts[i], g.sets[at:at+words]
		at += words
		text, ok := t.source.of(x)
		if !ok {
			for w, bits := range rules {
				set[w] &^= bits
			}
			continue
		}
		if t.candidates == nil || common(set, rules) < fewest+len(text)/textPerRule {
			continue
		}
		x.matching = t.candidates.Of(text, &x.Event.Scratch, x.matching[:0])
		for w, bits := range x.matching {
			set[w] &= bits
		}
	}
	for w, set := range set {
		for ; set != 0; set &= set - 1 {
			x.addPlace(g.places[w*64+bits.TrailingZeros64(set)], from)
		}
	}
}

// common counts the bits of a that b has.
func common(a, b []uint64) int {
	n := 0
	for i := range a {
		n += bits.OnesCount64(a[i] & b[i])
	}
	return n
}
