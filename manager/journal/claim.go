package journal

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"armor/internal/alertstream"
	"armor/manager/pipeline"
	armorv1 "armor/proto/armor/v1"
)

// claim is a pipeline.Claim: it holds while the agent's last record is its own.
type claim struct {
	j       *Journal
	agentID string

	turn   chan struct{} // holds one while somebody writes or compares; guards what follows
	number uint64        // of the agent's last record
	moved  bool
}

func (c *claim) lock(ctx context.Context) error {
	select {
	case c.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *claim) unlock() { <-c.turn }

const (
	firstPause = 20 * time.Millisecond
	mostPause  = 2 * time.Second
)

// Commit implements pipeline.Claim.
func (c *claim) Commit(ctx context.Context, p pipeline.Progress) error {
	if err := c.lock(ctx); err != nil {
		return err
	}
	defer c.unlock()
	for _, record := range c.j.split(p) {
		if err := c.write(ctx, record); err != nil {
			return err
		}
	}
	return nil
}

// write tries until the record is stored.
func (c *claim) write(ctx context.Context, record *armorv1.JournalRecord) error {
	pause := firstPause
	for attempt := 1; ; attempt++ {
		if c.moved {
			return pipeline.ErrMoved
		}
		number, err := c.j.append(ctx, record, c.number)
		switch {
		case err == nil:
			c.number = number
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, alertstream.ErrConflict):
			c.moved = true
			c.j.log.Info("another manager finishes this agent's events now", "agent", c.agentID)
			return pipeline.ErrMoved
		case attempt == 3 || attempt%60 == 0:
			c.j.log.Warn("the journal cannot be written; nothing of this agent is receipted meanwhile", "agent", c.agentID, "attempt", attempt, "err", err)
		}
		timer := time.NewTimer(pause/2 + rand.N(pause/2))
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
		pause = min(2*pause, mostPause)
	}
}

// recordOverhead is more than a record takes beside its events.
const recordOverhead = 1 << 10

// split makes records of a progress, each small enough for a message. Only the last one says that all of it is finished.
func (j *Journal) split(p pipeline.Progress) []*armorv1.JournalRecord {
	var out []*armorv1.JournalRecord
	next := func() *armorv1.JournalRecord {
		return &armorv1.JournalRecord{
			Manager: j.manager, Process: j.process, Number: j.records.Add(1),
			AgentId: p.Agent.ID, AgentName: p.Agent.Name, SpoolId: p.SpoolID,
		}
	}
	// With windows by the events' times they were evaluated in another order; Restore puts them back into that.
	slices.SortStableFunc(p.Remembered, func(a, b *armorv1.RememberedEvent) int {
		return cmp.Compare(a.GetEvent().GetSequence(), b.GetEvent().GetSequence())
	})
	record, size := next(), recordOverhead
	for _, e := range p.Remembered {
		n := proto.Size(e) + 8
		if n+recordOverhead > alertstream.MaxJournalRecord {
			if j.tooLong.Add(1) == 1 {
				j.log.Warn("an event is too large for the journal: after a restart its rules have forgotten it",
					"agent", p.Agent.ID, "sequence", e.GetEvent().GetSequence(), "bytes", n)
			}
			continue
		}
		if size+n > alertstream.MaxJournalRecord {
			record.Finished = min(record.GetEvents()[len(record.GetEvents())-1].GetEvent().GetSequence(), p.Finished)
			out = append(out, record)
			record, size = next(), recordOverhead
		}
		record.Events = append(record.Events, e)
		size += n
	}
	record.Finished = p.Finished
	return append(out, record)
}
