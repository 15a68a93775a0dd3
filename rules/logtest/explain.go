package logtest

import (
	"fmt"
	"strings"

	"armor/rules"
)

// Explain says what a result is to be explained with.
type Explain struct {
	// Trace: every decoder and rule that was tried. All: also those that are summed up otherwise, because they are for
	// another program or decoder.
	Trace, All bool
	// Why lists rules, by id, to be explained: why each was or was not the answer.
	Why []int
}

func (e *Explain) wanted() bool { return e.Trace || len(e.Why) > 0 }

// step is a rules.Step as JSON.
type step struct {
	Kind       string      `json:"kind"`
	Name       string      `json:"name,omitempty"`
	ID         string      `json:"id,omitempty"`
	Level      *int        `json:"level,omitempty"`
	Depth      int         `json:"depth"`
	Result     string      `json:"result,omitempty"`
	Count      int         `json:"count,omitempty"`
	Condition  string      `json:"condition,omitempty"`
	Pattern    string      `json:"pattern,omitempty"`
	Value      *string     `json:"value,omitempty"`
	Note       string      `json:"note,omitempty"`
	Conditions []condition `json:"conditions,omitempty"`
}

// condition is one of several that held.
type condition struct {
	Condition string  `json:"condition"`
	Pattern   string  `json:"pattern,omitempty"`
	Value     *string `json:"value,omitempty"`
	Note      string  `json:"note,omitempty"`
}

// reason is a rules.Why as JSON.
type reason struct {
	ID     string        `json:"id"`
	Fired  bool          `json:"fired"`
	Places []placeReason `json:"places"`
	More   int           `json:"more_places,omitempty"`
}

type placeReason struct {
	Path      []string `json:"path"`
	Reason    string   `json:"reason"`
	Rule      string   `json:"rule,omitempty"`
	Condition string   `json:"condition,omitempty"`
	Pattern   string   `json:"pattern,omitempty"`
	Value     *string  `json:"value,omitempty"`
	Note      string   `json:"note,omitempty"`
	WonBy     string   `json:"won_by,omitempty"`
	Text      string   `json:"text"`
}

// explain adds what was asked for to a result.
func explain(r *Result, t *rules.Trace, e Explain) error {
	if e.Trace {
		r.steps = t.Steps(e.All)
		for i := range r.steps {
			r.doc.Trace = append(r.doc.Trace, newStep(&r.steps[i]))
		}
	}
	for _, id := range e.Why {
		w, err := t.Why(id)
		if err != nil {
			return err
		}
		r.whys = append(r.whys, w)
		r.doc.Why = append(r.doc.Why, newReason(w))
	}
	return nil
}

func newStep(s *rules.Step) step {
	out := step{Kind: string(s.Kind), Name: valid(s.Decoder), Depth: s.Depth, Result: string(s.Result), Note: valid(s.Note)}
	if s.Count > 1 {
		out.Count = s.Count
	}
	if s.Rule != nil {
		out.ID, out.Level = idText(s.Rule.ID), &s.Rule.Level
	}
	all := conditions(s.Conditions)
	if len(all) != 1 {
		out.Conditions = all
		return out
	}
	c := all[0]
	out.Condition, out.Pattern, out.Value = c.Condition, c.Pattern, c.Value
	if out.Note == "" {
		out.Note = c.Note
	}
	return out
}

func conditions(list []rules.Tried) []condition {
	var out []condition
	for i := range list {
		t := &list[i]
		out = append(out, condition{Condition: valid(t.Condition), Pattern: valid(t.Pattern), Value: value(t), Note: valid(t.Note)})
	}
	return out
}

// value is null for a value that the event does not have.
func value(t *rules.Tried) *string {
	if t.Absent {
		return nil
	}
	v := valid(t.Value)
	return &v
}

func newReason(w *rules.Why) reason {
	out := reason{ID: idText(w.Rule.ID), Fired: w.Fired, More: w.More, Places: []placeReason{}}
	for i := range w.Places {
		p := &w.Places[i]
		to := placeReason{Path: []string{}, Reason: string(p.Reason), Text: valid(p.Text)}
		for _, r := range p.Path {
			to.Path = append(to.Path, idText(r.ID))
		}
		if p.At != nil {
			to.Rule = idText(p.At.ID)
		}
		if p.Winner != nil {
			to.WonBy = idText(p.Winner.ID)
		}
		if t := p.Tried; t != nil {
			to.Condition, to.Pattern, to.Value, to.Note = valid(t.Condition), valid(t.Pattern), value(t), valid(t.Note)
		}
		out.Places = append(out.Places, to)
	}
	return out
}

// TraceText gives the trace as lines for a person: a mark (- failed, + matched, * the answer), what was tried, and what
// decided.
func (r Result) TraceText() []string {
	var lines []string
	for i := range r.steps {
		lines = append(lines, stepText(&r.steps[i]))
	}
	return lines
}

// WhyText gives the explanations as lines for a person.
func (r Result) WhyText() []string {
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, clean(fmt.Sprintf(format, args...))) }
	for _, w := range r.whys {
		verdict := "did not fire"
		if w.Fired {
			verdict = "fired"
		}
		add("rule %d (level %d) %s: %s", w.Rule.ID, w.Rule.Level, verdict, short(w.Rule.Description))
		for i := range w.Places {
			add("  %s", w.Places[i].PathText())
			add("    %s", w.Places[i].Text)
		}
		if w.More > 0 {
			add("  … and %d more places", w.More)
		}
	}
	return lines
}

// lineWidth is how much of a condition and of a value a line of the trace shows, in characters.
const lineWidth = 72

// marks are what stands before a step.
var marks = map[rules.StepResult]string{rules.StepFailed: "-", rules.StepMatched: "+", rules.StepNoAlert: "+", rules.StepFinal: "*"}

// stepText shows a step in one line: a mark (- failed, + matched, * the answer), what was tried, and what decided.
func stepText(s *rules.Step) string {
	var b strings.Builder
	b.WriteString(strings.Repeat("  ", s.Depth))
	if s.Count > 1 {
		fmt.Fprintf(&b, "… %d %ss %s", s.Count, s.Kind, s.Note)
		return clean(b.String())
	}
	if m := marks[s.Result]; m != "" {
		b.WriteString(m + " ")
	}
	switch {
	case s.Kind == rules.DecoderStep:
		b.WriteString("decoder " + s.Decoder)
	case s.Kind == rules.RuleStep && s.Rule != nil:
		fmt.Fprintf(&b, "%d (level %d) %s", s.Rule.ID, s.Rule.Level, short(s.Rule.Description))
	case s.Kind == rules.RuleStep && s.Result != "":
		b.WriteString("root of the category")
	}
	var parts []string
	switch s.Result {
	case rules.StepFinal:
		parts = append(parts, "the answer")
	case rules.StepNoAlert:
		parts = append(parts, "noalert: only the rules below it can be the answer, and none is")
	}
	for i := range s.Conditions {
		t := &s.Conditions[i]
		if s.Result != rules.StepFailed && s.Kind == rules.RuleStep {
			parts = append(parts, short(t.Condition))
			continue
		}
		parts = append(parts, t.Text(lineWidth))
	}
	if s.Note != "" {
		parts = append(parts, s.Note)
	}
	if len(parts) > 0 {
		if b.Len() > 2*s.Depth {
			b.WriteString(": ")
		}
		b.WriteString(strings.Join(parts, "; "))
	}
	return clean(b.String())
}

// short cuts a text that is only there to recognise something by.
func short(s string) string {
	const limit = 90
	if r := []rune(s); len(r) > limit {
		return string(r[:limit-1]) + "…"
	}
	return s
}
