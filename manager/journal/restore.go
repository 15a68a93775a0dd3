package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"

	"armor/manager/pipeline"
	armorv1 "armor/proto/armor/v1"
	"armor/rules"
)

// Restored is what the start of a manager found.
type Restored struct {
	// Snapshot says that there was one that could be read.
	Snapshot bool
	// Records and Events behind it that were gone through again.
	Records, Events int
	// Took is how long it took.
	Took time.Duration
}

// Restore brings the state to what the manager remembered when it ended: its last snapshot, and behind that the events of the
// journal, evaluated once more at the times of then. A snapshot that cannot be read is left out with an error in the log; other
// errors are those of NATS. Nothing may be evaluated meanwhile.
func (j *Journal) Restore(ctx context.Context, rs *rules.Ruleset, state rules.State, opts rules.EngineOptions) (Restored, error) {
	began := time.Now()
	var out Restored
	after, err := j.restoreSnapshot(ctx, state)
	switch {
	case errors.Is(err, errDamaged):
		j.log.Error("the snapshot of what rules remember cannot be used; windows begin with what the journal holds", "manager", j.manager, "err", err)
	case err != nil:
		return out, err
	}
	out.Snapshot = err == nil && after > 0
	var now time.Time
	opts.State, opts.Now = state, func() time.Time { return now }
	engine := rules.NewEngine(rs, opts)
	x := engine.NewEvaluation()
	j.last = after
	var found []remembered
	evaluate := func() {
		for _, r := range found {
			now = time.Unix(0, r.event.GetEvaluatedUnixNano())
			j.again(engine, x, r.agent, r.event)
		}
		found = found[:0]
	}
	err = j.stream.Each(ctx, after, func(number uint64, record *armorv1.JournalRecord) error {
		if record.GetManager() != j.manager {
			return nil
		}
		agent := &pipeline.Agent{ID: record.GetAgentId(), Name: record.GetAgentName()}
		for _, e := range record.GetEvents() {
			found = append(found, remembered{agent, e})
		}
		if !opts.EventTime { // else they are put in order first
			evaluate()
		}
		j.note(record, number)
		out.Records++
		out.Events += len(record.GetEvents())
		return nil
	})
	slices.SortStableFunc(found, func(a, b remembered) int {
		return cmp.Or(cmp.Compare(a.event.GetEvaluatedUnixNano(), b.event.GetEvaluatedUnixNano()), cmp.Compare(a.agent.ID, b.agent.ID),
			cmp.Compare(a.event.GetEvent().GetSequence(), b.event.GetEvent().GetSequence()))
	})
	evaluate()
	j.mu.Lock()
	j.stats.Records, j.stats.Events = 0, 0 // of this process
	out.Took = time.Since(began)
	j.stats.Restored = out
	j.mu.Unlock()
	if err != nil {
		return out, err
	}
	if out.Snapshot || out.Events > 0 {
		j.log.Info("rules remember what they did before", "snapshot", out.Snapshot, "events", out.Events, "took", out.Took.Round(time.Millisecond))
	}
	return out, nil
}

// remembered is an event of the journal.
type remembered struct {
	agent *pipeline.Agent
	event *armorv1.RememberedEvent
}

// again evaluates an event for what it leaves behind. One that panics was a dead letter the first time.
func (j *Journal) again(engine *rules.Engine, x *rules.Evaluation, agent *pipeline.Agent, e *armorv1.RememberedEvent) {
	defer func() {
		if r := recover(); r != nil {
			j.log.Error("an event of the journal cannot be evaluated", "agent", agent.ID, "sequence", e.GetEvent().GetSequence(), "panic", r)
		}
	}()
	ev := pipeline.EngineEvent(agent, e.GetEvent())
	engine.Decode(&ev, x)
	engine.Match(x)
}

var errDamaged = errors.New("damaged snapshot")

// restoreSnapshot gives the number of the record up to which the snapshot reaches; 0: there is none.
func (j *Journal) restoreSnapshot(ctx context.Context, state rules.State) (uint64, error) {
	r, after, err := j.snapshots.Get(ctx, j.manager)
	if err != nil || r == nil {
		return 0, err
	}
	defer r.Close()
	unpacked, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30))
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errDamaged, err)
	}
	defer unpacked.Close()
	if err := state.Restore(unpacked); err != nil {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		return 0, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return after, nil
}
