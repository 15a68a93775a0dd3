package match

import (
	"slices"
	"strings"
)

// place hangs a rule into the tree: by if_sid, else if_level, else if_group, else under the root of its category.
func (l *Loader) place(d *definition, p *ruleParser) bool {
	r := d.rule
	switch {
	case r.ID < 10:
		r.root = true
		l.tree.roots[r.category] = append(l.tree.roots[r.category], r)
		return true
	case d.ifSid != nil:
		return l.placeUnderIDs(d, p)
	case d.ifLevel >= 0:
		return l.placeUnder(d, p, func(parent *Rule) bool { return sortLevel(int(parent.Level)) >= d.ifLevel })
	case d.ifGroup != "":
		return l.placeUnder(d, p, func(parent *Rule) bool { return hasGroup(parent.groupText, d.ifGroup) })
	}
	roots := l.tree.roots[r.category]
	var root *Rule
	if len(roots) > 0 {
		root = roots[0]
	} else {
		// The file with the root rules is not loaded: have one of our own.
		root = newRule()
		root.NoAlert, root.category, root.root = true, r.category, true
		l.tree.roots[r.category] = append(roots, root)
	}
	return l.attach(root, r, p)
}

func (l *Loader) placeUnderIDs(d *definition, p *ruleParser) bool {
	found := false
	for _, id := range d.ifSid {
		parent := l.tree.byID[id]
		if parent == nil && l.broken[id] {
			p.rep.Warnf(d.rule.Meta.Line, p.subject, "rule %d in if_sid was left out; mend that rule first", id)
			continue
		}
		if parent == nil {
			p.rep.Warnf(d.rule.Meta.Line, p.subject, "rule %d in if_sid is not known (or stands later); check the number", id)
			continue
		}
		if !found {
			d.rule.category = parent.category
		}
		if !l.attach(parent, d.rule, p) {
			return false
		}
		found = true
	}
	if !found {
		p.rep.Warnf(d.rule.Meta.Line, p.subject, "none of its parents is known, so the rule is skipped")
	}
	return found
}

// placeUnder hangs a rule under every rule so far that fits.
func (l *Loader) placeUnder(d *definition, p *ruleParser, fits func(*Rule) bool) bool {
	l.comparisons += len(l.tree.rules)
	if l.comparisons > maxComparisons {
		p.rep.Errorf(d.rule.Meta.Line, p.subject, "too many rules with if_group or if_level; use if_sid")
		return false
	}
	found := false
	for _, parent := range l.tree.rules {
		if !fits(parent) {
			continue
		}
		found = true
		if !l.attach(parent, d.rule, p) {
			return false
		}
	}
	if !found {
		what := "if_group " + d.ifGroup
		if d.ifGroup == "" {
			what = "if_level"
		}
		p.rep.Warnf(d.rule.Meta.Line, p.subject, "no rule before it fits its %s, so the rule is skipped", what)
	}
	return found
}

// attach puts a rule behind its earlier siblings; Finish sorts them.
func (l *Loader) attach(parent, r *Rule, p *ruleParser) bool {
	if n := len(parent.children); n > 0 && parent.children[n-1] == r {
		return true
	}
	depth := l.depths[parent] + 1
	if depth > maxDepth {
		p.rep.Errorf(r.Meta.Line, p.subject, "hangs %d rules deep; at most %d are allowed", depth, maxDepth)
		return false
	}
	if l.edges++; l.edges > maxEdges {
		p.rep.Errorf(r.Meta.Line, p.subject, "the rules hang at more than %d places; name fewer parents", maxEdges)
		return false
	}
	l.depths[r] = max(l.depths[r], depth)
	parent.children = append(parent.children, r)
	l.order[parent] = append(l.order[parent], r.sortKey())
	if parent.Index >= 0 {
		r.parents = append(r.parents, parent.ID)
	}
	return true
}

// sortLevel is the level that siblings are sorted by and if_level compares: 0 counts as 99.
func sortLevel(level int) int {
	if level == 0 {
		return 99
	}
	return level
}

func (r *Rule) sortKey() int16 {
	if r.last {
		return -1
	}
	return int16(sortLevel(int(r.Level)))
}

// Finish sorts the siblings and gives the finished tree, with the names of its rules for the memory.
func (l *Loader) Finish() (*Tree, []string) {
	for parent, keys := range l.order {
		type child struct {
			key int16
			r   *Rule
		}
		all := make([]child, len(keys))
		for i := range keys {
			all[i] = child{keys[i], parent.children[i]}
		}
		slices.SortStableFunc(all, func(a, b child) int { return int(b.key) - int(a.key) })
		for i := range all {
			parent.children[i] = all[i].r
		}
	}
	l.assignLists()
	l.layOut()
	return l.tree, l.identify()
}

// hasGroup looks for words in a group text: alternatives separated by "|", each a substring without regard to case,
// with "^" at the beginning only.
func hasGroup(text, words string) bool {
	for w := range strings.SplitSeq(words, "|") {
		if rest, ok := strings.CutPrefix(w, "^"); ok {
			if len(text) >= len(rest) && strings.EqualFold(text[:len(rest)], rest) {
				return true
			}
		} else if containsFold(text, w) {
			return true
		}
	}
	return false
}

func containsFold(s, sub string) bool {
	for i := 0; i+len(sub) <= len(s); i++ {
		if strings.EqualFold(s[i:i+len(sub)], sub) {
			return true
		}
	}
	return false
}
