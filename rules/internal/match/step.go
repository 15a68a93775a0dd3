package match

import (
	"armor/rules/internal/fields"
	"armor/rules/internal/pattern"
)

// step is a condition as the fast walk tries it. It fills one cache line, and those of a rule stand one behind the other.
type step struct {
	kind   stepKind
	negate bool
	flags  stepFlags
	at     int32 // by kind: the field, the decoder, or the place in Tree.conditions
	needs  pattern.Needs
	m      pattern.Matcher
	rule   *Rule
}

// stepKind says what a step asks for: of a pattern, the kind of its source.
type stepKind uint8

const (
	stepAny stepKind = iota + stepKind(fromDynamic) + 1 // nothing
	stepDecoder
	stepCondition
)

type stepFlags uint8

const (
	// stepLast: the rule has no further step.
	stepLast stepFlags = 1 << iota
	// stepShared: the rule hangs at several places.
	stepShared
	// stepRestores: a correlation of a rule that is never the answer.
	stepRestores
)

// patternStep is the step that tests a text with a pattern.
func patternStep(s source, m pattern.Matcher, negate bool) step {
	at := s.symbol
	if s.kind == fromStatic {
		at = int32(s.slot)
	}
	return step{kind: stepKind(s.kind), negate: negate, at: at, needs: pattern.NeedsOf(m), m: m}
}

// holds says whether the condition holds.
func (s *step) holds(x *Context) bool {
	switch s.kind {
	case stepAny:
		return true
	case stepDecoder:
		return x.Event.Decoder.ID == s.at
	case stepCondition:
		return x.tree.conditions[s.at].test(x)
	}
	of := source{kind: sourceKind(s.kind), slot: fields.Slot(s.at), symbol: s.at}
	text, ok := of.of(x)
	if ok && x.Event.Scratch.Lacks(text, &s.needs) {
		return s.negate
	}
	return ok && s.m.Test(text, &x.Event.Scratch) != s.negate
}

// stepOf makes the step of a condition.
func (t *Tree) stepOf(c Condition) step {
	switch c := c.(type) {
	case *expr:
		return c.step
	case decodedAs:
		return step{kind: stepDecoder, at: c.id}
	}
	t.conditions = append(t.conditions, c)
	return step{kind: stepCondition, at: int32(len(t.conditions) - 1)}
}

// addSteps adds the steps of a rule.
func (t *Tree) addSteps(r *Rule, shared bool) {
	r.first = int32(len(t.steps))
	for _, c := range r.conditions {
		t.steps = append(t.steps, t.stepOf(c))
	}
	if len(r.conditions) == 0 {
		t.steps = append(t.steps, step{kind: stepAny})
	}
	var flags stepFlags
	if shared {
		flags |= stepShared
	}
	if r.correlated && r.NoAlert {
		flags |= stepRestores
	}
	of := t.steps[r.first:]
	for i := range of {
		of[i].rule, of[i].flags = r, flags
	}
	of[len(of)-1].flags |= stepLast
}
