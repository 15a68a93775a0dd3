package pipeline

import (
	"context"

	armorv1 "armor/proto/armor/v1"
)

// Again evaluates an event that could not be handled before, as a replay: no rule remembers it anew. It returns nil when the
// event is finished: it raises no alert, or its alert is stored. The conservation counters have counted it before.
func (p *Pipeline) Again(ctx context.Context, agent Agent, spoolID string, ev *armorv1.Event) error {
	f := p.force.Load()
	if f == nil {
		return errNoRuleset
	}
	j := &job{lane: newLane(p, laneKey{agent.ID, spoolID}, nil), agent: &agent, replay: true}
	c := chunks(f, &agent, true, []*armorv1.Event{ev})[0]
	c.decode()
	alert, err := p.match(f, j, ev, c.slots[0])
	if err != nil {
		return err // the working memory may be in any state: it is not used again
	}
	defer f.release(c.slots[0])
	if alert == nil {
		return nil
	}
	defer f.forget(alert)
	stored := make(chan error, 1)
	if err := p.deps.Publisher.Publish(ctx, &alert.alert, func(err error) { stored <- err }); err != nil {
		return err
	}
	select {
	case err := <-stored:
		return err
	case <-ctx.Done(): // it may be stored yet: the next try finds it by its id
		return ctx.Err()
	}
}
