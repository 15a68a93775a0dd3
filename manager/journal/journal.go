// Package journal makes what a manager knows outlive it. Its promise: an event counts as finished at one manager only, and what
// the engine remembered of finished events is remembered after a restart, once each.
package journal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"armor/internal/alertstream"
	"armor/manager/pipeline"
	armorv1 "armor/proto/armor/v1"
)

// Stream holds the records; alertstream.Journal is one.
type Stream interface {
	// Append writes a record behind the agent's last one, whose number it names, else fails with alertstream.ErrConflict.
	Append(ctx context.Context, record *armorv1.JournalRecord, last uint64) (uint64, error)
	// Last gives an agent's last record and its number; nil and 0: there is none.
	Last(ctx context.Context, agentID string) (*armorv1.JournalRecord, uint64, error)
	// Each gives the records behind a number.
	Each(ctx context.Context, after uint64, f func(number uint64, record *armorv1.JournalRecord) error) error
	// Name tells the stream from one that was made anew.
	Name() string
	// Forget removes an agent's records before a number.
	Forget(ctx context.Context, agentID string, before uint64) error
}

// Snapshots holds the snapshots; alertstream.Snapshots is one.
type Snapshots interface {
	// Put replaces a manager's snapshot, which reaches up to a record of a journal.
	Put(ctx context.Context, manager, journal string, number uint64, r io.Reader) error
	// Get gives it and the record that it reaches up to; nil: there is none.
	Get(ctx context.Context, manager string) (r io.ReadCloser, journal string, number uint64, err error)
}

// Journal writes the records of one manager's process. It is safe for concurrent use.
type Journal struct {
	stream    Stream
	snapshots Snapshots
	manager   string
	process   string
	log       *slog.Logger

	restored uint64    // number of the record that Restore came to
	rerun    *rerunner // since Restore

	records atomic.Uint64 // of this process
	tooLong atomic.Uint64 // events that were not remembered because no record holds them

	mu     sync.Mutex
	claims map[string]*claim
	last   uint64            // number of the manager's last record
	fresh  map[string]uint64 // agents with records behind the last snapshot, each with its last record
	bytes  int               // of those records, about
	stats  Stats
}

// Stats tell what a Journal did.
type Stats struct {
	// Records and Events that were written, and Unremembered events that were too large to be.
	Records, Events, Unremembered uint64
	// Snapshots that were stored, the bytes of the last one and when it was taken.
	Snapshots uint64
	Bytes     int64
	Taken     time.Time
	// Failed is why the last try to store one failed; nil: it did not.
	Failed error
	// Restored is what the start found.
	Restored Restored
}

// New makes the journal of a manager.
func New(stream Stream, snapshots Snapshots, manager string, log *slog.Logger) *Journal {
	return &Journal{
		stream: stream, snapshots: snapshots, manager: manager, process: rand.Text(), log: log,
		claims: map[string]*claim{}, fresh: map[string]uint64{},
	}
}

// Stats gives the figures of this moment.
func (j *Journal) Stats() Stats {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.stats
	s.Unremembered = j.tooLong.Load()
	return s
}

// Claim makes this manager the one that finishes an agent's events, and gives what the records say is finished of a spool;
// known is false when they do not speak of it. An agent that was here last keeps its claim.
func (j *Journal) Claim(ctx context.Context, agentID, spoolID string) (c pipeline.Claim, finished uint64, known bool, err error) {
	j.mu.Lock()
	mine := j.claims[agentID]
	j.mu.Unlock()
	if mine != nil {
		if err := mine.lock(ctx); err != nil {
			return nil, 0, false, err
		}
		defer mine.unlock()
	}
	for range 10 {
		record, number, err := j.stream.Last(ctx, agentID)
		if err != nil {
			return nil, 0, false, err
		}
		known := record.GetSpoolId() == spoolID && number > 0
		if mine != nil && !mine.moved && record.GetProcess() == j.process {
			mine.number = number
			return mine, record.GetFinished(), known, nil
		}
		if mine != nil {
			mine.moved = true
		}
		next := &armorv1.JournalRecord{
			Manager: j.manager, Process: j.process, Number: j.records.Add(1), AgentId: agentID, AgentName: record.GetAgentName(),
			SpoolId: record.GetSpoolId(), Finished: record.GetFinished(),
		}
		number, err = j.append(ctx, next, number)
		if errors.Is(err, alertstream.ErrConflict) {
			continue // somebody finishes or claims at this moment
		}
		if err != nil {
			return nil, 0, false, err
		}
		if record.GetManager() == j.manager && record.GetProcess() != j.process {
			if err := j.catchUp(ctx, agentID); err != nil {
				return nil, 0, false, err
			}
		}
		made := &claim{j: j, agentID: agentID, number: number, turn: make(chan struct{}, 1)}
		j.mu.Lock()
		j.claims[agentID] = made
		j.mu.Unlock()
		return made, record.GetFinished(), known, nil
	}
	return nil, 0, false, fmt.Errorf("agent %s: other managers write its journal at the same time: it is tried again", agentID)
}

// append writes a record and notes that it is there. A record that is there although the answer was lost is found again.
func (j *Journal) append(ctx context.Context, record *armorv1.JournalRecord, last uint64) (uint64, error) {
	number, err := j.stream.Append(ctx, record, last)
	if errors.Is(err, alertstream.ErrConflict) {
		found, n, lastErr := j.stream.Last(ctx, record.GetAgentId())
		if lastErr != nil {
			return 0, lastErr
		}
		if found.GetProcess() == record.GetProcess() && found.GetNumber() == record.GetNumber() {
			number, err = n, nil
		}
	}
	if err != nil {
		return 0, err
	}
	j.note(record, number)
	return number, nil
}

func (j *Journal) note(record *armorv1.JournalRecord, number uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last = max(j.last, number)
	j.fresh[record.GetAgentId()] = number
	for _, e := range record.GetEvents() {
		j.bytes += len(e.GetEvent().GetBody())
	}
	j.stats.Records++
	j.stats.Events += uint64(len(record.GetEvents()))
}
