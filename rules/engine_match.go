package rules

import (
	"time"

	"armor/rules/internal/fields"
	"armor/rules/internal/header"
	"armor/rules/internal/match"
)

// Match is the stateful half: the rule walk. Call it in order per agent; it is safe for many goroutines. The Verdict
// is valid until x is used again.
func (e *Engine) Match(x *Evaluation) *Verdict {
	x.begin(e)
	defer x.context.Session.End()
	e.accumulate(x)
	rule, parent := e.find(x)
	if rule != nil {
		rule = e.conclude(x, rule, parent)
	}
	x.context.Session.End()
	if rule != nil {
		x.describe(rule)
	}
	x.verdict.GaveUp = x.event.Scratch.Err
	x.verdict.Remembered, x.verdict.Evaluated = x.context.Session.Touched, x.context.Now
	return &x.verdict
}

// begin fills in what does not depend on rules.
func (x *Evaluation) begin(e *Engine) {
	d, v := x.event.Decoder, &x.verdict
	previous := v.PreviousOutput
	clear(previous)
	*v = Verdict{}
	v.Decoder, v.DecoderParent, v.FTSComment, v.Accumulated = d.Name, d.Parent, d.FTSComment, d.Accumulate
	v.Timestamp, v.ProgramName = x.event.Header.Timestamp, x.event.Header.ProgramName
	v.Hostname = header.AlertHostname(x.ev.Log)
	v.PreviousOutput = previous[:0]
	v.x = x
	c := &x.context
	c.Reset(e.rs.tree)
	c.Session.Begin(e.binding, x.ev.Replay)
	c.Now = e.present(&x.ev)
	if x.ev.Local() {
		c.Agent = "000"
		c.Location = x.ev.Location
		c.Hostname = x.event.Header.Hostname
		return
	}
	c.Agent = x.ev.AgentID
	c.Hostname = x.ev.AgentName
	c.Location = x.remoteLocation()
}

func (e *Engine) present(ev *Event) time.Time {
	if e.byEvent && !ev.Time.IsZero() {
		return ev.Time
	}
	return e.now()
}

// remoteLocation is the location of another agent's event as rules see it. The last one is kept: events of one agent
// and file often follow each other.
func (x *Evaluation) remoteLocation() string {
	k := locationKey{x.ev.AgentID, x.ev.AgentName, x.ev.Location}
	if x.location.key != k {
		x.location.key = k
		x.location.text = "[" + k.id + "] (" + k.name + ") any->" + k.path
	}
	return x.location.text
}

// accumulate carries fields on from earlier events, for decoders that ask for it.
func (e *Engine) accumulate(x *Evaluation) {
	d := x.event.Decoder
	if !d.Accumulate {
		return
	}
	id, ok := x.event.Fields.Static(fields.ID)
	if !ok || id == "" {
		return
	}
	key := x.context.Hostname + "\x00" + d.Name + "\x00" + id
	x.context.Session.Accumulate(key, x.context.Now.Unix(), &x.event.Fields)
}

func (e *Engine) find(x *Evaluation) (rule, parent *match.Rule) {
	if id := x.event.ForcedRule; id > 0 {
		if r, ok := e.rs.tree.ByID(id); ok {
			return r, nil
		}
	}
	return e.rs.tree.Walk(&x.context)
}

// conclude counts and remembers the event under the rule that it ended in, and gives the rule to be shown: that one, the one
// above it where an ignore period is open, or none.
func (e *Engine) conclude(x *Evaluation, rule, parent *match.Rule) *match.Rule {
	v, c := &x.verdict, &x.context
	v.Rule = e.rs.byIndex[rule.Index]
	var lists []int
	if rule.Level > 0 {
		lists = rule.Lists
	}
	if len(lists) > 0 || rule.IgnorePeriod > 0 {
		c.Session.Hold(c.Current(), lists...)
	}
	v.FiredTimes = c.Session.Fired(rule.Index)
	if rule.Level > 0 && rule.IgnorePeriod > 0 && c.Session.Ignored(rule.Index, int64(rule.IgnorePeriod), c.Now.Unix()) {
		v.SuppressedBy, v.Rule = v.Rule, nil
		if parent == nil || parent.Index < 0 {
			return nil
		}
		v.Rule = e.rs.byIndex[parent.Index]
		v.Alert = alerts(parent)
		return parent
	}
	v.Alert = alerts(rule)
	if rule.Level == 0 {
		return rule
	}
	c.Mask(rule)
	v.PreviousOutput = append(v.PreviousOutput, c.Previous...)
	c.Session.Record(c.Current(), lists...)
	return rule
}

// alerts says whether an event that ends in a rule raises an alert.
func alerts(r *match.Rule) bool { return r.Level > 0 && !r.NoAlert && !r.NoLog }

// describe fills in the description of the rule to be shown.
func (x *Evaluation) describe(rule *match.Rule) {
	text, ok := x.context.Describe(rule, x.description[:0])
	if !ok {
		x.verdict.Description = rule.Description
		return
	}
	x.description = text
	x.verdict.Description = string(text)
}
