package pipeline

import (
	"sync"
	"time"

	armorv1 "armor/proto/armor/v1"
	"armor/rules"
)

// force is a ruleset in force: an engine, its working memories, and the parts of alerts that are the same for a rule.
type force struct {
	engine *rules.Engine
	parts  []ruleParts // by Rule.Index
	slots  sync.Pool   // of *slot
	alerts sync.Pool   // of *alertMemory
}

// ruleParts is what all alerts of a rule share.
type ruleParts struct {
	groups     []string
	compliance []*armorv1.Compliance
	mitre      []*armorv1.Mitre
	info       string
}

// slot is the working memory of one event.
type slot struct {
	event rules.Event
	x     *rules.Evaluation
	err   error // what decoding panicked with
}

// Use puts an engine in force: batches accepted from now on are evaluated with it, those on their way are finished with the
// one before.
func (p *Pipeline) Use(engine *rules.Engine) {
	all := engine.Ruleset().Rules()
	f := &force{engine: engine, parts: make([]ruleParts, len(all))}
	for i, r := range all {
		f.parts[i] = partsOf(r)
	}
	f.alerts.New = func() any { return new(alertMemory) }
	f.slots.New = func() any { return &slot{x: engine.NewEvaluation()} }
	p.force.Store(f)
}

// Engine gives the engine in force; nil before the first Use.
func (p *Pipeline) Engine() *rules.Engine {
	if f := p.force.Load(); f != nil {
		return f.engine
	}
	return nil
}

func partsOf(r *rules.Rule) ruleParts {
	parts := ruleParts{info: valid(r.Info)}
	for _, g := range r.Groups {
		parts.groups = append(parts.groups, valid(g))
	}
	for _, c := range r.Compliance {
		parts.compliance = append(parts.compliance, &armorv1.Compliance{Standard: valid(c.Standard), Requirements: validAll(c.Requirements)})
	}
	for _, m := range r.Mitre {
		parts.mitre = append(parts.mitre, &armorv1.Mitre{Id: valid(m.ID), Tactics: validAll(m.Tactics), Technique: valid(m.Technique)})
	}
	return parts
}

func (f *force) partsOf(r *rules.Rule) *ruleParts { return &f.parts[r.Index] }

func (f *force) alert() *alertMemory { return f.alerts.Get().(*alertMemory) }

// forget gives an alert's memory back.
func (f *force) forget(m *alertMemory) {
	m.reset()
	f.alerts.Put(m)
}

func (f *force) slot() *slot { return f.slots.Get().(*slot) }

// release gives a working memory back, without the event that it points to.
func (f *force) release(s *slot) {
	s.event = rules.Event{}
	f.slots.Put(s)
}

// eventTime is when an event happened, for the engine and the alert; zero: not known.
func eventTime(ev *armorv1.Event) time.Time {
	switch {
	case ev.GetTime().IsValid():
		return ev.GetTime().AsTime()
	case ev.GetReadTime().IsValid():
		return ev.GetReadTime().AsTime()
	}
	return time.Time{}
}
