package match

import "slices"

// maxPlain is how many rules the plain walk tries for one event. The trees in the field have some ten thousand places;
// a tree that is built to have more than can be walked is walked on with the memory of failed rules.
const maxPlain = 1 << 18

// walkPlain is Walk without shortcuts: every place of the tree is tried as it comes. It is what Walk must agree with,
// and what a Trail watches.
func (t *Tree) walkPlain(x *Context) (rule, parent *Rule) {
	x.tries = 0
	for _, root := range t.roots[x.Event.Decoder.Category] {
		if r, p := root.walkPlain(x, nil, -1); r != nil {
			return r, p
		}
	}
	return nil, nil
}

// walkPlain tries a rule and those below it; at is the node above in the trail.
func (r *Rule) walkPlain(x *Context, parent *Rule, at int) (rule, above *Rule) {
	if x.tries++; x.tries > maxPlain {
		if x.Trail != nil {
			x.Trail.Cut = true
		}
		return x.try(r.first, parent)
	}
	node := -1
	if x.Trail != nil {
		node = x.Trail.enter(r, at)
	}
	var kept []string
	if r.correlated && r.NoAlert {
		kept = slices.Clone(x.Previous)
	}
	for i, c := range r.conditions {
		ok := c.test(x)
		if x.Trail != nil {
			x.Trail.tested(node, i, ok, x)
		}
		if !ok {
			return nil, nil
		}
	}
	for _, c := range r.children {
		if rule, above = c.walkPlain(x, r, node); rule != nil {
			x.Trail.leave(node, Led)
			return rule, above
		}
	}
	if r.NoAlert {
		if r.correlated {
			x.restorePrevious(kept)
		}
		x.Trail.leave(node, Barren)
		return nil, nil
	}
	x.Trail.leave(node, Final)
	return r, parent
}
