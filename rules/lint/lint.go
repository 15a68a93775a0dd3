// Package lint finds what loads but cannot be meant: rules that can never be the answer, conditions that never or
// always hold, patterns that are slow. It reports only what it can prove from the ruleset itself.
package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"armor/rules"
)

// Code names a kind of finding. Codes are stable: scripts may rely on them.
type Code string

// The codes. Those of the loader come first.
const (
	// DuplicateID: a rule has the number of an earlier one and is skipped.
	DuplicateID Code = "duplicate-id"
	// UnknownParent: a rule names a parent that is not known.
	UnknownParent Code = "unknown-parent"
	// MissingList: a rule looks into a list that is not loaded, and is skipped.
	MissingList Code = "missing-list"
	// Load: whatever else the loader says.
	Load Code = "load"

	// Unreachable: a rule before it takes every event that it could match, wherever it hangs.
	Unreachable Code = "unreachable"
	// Contradiction: two conditions of a rule, or of it and all rules above it, exclude each other.
	Contradiction Code = "contradiction"
	// Childless: a rule with noalert carries no rules, so it does nothing.
	Childless Code = "childless"
	// UnsetField: a condition looks at a field that the rule's decoder never fills.
	UnsetField Code = "unset-field"
	// NeverMatches: a pattern matches no text.
	NeverMatches Code = "never-matches"
	// MatchesAll: a pattern matches every text.
	MatchesAll Code = "matches-all"
	// InnerAnchor: ^ or $ inside a pattern of a dialect in which it is a plain character there.
	InnerAnchor Code = "inner-anchor"
	// Slow: a pattern needs the backtracking engine.
	Slow Code = "slow"
	// LeadingRun: a pattern begins with an unanchored "anything", which changes nothing but its price.
	LeadingRun Code = "leading-run"
	// NoDescription: a rule that alerts has no description.
	NoDescription Code = "no-description"
	// JoinedGroups: the group texts run into one word because a comma is missing.
	JoinedGroups Code = "joined-groups"
	// SpacedGroup: a group name begins or ends with a space.
	SpacedGroup Code = "spaced-group"
	// UnusedList: no rule looks into a list.
	UnusedList Code = "unused-list"
)

// Codes gives all codes.
func Codes() []Code {
	return []Code{
		DuplicateID, UnknownParent, MissingList, Load, Unreachable, Contradiction, Childless, UnsetField, NeverMatches, MatchesAll,
		InnerAnchor, Slow, LeadingRun, NoDescription, JoinedGroups, SpacedGroup, UnusedList,
	}
}

// Finding is one thing that is wrong.
type Finding struct {
	Code     Code
	Severity rules.Severity
	File     string
	Line     int
	// Subject such as "rule 80301"; empty: the file.
	Subject string
	// Message says what is wrong and what to do.
	Message string
}

// String gives "file:line: subject: message [code]".
func (f Finding) String() string {
	return fmt.Sprintf("%s [%s]", rules.Problem{File: f.File, Line: f.Line, Subject: f.Subject, Message: f.Message}, f.Code)
}

// Check gives the findings of a loaded ruleset, those of the loader included, sorted by file and line.
func Check(rs *rules.Ruleset) []Finding {
	c := &checker{rs: rs, conditions: map[*rules.Rule][]rules.Condition{}, parents: map[*rules.Rule][]*rules.Rule{}}
	c.findings = FromLoader(rs.Problems())
	for _, r := range rs.Rules() {
		c.conditions[r] = rs.Conditions(r)
		for _, child := range rs.Children(r) {
			c.parents[child] = append(c.parents[child], r)
		}
	}
	for _, r := range rs.Rules() {
		c.rule(r)
	}
	c.order()
	c.lists()
	slices.SortStableFunc(c.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Code, b.Code))
	})
	return c.findings
}

// FromLoader gives the loader's problems their codes.
func FromLoader(problems []rules.Problem) []Finding {
	var all []Finding
	for _, p := range problems {
		code := Load
		switch {
		case strings.Contains(p.Message, "has the number of the rule at"):
			code = DuplicateID
		case strings.Contains(p.Message, "in if_sid"), strings.Contains(p.Message, "in if_matched_sid"), strings.Contains(p.Message, "none of its parents is known"), strings.Contains(p.Message, "no rule before it fits"):
			code = UnknownParent
		case strings.HasPrefix(p.Message, "list "):
			code = MissingList
		}
		all = append(all, Finding{Code: code, Severity: p.Severity, File: p.File, Line: p.Line, Subject: p.Subject, Message: p.Message})
	}
	return all
}

type checker struct {
	rs         *rules.Ruleset
	conditions map[*rules.Rule][]rules.Condition
	parents    map[*rules.Rule][]*rules.Rule
	findings   []Finding
}

func (c *checker) add(r *rules.Rule, code Code, format string, args ...any) {
	c.findings = append(c.findings, Finding{
		Code: code, Severity: rules.Warning, File: r.File, Line: r.Line, Subject: fmt.Sprintf("rule %d", r.ID), Message: fmt.Sprintf(format, args...),
	})
}
