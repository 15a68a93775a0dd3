package pipeline

import (
	armorv1 "armor/proto/armor/v1"
	"armor/rules"
)

// AlertOf is the alert that the pipeline would publish for an event that the engine in force has evaluated. It publishes and
// counts nothing. Use must have been called.
func (p *Pipeline) AlertOf(agent *Agent, spoolID string, ev *armorv1.Event, v *rules.Verdict) *armorv1.Alert {
	return p.alert(p.force.Load(), agent, spoolID, ev, v)
}
