package rules

import (
	"strings"
	"unicode/utf8"

	"armor/rules/internal/decode"
	"armor/rules/internal/match"
)

// StepKind says what a Step tried.
type StepKind string

// The kinds of step.
const (
	HeaderStep  StepKind = "header"
	DecoderStep StepKind = "decoder"
	RuleStep    StepKind = "rule"
)

// StepResult is what came of a Step.
type StepResult string

// The results of a step.
const (
	// StepFailed: a condition did not hold.
	StepFailed StepResult = "failed"
	// StepMatched: all conditions held; for a rule, one below it was the answer.
	StepMatched StepResult = "matched"
	// StepNoAlert: all conditions of the rule held, but it is noalert and no rule below it matched.
	StepNoAlert StepResult = "noalert"
	// StepFinal: the rule was the answer.
	StepFinal StepResult = "final"
)

// Step is one decoder or rule that was tried, or several that failed alike.
type Step struct {
	Kind StepKind
	// Decoder as its file names it.
	Decoder string
	// Rule, with the Level that orders it among its siblings; nil: the root of a category that no file defines.
	Rule *Rule
	// Depth is 0 for roots and for decoders without a parent.
	Depth  int
	Result StepResult
	// Count is how many decoders or rules, one after the other, the step stands for; more than 1 only in a short list.
	Count int
	// Conditions that were tried; of what failed only the one that failed.
	Conditions []Tried
	// Note says more.
	Note string
}

// Tried is a condition and what it was tried on.
type Tried struct {
	// Condition is the element as written (of a correlation, all elements that belong to it).
	Condition string
	// Pattern is what Condition became when its variables were filled in; empty: it holds none.
	Pattern string
	// Value of the event that it was tried on, cut to 240 bytes; Absent: the event has none.
	Value  string
	Absent bool
	// Note says more, such as how many events a correlation found.
	Note string
}

// Trace is the way of one event through decoders and rules. It stays valid when the Evaluation is used again.
type Trace struct {
	rs         *Ruleset
	decoders   decode.Trail
	rules      match.Trail
	event      string // name of the decoder of the event
	category   decode.Category
	forced     int
	final      *Rule
	suppressed bool
	nodes      map[place]int
}

// Trace is Evaluate with a record of everything that was tried. The verdict and what the engine remembers are those of
// Evaluate; it takes the time of a walk without shortcuts.
func (e *Engine) Trace(ev *Event, x *Evaluation) (*Verdict, *Trace) {
	t := &Trace{rs: e.rs}
	x.event.Trail, x.context.Trail = &t.decoders, &t.rules
	defer func() { x.event.Trail, x.context.Trail = nil, nil }()
	e.Decode(ev, x)
	v := e.Match(x)
	t.event, t.category, t.forced = x.event.Decoder.Name, x.event.Decoder.Category, x.event.ForcedRule
	t.final = v.Rule
	if v.SuppressedBy != nil {
		t.final, t.suppressed = v.SuppressedBy, true
	}
	return v, t
}

// Steps gives what was tried, in order. Without all, decoders and rules that failed one after the other because they
// are for another program or decoder are summed up in one step.
func (t *Trace) Steps(all bool) []Step {
	steps := t.decoderSteps(nil, all)
	for i := range t.rules.Nodes {
		n := &t.rules.Nodes[i]
		s := Step{Kind: RuleStep, Rule: t.rule(n.Rule), Depth: n.Depth, Result: ruleResults[n.Outcome], Count: 1}
		if n.Outcome == match.Failed && n.Findings[0].Other && !all {
			s.Note = "of another decoder"
			steps = join(steps, s)
			continue
		}
		for j := range n.Findings {
			s.Conditions = append(s.Conditions, tried(&n.Findings[j]))
		}
		steps = append(steps, s)
	}
	if t.rules.Cut {
		steps = append(steps, Step{Kind: RuleStep, Count: 1, Note: "the tree has too many places: what was tried from here on is not shown"})
	}
	return steps
}

var ruleResults = map[match.Outcome]StepResult{match.Failed: StepFailed, match.Barren: StepNoAlert, match.Led: StepMatched, match.Final: StepFinal}

func (t *Trace) decoderSteps(steps []Step, all bool) []Step {
	for _, d := range t.decoders.Steps {
		if d.Decoder == nil {
			steps = append(steps, Step{Kind: HeaderStep, Result: StepMatched, Count: 1, Note: d.Note})
			continue
		}
		s := Step{Kind: DecoderStep, Decoder: d.Decoder.OwnName, Result: StepFailed, Count: 1, Note: d.Note}
		if d.Decoder.Parent != "" {
			s.Depth = 1
		}
		if d.Outcome == decode.Matched {
			s.Result = StepMatched
		}
		if d.Program && !all {
			s.Note = "of another program"
			steps = join(steps, s)
			continue
		}
		if d.Condition != "" || d.Value != "" {
			s.Conditions = []Tried{{Condition: d.Condition, Value: d.Value}}
		}
		steps = append(steps, s)
	}
	return steps
}

// join adds a step to the last one, when both stand for the same kind of failure.
func join(steps []Step, s Step) []Step {
	if n := len(steps) - 1; n >= 0 {
		last := &steps[n]
		if last.Kind == s.Kind && last.Depth == s.Depth && last.Result == s.Result && last.Note == s.Note && len(last.Conditions) == 0 {
			last.Count += s.Count
			last.Decoder, last.Rule = "", nil
			return steps
		}
	}
	return append(steps, s)
}

func tried(f *match.Finding) Tried {
	out := Tried{Condition: f.Condition(), Value: f.Value, Absent: f.Absent, Note: f.Note}
	if p := f.Pattern(); f.Variables() {
		out.Pattern = p
	}
	return out
}

// rule gives the public view; nil for a root that no file defines.
func (t *Trace) rule(r *match.Rule) *Rule {
	if r.Index < 0 {
		return nil
	}
	return t.rs.byIndex[r.Index]
}

// String shows a condition for a person: the element, and what it was tried on.
func (t Tried) String() string { return t.Text(240) }

// Text is String with each part cut to a number of characters.
func (t Tried) Text(limit int) string {
	text := cut(t.Condition, limit)
	if t.Pattern != "" {
		text += ", which is " + cut(t.Pattern, limit) + ","
	}
	switch {
	case t.Absent:
		text += " on nothing: the event has no such value"
	case t.Value != "":
		text += ` on "` + cut(t.Value, limit) + `"`
	}
	if t.Note != "" {
		text += " (" + t.Note + ")"
	}
	return strings.TrimSpace(text)
}

// cut shortens a text for eyes.
func cut(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit-1]) + "…"
}
