package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/klauspost/compress/zstd"

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
	found, after, err := j.restoreSnapshot(ctx, state)
	switch {
	case errors.Is(err, errDamaged):
		j.log.Error("the snapshot of what rules remember cannot be used; windows begin with what the journal holds", "manager", j.manager, "err", err)
	case err != nil:
		return out, err
	}
	out.Snapshot = found
	j.rerun = newRerunner(rs, state, opts, j.log)
	j.last, j.restored = after, after
	var behind []remembered
	err = j.stream.Each(ctx, after, func(number uint64, record *armorv1.JournalRecord) error {
		j.restored = number
		if record.GetManager() != j.manager {
			return nil
		}
		behind = append(behind, of(record)...)
		if !opts.EventTime { // else all are put in order first
			j.rerun.evaluate(behind)
			behind = behind[:0]
		}
		j.note(record, number)
		out.Records++
		out.Events += len(record.GetEvents())
		return nil
	})
	j.rerun.evaluate(behind)
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

// catchUp goes through the records of an agent that came after Restore from a process of the same name: its last words, which
// were still on their way. The agent is claimed, so there are no more of them.
func (j *Journal) catchUp(ctx context.Context, agentID string) error {
	var missed []remembered
	err := j.stream.Each(ctx, j.restored, func(_ uint64, record *armorv1.JournalRecord) error {
		if record.GetManager() == j.manager && record.GetProcess() != j.process && record.GetAgentId() == agentID {
			missed = append(missed, of(record)...)
		}
		return nil
	})
	if err == nil {
		j.rerun.evaluate(missed)
	}
	return err
}

var errDamaged = errors.New("damaged snapshot")

// restoreSnapshot gives the number of the record up to which the snapshot reaches, 0 when it is of another journal.
func (j *Journal) restoreSnapshot(ctx context.Context, state rules.State) (found bool, after uint64, err error) {
	r, journal, after, err := j.snapshots.Get(ctx, j.manager)
	if err != nil || r == nil {
		return false, 0, err
	}
	if journal != j.stream.Name() {
		after = 0 // the journal was made anew: all that is in it is younger
	}
	defer r.Close()
	unpacked, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30))
	if err != nil {
		return false, 0, fmt.Errorf("%w: %w", errDamaged, err)
	}
	defer unpacked.Close()
	if err := state.Restore(unpacked); err != nil {
		if ctx.Err() != nil {
			return false, 0, ctx.Err()
		}
		return false, 0, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return true, after, nil
}
