package pipeline

import (
	"cmp"
	"container/heap"
	"sync"
	"time"

	armorv1 "armor/proto/armor/v1"
)

// order puts decoded events into the order of (time, agent, sequence): each waits for the lateness, and those that are older go
// before it meanwhile. One that comes still later is evaluated when it comes.
type order struct {
	p        *Pipeline
	lateness time.Duration

	mu    sync.Mutex
	heap  waiting
	queue []*waiter // in the order in which they came; some have gone already
	wake  chan struct{}
}

// waiter is an event in its wait.
type waiter struct {
	at    time.Time
	since time.Time // by the clock
	ev    *armorv1.Event
	job   *job
	force *force
	slot  *slot
	gone  bool // out of the heap
}

func newOrder(p *Pipeline) *order {
	return &order{p: p, lateness: p.cfg.Lateness, wake: make(chan struct{}, 1)}
}

// add lets an event wait. A replay waits with the others; it leaves no trace in windows, but sees them.
func (o *order) add(f *force, j *job, ev *armorv1.Event, s *slot) {
	now := time.Now()
	w := &waiter{at: eventTime(ev), since: now, ev: ev, job: j, force: f, slot: s}
	if w.at.IsZero() {
		w.at = now
	}
	o.mu.Lock()
	heap.Push(&o.heap, w)
	o.queue = append(o.queue, w)
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// due takes the event that has waited longest, if that is long enough, and before it all that are older: what comes later has
// no part in that, so that a stream of old events cannot hold the others up. None: the time until it is looked again (0: until
// one comes).
func (o *order) due(out []*waiter) ([]*waiter, time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) > 0 && o.queue[0].gone {
		o.queue[0] = nil
		o.queue = o.queue[1:]
	}
	if len(o.queue) == 0 {
		return out, 0
	}
	longest := o.queue[0]
	if left := o.lateness - time.Since(longest.since); left > 0 {
		return out, left
	}
	for !longest.gone {
		w := heap.Pop(&o.heap).(*waiter)
		w.gone = true
		out = append(out, w)
	}
	return out, 0
}

// run concludes events, one after the other, until the pipeline stops.
func (o *order) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var due []*waiter
	for {
		var wait time.Duration
		due, wait = o.due(due[:0])
		for _, w := range due {
			if !o.conclude(w) {
				return
			}
		}
		if len(due) > 0 {
			clear(due)
			continue
		}
		if wait == 0 {
			wait = time.Hour
		}
		timer.Reset(wait)
		select {
		case <-o.p.life.Done():
			return
		case <-o.wake:
		case <-timer.C:
		}
	}
}

// conclude ends an event. False: the pipeline stopped.
func (o *order) conclude(w *waiter) bool {
	if w.job.lane.isLost() {
		w.force.release(w.slot)
		o.p.duplicate.Add(1) // another manager evaluates it
		return true
	}
	if !o.p.conclude(w.force, w.job, w.ev, w.slot) {
		return false
	}
	if w.job.held.Add(-1) == 0 {
		w.job.done()
	}
	return true
}

func (l *lane) isLost() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}

// waiting is a heap of events.
type waiting []*waiter

// Len is part of heap.Interface.
func (h *waiting) Len() int { return len(*h) }

// Swap is part of heap.Interface.
func (h *waiting) Swap(i, j int) { (*h)[i], (*h)[j] = (*h)[j], (*h)[i] }

// Less orders by time, agent and sequence; of one agent's spools the one that came first.
func (h *waiting) Less(i, j int) bool {
	a, b := (*h)[i], (*h)[j]
	return cmp.Or(
		a.at.Compare(b.at), cmp.Compare(a.job.agent.ID, b.job.agent.ID), cmp.Compare(a.ev.GetSequence(), b.ev.GetSequence()), a.since.Compare(b.since),
	) < 0
}

// Push is part of heap.Interface.
func (h *waiting) Push(x any) { *h = append(*h, x.(*waiter)) }

// Pop is part of heap.Interface.
func (h *waiting) Pop() any {
	last := len(*h) - 1
	w := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return w
}
