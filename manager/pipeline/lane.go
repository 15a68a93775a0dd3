package pipeline

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	armorv1 "armor/proto/armor/v1"
)

// Agent is who read the events of a session.
type Agent struct {
	// ID, Name and IP as alerts show them.
	ID, Name, IP string
}

type laneKey struct{ agentID, spoolID string }

// lane is one spool of one agent: its batches are evaluated one after the other, in order. It outlives sessions, so that an
// agent that reconnects finds its events where they are.
type lane struct {
	p   *Pipeline
	key laneKey

	mu       sync.Mutex
	session  *Session // the one that may submit; nil: none
	agent    *Agent
	claim    Claim  // to finish its events; nil: nobody writes it down
	accepted uint64 // last sequence taken
	finished uint64 // last sequence of which everything up to it is finished
	anyNext  bool   // the next batch may start anywhere
	echo     bool   // a receipt is due even without progress
	queue    []*job // not evaluated yet
	open     []*job // not finished, in order; includes queue
	events   int    // of open
	bytes    int64  // of open
	replays  int    // of open, those that are replays
	running  bool
	writing  bool          // somebody commits
	lost     bool          // another manager finishes this agent's events
	changed  chan struct{} // closed and replaced at every change
}

// job is a batch on its way through a lane.
type job struct {
	lane   *lane
	agent  *Agent
	replay bool
	events []*armorv1.Event
	count  int
	bytes  int64
	last   uint64       // sequence that is finished with it; 0: none (a replay)
	held   atomic.Int32 // events that wait for their turn in the order of time
	left   atomic.Int32 // alerts without acknowledgement, and one for the evaluation itself
	begun  bool         // its evaluation has begun; guarded by the lane's mu

	remembered []*armorv1.RememberedEvent // of the one that evaluates it, until left is 0
}

func newLane(p *Pipeline, key laneKey, claim Claim) *lane {
	return &lane{p: p, key: key, claim: claim, changed: make(chan struct{})}
}

// wakeLocked tells everybody who waits for a change; l.mu is held.
func (l *lane) wakeLocked() {
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *lane) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wakeLocked()
}

func (l *lane) idle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open) == 0
}

// drained waits until the lane is idle; false: ctx ended first.
func (l *lane) drained(ctx context.Context) bool {
	return l.until(ctx, func() bool { return len(l.open) == 0 })
}

// until waits for a condition on the lane; false: ctx ended first.
func (l *lane) until(ctx context.Context, condition func() bool) bool {
	for {
		l.mu.Lock()
		met, changed := condition(), l.changed
		l.mu.Unlock()
		if met {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-changed:
		}
	}
}

// enter makes the lane a session's and gives its last finished sequence. known is what the managers' common record says about
// that.
func (l *lane) enter(s *Session, agent *Agent, known uint64, held Held) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.session, l.agent, l.anyNext, l.echo = s, agent, false, false
	before := max(l.finished, known)
	switch {
	case held.Last < before:
		// The spool is behind what was finished, so its numbers are given out anew (restored from a copy, or its end was lost).
		// What it sends must not be taken for what was finished under the same numbers.
		l.p.log.Warn("the agent's spool went back: its events are evaluated even if they were before",
			"agent", l.key.agentID, "spool", l.key.spoolID, "finished", before, "spool_last", held.Last)
		at := held.Last
		if held.First > 0 {
			at = held.First - 1
		}
		l.accepted, l.finished, l.anyNext = at, at, true
		for _, j := range l.open {
			j.last = 0 // counted by the old numbers
		}
	case held.First > before+1:
		// The spool frees only what is receipted: the record was behind (it is written now and then), or the spool was damaged,
		// which the agent reports itself.
		l.accepted, l.finished = max(l.accepted, held.First-1), held.First-1
		l.p.log.Info("the agent's spool begins after what is known to be finished",
			"agent", l.key.agentID, "spool", l.key.spoolID, "finished", before, "spool_first", held.First)
	case held.First == 0 && held.Last > before:
		// It is empty, so all of it was receipted: the record was behind.
		l.accepted, l.finished = max(l.accepted, held.Last), held.Last
	default:
		l.finished = before
		l.accepted = max(l.accepted, before)
	}
	l.wakeLocked()
	return l.finished
}

// GapError says that a batch does not continue what was taken before.
type GapError struct {
	// Expected is the highest first sequence that was possible, Got is what came.
	Expected, Got uint64
}

// Error names both.
func (e *GapError) Error() string {
	return fmt.Sprintf("gap in the sequence: expected %d or lower, got %d", e.Expected, e.Got)
}

// submit takes a batch, waiting while the window is full.
func (l *lane) submit(ctx context.Context, s *Session, batch *armorv1.EventBatch, bytes int64) error {
	if err := l.waitForRoom(ctx, s, len(batch.GetEvents()), bytes); err != nil {
		return err
	}
	bytes = min(bytes, l.p.cfg.TotalBytes)
	if err := l.p.bytes.Acquire(ctx, bytes); err != nil {
		return err
	}
	j, err := l.take(s, batch, bytes)
	if err != nil || j == nil {
		l.p.bytes.Release(bytes)
	}
	return err
}

func (l *lane) waitForRoom(ctx context.Context, s *Session, count int, bytes int64) error {
	for {
		if l.p.isClosing() {
			return ErrClosing
		}
		l.mu.Lock()
		if l.session != s {
			l.mu.Unlock()
			return ErrReplaced
		}
		room := len(l.open) == 0 || l.events+count <= l.p.cfg.Window && l.bytes+bytes <= l.p.cfg.WindowBytes
		changed := l.changed
		l.mu.Unlock()
		if room {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// take queues what of the batch is new; no job: nothing is.
func (l *lane) take(s *Session, batch *armorv1.EventBatch, bytes int64) (*job, error) {
	events := batch.GetEvents()
	first, last := events[0].GetSequence(), events[len(events)-1].GetSequence()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session != s {
		return nil, ErrReplaced
	}
	if l.anyNext {
		l.accepted, l.finished, l.anyNext = first-1, first-1, false
	}
	if first > l.accepted+1 {
		return nil, &GapError{Expected: l.accepted + 1, Got: first}
	}
	l.p.accepted.Add(uint64(len(events)))
	if !batch.GetReplay() && first <= l.accepted {
		known := min(l.accepted-first+1, uint64(len(events)))
		l.p.duplicate.Add(known)
		events = events[known:]
		l.echo = true
		if len(events) == 0 {
			l.wakeLocked()
			return nil, nil
		}
	}
	j := &job{lane: l, agent: l.agent, replay: batch.GetReplay(), events: events, count: len(events), bytes: bytes}
	j.left.Store(1)
	if last > l.accepted {
		l.accepted, j.last = last, last
	} else {
		l.echo = true
	}
	l.queue, l.open = append(l.queue, j), append(l.open, j)
	l.events += j.count
	l.bytes += bytes
	if j.replay {
		l.replays++
	}
	if !l.running {
		l.running = l.p.start(l.run)
	}
	return j, nil
}

// run evaluates the queued batches, one after the other.
func (l *lane) run() {
	for {
		l.p.flow.enter(l.p.life)
		l.mu.Lock()
		if len(l.queue) == 0 || l.p.life.Err() != nil {
			l.running = false
			l.mu.Unlock()
			l.p.flow.leave(1)
			return
		}
		j := l.queue[0]
		l.queue[0] = nil
		l.queue = l.queue[1:]
		j.begun = true
		l.mu.Unlock()
		if l.p.evaluate(j) && l.p.order == nil {
			j.done()
		}
	}
}

// done counts one part of a job as finished; with the last one the job waits for its commit.
func (j *job) done() {
	if j.left.Add(-1) > 0 {
		return
	}
	l := j.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.writing && !l.lost && l.open[0].left.Load() == 0 {
		l.writing = l.p.start(l.commit)
	}
}
