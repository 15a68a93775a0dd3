package match

import (
	"slices"

	"armor/rules/internal/decode"
)

// Category of the events that lead to a rule.
func (r *Rule) Category() decode.Category { return r.category }

// maxChains is where counting stops.
const maxChains = 1 << 30

// Chains gives the ways from a root to a rule, at most limit of them, and how many there are.
func (t *Tree) Chains(r *Rule, limit int) (chains [][]*Rule, total int) {
	counts := map[*Rule]int{}
	var count func(*Rule) int
	count = func(r *Rule) int {
		n, known := counts[r]
		if known {
			return n
		}
		for _, p := range t.above(r) {
			n = min(n+count(p), maxChains)
		}
		counts[r] = max(n, 1)
		return counts[r]
	}
	var climb func(r *Rule, below []*Rule)
	climb = func(r *Rule, below []*Rule) {
		if len(chains) >= limit {
			return
		}
		below = append(below, r)
		parents := t.above(r)
		for _, p := range parents {
			climb(p, below)
		}
		if len(parents) == 0 {
			chain := slices.Clone(below)
			slices.Reverse(chain)
			chains = append(chains, chain)
		}
	}
	climb(r, nil)
	return chains, count(r)
}

// above are the rules that a rule hangs under, each once.
func (t *Tree) above(r *Rule) []*Rule {
	if r.root {
		return nil
	}
	var list []*Rule
	for _, id := range r.parents {
		if p := t.byID[id]; p != nil && !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	if len(list) > 0 {
		return list
	}
	for _, root := range t.roots[r.category] {
		if slices.Contains(root.children, r) {
			return []*Rule{root}
		}
	}
	return nil
}
