// Package match walks the rule tree over a decoded event and finds the one rule that it ends in, in the order of the
// reference engines. All names are resolved when the tree is loaded.
package match

import (
	"crypto/sha256"

	"armor/rules/internal/decode"
	"armor/rules/internal/window"
)

// Rule is one rule as loaded. It fills four cache lines.
type Rule struct {
	// What the walk looks at when the conditions hold.
	below siblings // the children as the fast walk tries them
	first int32    // its first step in the tree
	// NoAlert: the rule itself is never the answer, only those below it.
	NoAlert    bool
	correlated bool
	// NoLog: it matches, but no alert is written.
	NoLog bool
	// Level is 0 (no alert) to 16.
	Level int32
	// IgnorePeriod in seconds; 0: none.
	IgnorePeriod int32

	// What is looked at when it is the answer.

	// Index counts the rules from 0, in order of loading.
	Index int
	// Lists are those that an event that ends in the rule goes to, where the rule has a level.
	Lists []int
	// Description as written.
	Description string
	text        *template // Description with fields
	mask        *keyMask  // <ignore>

	ID int
	// Meta is what only people see.
	Meta *Meta

	conditions []Condition
	groupText  string
	category   decode.Category
	root       bool
	last       bool // accuracy="0": behind all siblings
	children   []*Rule
	parents    []int
	digest     *[sha256.Size]byte // of its own definition
}

// newRule makes a rule that has no place in the tree.
func newRule() *Rule {
	return &Rule{Index: -1, Meta: new(Meta), digest: new([sha256.Size]byte)}
}

// Meta is the descriptive part of a rule.
type Meta struct {
	Info, CVE       string
	Groups          []string
	Compliance      []Compliance
	Mitre           []string
	Frequency       int
	Timeframe       int
	EmailAlert      bool
	NoEmail         bool
	NoFullLog       bool
	File            string
	Line            int
	XML             string
	OverwrittenFile string
}

// Compliance is one standard with the requirements that a rule names.
type Compliance struct {
	Standard     string
	Requirements []string
}

// Parents are the ids of the rules above, in order of attachment.
func (r *Rule) Parents() []int { return r.parents }

// Children are the rules below, in order of trial.
func (r *Rule) Children() []*Rule { return r.children }

// Tree is a loaded rule tree.
type Tree struct {
	roots      [decode.NumCategories][]*Rule
	tops       [decode.NumCategories]siblings // the roots as the fast walk tries them
	steps      []step                         // of all rules
	conditions []Condition                    // of steps of this kind
	rules      []*Rule
	byID       map[int]*Rule
	plan       window.Plan
	always     int // list that all alerts go to, for if_matched_regex; -1: none
}

// Rules gives all rules in order of loading, the built-in roots left out.
func (t *Tree) Rules() []*Rule { return t.rules }

// ByID finds a rule.
func (t *Tree) ByID(id int) (*Rule, bool) {
	r, ok := t.byID[id]
	return r, ok
}

// Plan is what the rules need to remember.
func (t *Tree) Plan() *window.Plan { return &t.plan }
