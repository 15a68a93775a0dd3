package match

import "slices"

// maxDepth bounds the recursion of the walk; the loader refuses deeper trees.
const maxDepth = 512

// Walk finds the rule that the event ends in, and the rule above it on the way. The event has a decoder.
func (t *Tree) Walk(x *Context) (rule, parent *Rule) {
	x.findTexts()
	if x.Plain || x.Trail != nil {
		return t.walkPlain(x)
	}
	return t.tops[x.Event.Decoder.Category].walk(x, nil)
}

// try tries a rule, by its first step, and those below it. What a rule leads to depends on the event alone, so a rule that was
// tried in vain is not tried again at another place of the tree.
func (x *Context) try(first int32, parent *Rule) (rule, above *Rule) {
	s := &x.steps[first]
	if s.flags&stepShared != 0 && x.failed[first] == x.gen {
		return nil, nil
	}
	var kept []string
	if s.flags&stepRestores != 0 {
		kept = slices.Clone(x.Previous)
	}
	for at := first; ; s = &x.steps[at] {
		if !s.holds(x) {
			x.fail(s, first)
			return nil, nil
		}
		if s.flags&stepLast != 0 {
			break
		}
		at++
	}
	r := s.rule
	if rule, above = r.below.walk(x, r); rule != nil {
		return rule, above
	}
	if r.NoAlert {
		if r.correlated {
			x.restorePrevious(kept)
		}
		x.fail(s, first)
		return nil, nil
	}
	return r, parent
}

// fail remembers that the rule of a step, with that first step, leads nowhere, where it hangs elsewhere too.
func (x *Context) fail(s *step, first int32) {
	if s.flags&stepShared != 0 {
		x.failed[first] = x.gen
	}
}
