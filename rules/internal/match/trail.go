package match

// Outcome is what came of trying a rule at one place of the tree.
type Outcome uint8

const (
	// Failed: a condition did not hold.
	Failed Outcome = iota
	// Barren: its conditions held, but it is noalert and no rule below it matched.
	Barren
	// Led: its conditions held, and a rule below it was the answer.
	Led
	// Final: it was the answer.
	Final
)

// Node is one rule at one place of the tree, as it was tried.
type Node struct {
	Rule *Rule
	// Above is the node above in the trail; -1: none.
	Above int
	// Depth is 0 for roots.
	Depth   int
	Outcome Outcome
	// Findings are the conditions in order of trial; of a failed rule only the one that failed.
	Findings []Finding
}

// Trail records a plain walk. It keeps nothing of the event's memory.
type Trail struct {
	// Nodes in order of trial.
	Nodes []Node
	// Cut: the tree was too large to be recorded to its end.
	Cut bool
}

func (t *Trail) enter(r *Rule, above int) int {
	depth := 0
	if above >= 0 {
		depth = t.Nodes[above].Depth + 1
	}
	t.Nodes = append(t.Nodes, Node{Rule: r, Above: above, Depth: depth})
	return len(t.Nodes) - 1
}

// tested notes a condition. It is called right after the test, when what earlier events say is still as it was.
func (t *Trail) tested(node, condition int, ok bool, x *Context) {
	n := &t.Nodes[node]
	f := n.Rule.conditions[condition].find(x, ok)
	f.rule, f.condition = n.Rule, condition
	if !ok {
		n.Findings = n.Findings[:0]
	}
	n.Findings = append(n.Findings, f)
}

func (t *Trail) leave(node int, o Outcome) {
	if t != nil && node >= 0 {
		t.Nodes[node].Outcome = o
	}
}
