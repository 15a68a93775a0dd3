package pipeline

import (
	armorv1 "armor/proto/armor/v1"
	"armor/rules"
)

// Preview makes the alerts that a pipeline would publish, one at a time. It publishes and counts nothing.
type Preview struct {
	p      *Pipeline
	f      *force
	memory alertMemory
}

// Preview is for the engine in force. Use must have been called.
func (p *Pipeline) Preview() *Preview { return &Preview{p: p, f: p.force.Load()} }

// Alert is that of an event that the engine has evaluated. It is valid until the next one, and as long as event and verdict are.
func (w *Preview) Alert(agent *Agent, spoolID string, ev *armorv1.Event, v *rules.Verdict) *armorv1.Alert {
	w.memory.reset()
	return w.p.alert(&w.memory, w.f, agent, spoolID, ev, v)
}
