// Package match walks the rule tree over a decoded event and finds the one rule that it ends in, in the order of the
// reference engines. All names are resolved when the tree is loaded.
package match

import (
	"armor/rules/internal/decode"
	"armor/rules/internal/window"
)

// Rule is one rule as loaded.
type Rule struct {
	// Index counts the rules from 0, in order of loading.
	Index int
	// What every trial looks at stands here, to lie together in memory.
	conditions []Condition
	below      *siblings // the children as the fast walk tries them
	correlated bool
	shared     bool         // hangs at several places
	only       [1]Condition // conditions, if it is one
	// NoAlert: the rule itself is never the answer, only those below it.
	NoAlert bool
	Level   int
	// IgnorePeriod in seconds; 0: none.
	IgnorePeriod int64
	ID           int
	// SidList is the list that the rule's events go to because of an if_matched_sid; -1: none.
	SidList int
	// GroupLists are those because of if_matched_group, used when there is no SidList.
	GroupLists []int
	mask       *keyMask // <ignore>
	text       *template
	// Meta is what only people see.
	Meta Meta

	category  decode.Category
	root      bool
	last      bool // accuracy="0": behind all siblings
	groupText string
	children  []*Rule
	parents   []int
	digest    [32]byte // of its own definition
}

// Meta is the descriptive part of a rule.
type Meta struct {
	Description     string
	Info, CVE       string
	Groups          []string
	Compliance      []Compliance
	Mitre           []string
	Frequency       int
	Timeframe       int
	EmailAlert      bool
	NoEmail         bool
	NoFullLog       bool
	NoLog           bool
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
	roots  [decode.NumCategories][]*Rule
	rules  []*Rule
	byID   map[int]*Rule
	plan   window.Plan
	always int // list that all alerts go to, for if_matched_regex; -1: none
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
