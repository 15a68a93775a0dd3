package pipeline

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"google.golang.org/protobuf/proto"

	"armor/internal/alertstream"
	armorv1 "armor/proto/armor/v1"
)

// evaluate decodes a batch in parallel, and matches and publishes it in order, or hands it to those that wait for their turn in
// the order of time. False: the pipeline stopped, the batch is not finished and its agent sends it again.
func (p *Pipeline) evaluate(j *job) bool {
	f := p.force.Load()
	parts := chunks(f, j.agent, j.replay, j.events)
	j.held.Store(int32(len(j.events)))
	j.events = nil // bodies are freed chunk by chunk
	ahead := p.cfg.Workers + 1
	for _, c := range parts[:min(ahead, len(parts))] {
		p.offer(c)
	}
	for i, c := range parts {
		c.decode() // unless a worker has begun
		<-c.done
		if i+ahead < len(parts) {
			p.offer(parts[i+ahead])
		}
		for n, ev := range c.events {
			s := c.slots[n]
			if p.order != nil {
				p.order.add(f, j, ev, s)
			} else if !p.conclude(f, j, ev, s) {
				return false
			}
			c.slots[n], c.events[n] = nil, nil
		}
		parts[i] = nil
	}
	return true
}

// conclude ends one decoded event. False: the pipeline stopped.
func (p *Pipeline) conclude(f *force, j *job, ev *armorv1.Event, s *slot) bool {
	alert, err := p.match(f, j, ev, s)
	if err != nil {
		// The working memory may be in any state: it is not used again.
		return p.bury(j, ev, alertstream.ReasonPanic, err)
	}
	if alert == nil {
		f.release(s)
		p.silent.Add(1)
		return true
	}
	j.left.Add(1)
	err = p.deps.Publisher.Publish(p.life, &alert.alert, func(err error) { p.published(j, ev, err) })
	f.forget(alert)
	f.release(s) // the alert pointed into it
	switch {
	case err == nil:
		return true
	case p.life.Err() != nil:
		return false
	}
	j.left.Add(-1)
	return p.bury(j, ev, alertstream.ReasonUnpublishable, err)
}

// match gives the event's alert, which points into the slot and is to be forgotten before that is released; nil: none.
func (p *Pipeline) match(f *force, j *job, ev *armorv1.Event, s *slot) (alert *alertMemory, err error) {
	if s.err != nil {
		return nil, s.err
	}
	defer func() {
		if r := recover(); r != nil {
			alert, err = nil, &panicError{doing: "matching", value: r, stack: debug.Stack()}
		}
	}()
	v := f.engine.Match(s.x)
	if v != nil && v.GaveUp != nil {
		p.gaveUp(j, ev, v.GaveUp)
	}
	if v != nil && v.Remembered {
		j.remembered = append(j.remembered, remember(ev, v.Evaluated))
	}
	if v == nil || v.Rule == nil || !v.Alert {
		return nil, nil
	}
	alert = f.alert()
	p.alert(alert, f, j.agent, j.lane.key.spoolID, ev, v)
	return alert, nil
}

// gaveUpEvery is how often events on which a pattern was given up are logged at most.
const gaveUpEvery = 10 * time.Second

// gaveUp counts and, now and then, logs an event on which a pattern took too much work and counted as not matching.
func (p *Pipeline) gaveUp(j *job, ev *armorv1.Event, cause error) {
	n := p.givenUp.Add(1)
	now, last := time.Now().UnixNano(), p.givenUpLogged.Load()
	if now-last < int64(gaveUpEvery) || !p.givenUpLogged.CompareAndSwap(last, now) {
		return
	}
	p.log.Warn("a pattern was given up on an event, so that a rule may be missed", "agent", j.agent.ID, "spool", j.lane.key.spoolID,
		"sequence", ev.GetSequence(), "location", ev.GetLocation(), "events", n, "err", cause)
}

// GivenUp is on how many events a pattern took too much work and counted as not matching. They count as alerted or
// silent too.
func (p *Pipeline) GivenUp() uint64 { return p.givenUp.Load() }

// published hears what became of an alert; it runs in the publisher's goroutine and must not block.
func (p *Pipeline) published(j *job, ev *armorv1.Event, err error) {
	switch {
	case err == nil:
		p.alerted.Add(1)
		j.done()
	case p.life.Err() != nil:
		// Not finished: the agent sends it again.
	default:
		p.start(func() {
			if p.bury(j, ev, alertstream.ReasonUnpublishable, err) {
				j.done()
			}
		})
	}
}

// bury keeps an event that cannot be handled as a dead letter and counts it as failed. False: the pipeline stopped.
func (p *Pipeline) bury(j *job, ev *armorv1.Event, reason string, cause error) bool {
	where := fmt.Sprintf("armor.v1.Event of agent %s, spool %s, sequence %d, location %s", j.agent.ID, j.lane.key.spoolID, ev.GetSequence(), ev.GetLocation())
	var panicked *panicError
	if errors.As(cause, &panicked) {
		p.log.Error("the engine panicked on an event; it becomes a dead letter", "event", where, "err", cause, "stack", string(panicked.stack))
	}
	data, err := proto.Marshal(ev)
	if err != nil {
		data = ev.GetBody() // it was decoded from the wire, so this does not happen; the body is what counts
	}
	origin := alertstream.Origin{AgentID: j.agent.ID, AgentName: j.agent.Name, AgentIP: j.agent.IP, SpoolID: j.lane.key.spoolID}
	switch err := p.deps.DeadLetters.DeadEvent(p.life, reason, data, origin, where+": "+cause.Error()); {
	case err == nil:
	case alertstream.IsPermanent(err):
		p.log.Error("an event is lost: it failed, and so did its dead letter", "event", where, "reason", reason, "cause", cause, "err", err)
	default:
		return false
	}
	p.failed.Add(1)
	return true
}
