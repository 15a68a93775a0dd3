package notice

import (
	"context"
	"time"

	"armor/agent/spool"
	armorv1 "armor/proto/armor/v1"
)

// Input is the name under which the board keeps its positions in the spool.
const Input = "armor"

// Spool is what a board needs of one.
type Spool interface {
	// Report takes an event and positions, both or none, or says at once that it cannot.
	Report(ctx context.Context, events []*armorv1.Event, positions ...spool.Position) error
	// Positions are the newest positions of an input.
	Positions(input string) map[string][]byte
}

// Board knows which conditions hold. That is kept in the spool together with the events that tell of it, so a restart tells nothing
// twice and forgets nothing. One goroutine uses it.
type Board struct {
	agent *Agent
	spool Spool
	since map[string]time.Time
}

const conditionPrefix = "condition:"

// NewBoard reads the conditions that held when the agent ended.
func NewBoard(agent *Agent, s Spool) *Board {
	b := &Board{agent: agent, spool: s, since: map[string]time.Time{}}
	for key, data := range s.Positions(Input) {
		if len(key) < len(conditionPrefix) || key[:len(conditionPrefix)] != conditionPrefix {
			continue
		}
		if since, err := time.Parse(time.RFC3339Nano, string(data)); err == nil {
			b.since[key[len(conditionPrefix):]] = since
		}
	}
	return b
}

// Holds says whether a condition holds, and since when.
func (b *Board) Holds(condition string) (since time.Time, ok bool) {
	since, ok = b.since[condition]
	return since, ok
}

// Begin tells that a condition holds, unless that is known. After an error it is not known, and Begin is to be called again.
func (b *Board) Begin(ctx context.Context, condition string, since time.Time, n *Notice) (news bool, err error) {
	if _, ok := b.since[condition]; ok {
		return false, nil
	}
	n.Range = condition + "\x00" + Time(since)
	if err := b.Tell(ctx, n, spool.Position{Input: Input, Key: conditionPrefix + condition, Data: []byte(Time(since))}); err != nil {
		return false, err
	}
	b.since[condition] = since
	return true, nil
}

// End tells, with one event, that conditions do not hold any more. Those that are not known to hold are left out; if none is, nothing
// is told.
func (b *Board) End(ctx context.Context, n *Notice, conditions ...string) (news bool, err error) {
	var positions []spool.Position
	n.Range = ""
	for _, condition := range conditions {
		if since, ok := b.since[condition]; ok {
			n.Range += condition + "\x00" + Time(since) + "\x00"
			positions = append(positions, spool.Position{Input: Input, Key: conditionPrefix + condition})
		}
	}
	if len(positions) == 0 {
		return false, nil
	}
	if err := b.Tell(ctx, n, positions...); err != nil {
		return false, err
	}
	for _, condition := range conditions {
		delete(b.since, condition)
	}
	return true, nil
}

// Event makes the event of a notice, for others to spool.
func (b *Board) Event(n *Notice) (*armorv1.Event, error) { return b.agent.Event(n) }

// Tell makes the event of a notice, together with positions.
func (b *Board) Tell(ctx context.Context, n *Notice, positions ...spool.Position) error {
	ev, err := b.agent.Event(n)
	if err != nil {
		return err
	}
	return b.spool.Report(ctx, []*armorv1.Event{ev}, positions...)
}
