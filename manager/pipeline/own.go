package pipeline

import (
	"context"
	"errors"

	"google.golang.org/protobuf/proto"

	armorv1 "armor/proto/armor/v1"
)

// Own evaluates an event of the manager itself, and returns when it is finished: its alert, if it raises one, is stored. It
// has no spool behind it: with an error the caller tries again, under the same source id.
func (p *Pipeline) Own(ctx context.Context, agent Agent, ev *armorv1.Event) error {
	if p.force.Load() == nil {
		return errNoRuleset
	}
	l := newLane(p, laneKey{agentID: agent.ID}, nil)
	size := min(int64(proto.Size(ev)), p.cfg.TotalBytes)
	if err := p.bytes.Acquire(ctx, size); err != nil {
		return err
	}
	j := &job{lane: l, agent: &agent, events: []*armorv1.Event{ev}, count: 1, bytes: size}
	j.left.Store(1)
	l.mu.Lock()
	l.queue, l.open, l.events, l.bytes = []*job{j}, []*job{j}, 1, size
	l.running = p.start(l.run)
	l.mu.Unlock()
	if !l.running {
		p.bytes.Release(size)
		return ErrClosing
	}
	p.accepted.Add(1)
	if !l.drained(ctx) {
		return errors.Join(errors.New("the manager's own event is not finished"), ctx.Err())
	}
	return nil
}
