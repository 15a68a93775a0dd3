package match

import "slices"

// maxDepth bounds the recursion of the walk; the loader refuses deeper trees.
const maxDepth = 512

// Walk finds the rule that the event ends in, and the rule above it on the way. The event has a decoder.
func (t *Tree) Walk(x *Context) (rule, parent *Rule) {
	if x.Plain || x.Trail != nil {
		return t.walkPlain(x)
	}
	for _, root := range t.roots[x.Event.Decoder.Category] {
		if r, p := root.walk(x, nil); r != nil {
			return r, p
		}
	}
	return nil, nil
}

// walk tries a rule and those below it. What a rule leads to depends on the event alone, so a rule that was tried in
// vain is not tried again at another place of the tree.
func (r *Rule) walk(x *Context, parent *Rule) (rule, above *Rule) {
	if r.shared && x.failed[r.Index] == x.gen {
		return nil, nil
	}
	var kept []string
	if r.correlated && r.NoAlert {
		kept = slices.Clone(x.Previous)
	}
	for _, c := range r.conditions {
		if !c.test(x) {
			r.fail(x)
			return nil, nil
		}
	}
	if rule, above = r.below.walk(x, r); rule != nil {
		return rule, above
	}
	if r.NoAlert {
		if r.correlated {
			x.restorePrevious(kept)
		}
		r.fail(x)
		return nil, nil
	}
	return r, parent
}

// fail remembers that a rule leads nowhere, where it hangs elsewhere too.
func (r *Rule) fail(x *Context) {
	if r.shared {
		x.failed[r.Index] = x.gen
	}
}
