package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"armor/rules/internal/match"
)

// Reason says at one place of the tree why a rule was not the answer.
type Reason string

// The reasons.
const (
	// ReasonFired: it was the answer, by this place.
	ReasonFired Reason = "fired"
	// ReasonSuppressed: it was the answer, but its ignore period is open.
	ReasonSuppressed Reason = "suppressed"
	// ReasonCondition: a condition did not hold, its own or that of a rule above it.
	ReasonCondition Reason = "condition"
	// ReasonBefore: another rule was the answer before it was its turn.
	ReasonBefore Reason = "won_before"
	// ReasonBelow: it matched, and so did a rule below it, which was the answer.
	ReasonBelow Reason = "won_below"
	// ReasonNoAlert: it matched, but is noalert, and no rule below it matched.
	ReasonNoAlert Reason = "noalert"
	// ReasonCategory: the event's decoder is of another category than its root.
	ReasonCategory Reason = "category"
	// ReasonForced: the decoder named the rule outright, and none was tried.
	ReasonForced Reason = "forced"
	// ReasonUnknown: the record of the walk ends before it.
	ReasonUnknown Reason = "unknown"
)

// Why explains what became of one rule.
type Why struct {
	Rule *Rule
	// Fired says that the rule was the answer (an open ignore period counts).
	Fired bool
	// Places where the rule hangs, at most maxPlaces of them; More counts the others.
	Places []Place
	More   int
}

// Place is one place of a rule in the tree.
type Place struct {
	// Path leads from the root to the rule.
	Path   []*Rule
	Reason Reason
	// At is the rule of Path where it was decided.
	At *Rule
	// Tried is the condition that failed, for ReasonCondition.
	Tried *Tried
	// Winner is the answer, where another rule won.
	Winner *Rule
	// Text says all this to a person.
	Text string
}

// maxPlaces bounds an explanation: rules with if_group hang at hundreds of places.
const maxPlaces = 32

// place is a rule below a node of the trail; above -1: a root.
type place struct {
	above int
	rule  *match.Rule
}

// UnknownRuleError says that a rule to be explained is not loaded.
type UnknownRuleError struct {
	ID int
	// Problem is what the loader said about it, if anything.
	Problem string
}

func (e *UnknownRuleError) Error() string {
	if e.Problem != "" {
		return fmt.Sprintf("rule %d is not loaded: %s", e.ID, e.Problem)
	}
	return fmt.Sprintf("no rule %d is loaded", e.ID)
}

// Explainable says whether a rule is loaded; else the error, an *UnknownRuleError, says what is known about it.
func (rs *Ruleset) Explainable(id int) error {
	if _, ok := rs.byID[id]; ok {
		return nil
	}
	e := &UnknownRuleError{ID: id}
	for _, p := range rs.problems {
		if p.Subject == "rule "+strconv.Itoa(id) {
			e.Problem = p.String()
			break
		}
	}
	return e
}

// Why explains why a rule was or was not the answer. The error is an *UnknownRuleError.
func (t *Trace) Why(id int) (*Why, error) {
	if err := t.rs.Explainable(id); err != nil {
		return nil, err
	}
	if t.nodes == nil {
		t.nodes = make(map[place]int, len(t.rules.Nodes))
		for i := range t.rules.Nodes {
			n := &t.rules.Nodes[i]
			t.nodes[place{n.Above, n.Rule}] = i
		}
	}
	r, _ := t.rs.tree.ByID(id)
	w := &Why{Rule: t.rs.byID[id], Fired: t.final != nil && t.final.ID == id}
	chains, total := t.rs.tree.Chains(r, maxPlaces)
	w.More = total - len(chains)
	for _, chain := range chains {
		w.Places = append(w.Places, t.explain(chain))
	}
	return w, nil
}

// explain follows one chain of rules through the trail.
func (t *Trace) explain(chain []*match.Rule) Place {
	p := Place{}
	for _, r := range chain {
		if r.Index >= 0 {
			p.Path = append(p.Path, t.rule(r))
		}
	}
	last := chain[len(chain)-1]
	if t.forced > 0 && len(t.rules.Nodes) == 0 && t.final != nil {
		p.Reason, p.At, p.Winner = ReasonForced, t.rule(last), t.final
		p.Text = fmt.Sprintf("the decoder %s named rule %d outright, so no rule was tried", t.event, t.final.ID)
		return p
	}
	at := -1
	for _, r := range chain {
		n, ok := t.nodes[place{at, r}]
		if !ok {
			t.untried(&p, r, at)
			return p
		}
		at = n
		if node := &t.rules.Nodes[n]; node.Outcome == match.Failed {
			t.failed(&p, node, r == last)
			return p
		}
	}
	t.reached(&p, &t.rules.Nodes[at])
	return p
}

// failed explains a chain that ends at a rule with a condition that did not hold.
func (t *Trace) failed(p *Place, node *match.Node, own bool) {
	condition := tried(&node.Findings[len(node.Findings)-1])
	p.Reason, p.At, p.Tried = ReasonCondition, t.rule(node.Rule), &condition
	whose := "its own condition failed: "
	if !own {
		whose = fmt.Sprintf("rule %d above it failed: ", node.Rule.ID)
	}
	p.Text = whose + condition.String()
}

// untried explains a rule that was not tried although everything above it matched; at is the node above.
func (t *Trace) untried(p *Place, r *match.Rule, at int) {
	p.At = t.rule(r)
	if at < 0 && r.Category() != t.category {
		p.Reason = ReasonCategory
		decoder := "no decoder matched, which makes the event one"
		if t.event != "" {
			decoder = "the decoder " + t.event + " is"
		}
		p.Text = fmt.Sprintf("%s of category %s, and it hangs in category %s", decoder, t.category, r.Category())
		return
	}
	if t.final == nil || t.rules.Cut {
		p.Reason, p.Text = ReasonUnknown, "the record of the walk ends before it: the tree has too many places"
		return
	}
	p.Reason, p.Winner = ReasonBefore, t.final
	first := t.firstOnWay(at)
	who := fmt.Sprintf("rule %d (level %d)", t.final.ID, t.final.Level)
	if first != nil && first.ID != t.final.ID {
		who += fmt.Sprintf(", by way of rule %d (level %d)", first.ID, first.Level)
	}
	order := "siblings are tried by level, highest first (level 0 before all), then in the order of their files"
	p.Text = fmt.Sprintf("%s won before it was the turn of rule %d (level %d): %s", who, r.ID, r.Level, order)
}

// firstOnWay is the rule right below a node on the way to the answer.
func (t *Trace) firstOnWay(at int) *match.Rule {
	for i := len(t.rules.Nodes) - 1; i >= 0; i-- {
		n := &t.rules.Nodes[i]
		if n.Above == at && (n.Outcome == match.Final || n.Outcome == match.Led) {
			return n.Rule
		}
	}
	return nil
}

// reached explains a rule whose conditions held.
func (t *Trace) reached(p *Place, node *match.Node) {
	p.At = t.rule(node.Rule)
	switch node.Outcome {
	case match.Barren:
		p.Reason, p.Text = ReasonNoAlert, "it matched, but it is noalert: it only leads to the rules below it, and none of them matched"
	case match.Led:
		p.Reason, p.Winner = ReasonBelow, t.final
		p.Text = fmt.Sprintf("it matched, and so did rule %d (level %d) below it, which won", t.final.ID, t.final.Level)
	default:
		p.Reason, p.Text = ReasonFired, "it is the rule that the event ended in"
		if t.suppressed {
			p.Reason = ReasonSuppressed
			p.Text += fmt.Sprintf(", but it is silent for %d s after it fired (ignore)", node.Rule.IgnorePeriod)
		}
		if node.Rule.Level == 0 {
			p.Text += "; its level is 0, so it makes no alert"
		}
	}
}

// PathText shows the path, such as "5700 > 5716 > 5720".
func (p *Place) PathText() string {
	ids := make([]string, len(p.Path))
	for i, r := range p.Path {
		ids[i] = strconv.Itoa(r.ID)
	}
	return strings.Join(ids, " > ")
}

// IDs gives the ids of the path.
func (p *Place) IDs() []int {
	ids := make([]int, 0, len(p.Path))
	for _, r := range p.Path {
		ids = append(ids, r.ID)
	}
	return slices.Clip(ids)
}
