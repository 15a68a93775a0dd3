package match

import "armor/rules/internal/pattern"

// siblings are the rules below one rule, or some of them, as the fast walk tries them. What it leaves out has a condition on
// decoder, field or text that cannot hold, and none before that changes anything; the order stays. Every rule of a list is in
// one group, or in one for each of the values that it asks for, or in trials.
type siblings struct {
	groups []group
	trials []trial // of the rules that are tried whatever the event
}

// trial is a rule with its place in the order of the list.
type trial struct {
	place int32
	step  int32 // its first
}

// group is some of the rules of a list, of which those that can match are found in one of three ways.
type group struct {
	// By decoder: the rules that ask for this one.
	decoders map[int32]*siblings
	// By the value of a field: the rules that ask for this one.
	values *valueIndex
	// By what is known of the event's texts.
	texts *textIndex
}

// walk tries the rules of the list in order, those that cannot match left out.
func (s *siblings) walk(x *Context, parent *Rule) (rule, above *Rule) {
	if len(s.groups) == 0 {
		for i := range s.trials {
			if rule, above = x.try(s.trials[i].step, parent); rule != nil {
				return rule, above
			}
		}
		return nil, nil
	}
	from := len(x.trials)
	s.collect(x, from)
	for i := from; i < len(x.trials); i++ {
		if rule, above = x.try(x.trials[i].step, parent); rule != nil {
			break
		}
	}
	x.trials = x.trials[:from]
	return rule, above
}

// collect adds the rules that can match the event to x.trials, which is in order behind from.
func (s *siblings) collect(x *Context, from int) {
	for i := range s.groups {
		switch g := &s.groups[i]; {
		case g.texts != nil:
			g.texts.collect(x, from)
		case g.values != nil:
			if of := g.values.of(x); of != nil {
				of.collect(x, from)
			}
		default:
			if of := g.decoders[x.Event.Decoder.ID]; of != nil {
				of.collect(x, from)
			}
		}
	}
	for _, t := range s.trials {
		x.addTrial(t, from)
	}
}

// addTrial puts a rule into the order of those behind from. It goes to the end, or near it.
func (x *Context) addTrial(t trial, from int) {
	list := append(x.trials, t)
	x.trials = list
	i := len(list) - 1
	for ; i > from && list[i-1].place > t.place; i-- {
		list[i] = list[i-1]
	}
	list[i] = t
}

// valueIndex is a split by the whole value of one field, in lower case.
type valueIndex struct {
	source  source
	longest int
	values  map[string]*siblings
}

// of gives the rules that ask for the value that the event has; nil: there is none.
func (v *valueIndex) of(x *Context) *siblings {
	text, ok := v.source.of(x)
	if !ok || len(text) > v.longest {
		return nil
	}
	x.lower = pattern.AppendLower(x.lower[:0], text)
	return v.values[string(x.lower)]
}
