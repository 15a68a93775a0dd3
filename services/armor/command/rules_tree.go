package command

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"

	"armor/rules"
	"armor/services/armor/terminal"
)

// rulePlace is one place where a rule hangs.
type rulePlace struct {
	// Parent is the rule above; empty: a category's root.
	Parent string `json:"parent,omitempty"`
	// Ancestors are the rules above the parent, the nearest first, on one way to the top.
	Ancestors []string `json:"ancestors,omitempty"`
	// Before are the siblings that are tried first, in order.
	Before []string `json:"before"`
}

func placesOf(rs *rules.Ruleset, r *rules.Rule) []rulePlace {
	var places []rulePlace
	for _, siblings := range rs.Tops() {
		if before, ok := triedBefore(siblings, r); ok {
			places = append(places, rulePlace{Before: before})
		}
	}
	for _, id := range r.Parents {
		parent, ok := rs.Rule(id)
		if !ok {
			continue
		}
		before, _ := triedBefore(rs.Children(parent), r)
		places = append(places, rulePlace{Parent: strconv.Itoa(id), Ancestors: ancestors(rs, parent), Before: before})
	}
	return places
}

func triedBefore(siblings []*rules.Rule, r *rules.Rule) (before []string, found bool) {
	before = []string{}
	for _, s := range siblings {
		if s == r {
			return before, true
		}
		before = append(before, strconv.Itoa(s.ID))
	}
	return before, false
}

// ancestors follows the first parents up. A parent is loaded before its children, so the way ends.
func ancestors(rs *rules.Ruleset, r *rules.Rule) []string {
	var ids []string
	for len(r.Parents) > 0 && len(ids) < 512 {
		parent, ok := rs.Rule(r.Parents[0])
		if !ok {
			break
		}
		ids = append(ids, strconv.Itoa(parent.ID))
		r = parent
	}
	return ids
}

// maxShown is how many places and siblings are shown to a person.
const maxShown = 8

func printPlaces(out *bufio.Writer, rs *rules.Ruleset, r *rules.Rule, places []rulePlace) {
	for i, p := range places {
		if i == maxShown {
			fmt.Fprintf(out, "and %d more places (--json shows all)\n", len(places)-i)
			break
		}
		where := "at the top of its category"
		if p.Parent != "" {
			where = "under " + strings.Join(append([]string{p.Parent}, p.Ancestors...), " under ")
		}
		before := "tried first there"
		if n := len(p.Before); n > 0 {
			shown := p.Before
			dots := ""
			if n > maxShown {
				shown, dots = shown[n-maxShown:], "... "
			}
			before = fmt.Sprintf("tried after %d siblings: %s%s", n, dots, strings.Join(shown, " "))
		}
		fmt.Fprintf(out, "%s, %s\n", where, before)
	}
	fmt.Fprintf(out, "rules under it: %d\n", len(rs.Children(r)))
}

// printTree shows the rules in the order of trial. What hangs under a rule is shown at its first place only.
func printTree(out *bufio.Writer, rs *rules.Ruleset) {
	shown := map[*rules.Rule]bool{}
	var walk func(siblings []*rules.Rule, depth int)
	walk = func(siblings []*rules.Rule, depth int) {
		for _, r := range siblings {
			mark := ""
			if r.NoAlert {
				mark = "  (carries others only)"
			}
			children := rs.Children(r)
			again := shown[r] && len(children) > 0
			if again {
				mark += "  (its rules: see above)"
			}
			shown[r] = true
			fmt.Fprintf(out, "%s%d  level %d  %s%s\n", strings.Repeat("  ", depth), r.ID, r.Level, terminal.Clean(r.Description, 100), mark)
			if !again {
				walk(children, depth+1)
			}
		}
	}
	for _, top := range rs.Tops() {
		walk(top, 0)
	}
}
