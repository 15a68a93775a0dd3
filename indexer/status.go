package indexer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	armorv1 "armor/proto/armor/v1"
)

// counter is a conservation counter.
type counter struct{ n atomic.Uint64 }

func (c *counter) inc()          { c.n.Add(1) }
func (c *counter) value() uint64 { return c.n.Load() }

// counters are the conservation counters: received = indexed + duplicate + redelivered + deadLetter, once every alert that
// was taken is finished or given back.
type counters struct {
	received, indexed, duplicate, redelivered, deadLetter counter
}

func (c *counters) each(f func(name string, n *counter)) {
	f("received", &c.received)
	f("indexed", &c.indexed)
	f("duplicate", &c.duplicate)
	f("redelivered", &c.redelivered)
	f("dead_letter", &c.deadLetter)
}

// problems say why the indexer does not do its work at this moment.
type problems struct {
	mu   sync.Mutex
	list map[string]error
}

func (p *problems) set(part string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		delete(p.list, part)
		return
	}
	if p.list == nil {
		p.list = make(map[string]error)
	}
	p.list[part] = err
}

func (p *problems) err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var parts []string
	for part := range p.list {
		parts = append(parts, part)
	}
	slices.Sort(parts)
	var errs []error
	said := make(map[string]bool)
	for _, part := range parts {
		if text := p.list[part].Error(); !said[text] { // writers have the same to say
			said[text] = true
			errs = append(errs, fmt.Errorf("%s: %w", part, p.list[part]))
		}
	}
	return errors.Join(errs...)
}

// Ready says why alerts are not moving at this moment; nil: they are.
func (x *Indexer) Ready() error {
	if !x.running.Load() {
		return errors.New("not running")
	}
	return errors.Join(x.deps.Stream.Ready(), x.problems.err())
}

// Status is the state of the indexer for StatusService.
func (x *Indexer) Status() *armorv1.ComponentStatus {
	s := &armorv1.ComponentStatus{Name: "indexer", Ready: true, Counters: map[string]uint64{}, Gauges: map[string]float64{}}
	if err := x.Ready(); err != nil {
		s.Ready, s.Reason = false, err.Error()
	}
	x.counters.each(func(name string, n *counter) { s.Counters[name] = n.value() })
	s.Gauges["held"] = float64(x.held.Load())
	if n := x.pending.Load(); n >= 0 {
		s.Gauges["pending"] = float64(n)
	}
	if n := x.letters.Load(); n >= 0 {
		s.Gauges["dead_letters"] = float64(n)
	}
	s.Gauges["lag_seconds"] = x.lag()
	return s
}

// lag is how long ago the manager decided on the alert that was finished last; 0: nothing is pending.
func (x *Indexer) lag() float64 {
	at := x.detected.Load()
	if at == 0 || x.pending.Load() == 0 && x.held.Load() == 0 {
		return 0
	}
	return max(0, x.deps.Now().Sub(time.Unix(0, at)).Seconds())
}

// observe asks now and then how much is pending, and how many dead letters there are.
func (x *Indexer) observe(ctx context.Context) {
	for {
		n, err := x.deps.Stream.Pending(ctx, Durable)
		if err != nil {
			x.pending.Store(-1)
		} else {
			x.pending.Store(int64(n))
		}
		if n, err = x.deps.Stream.LetterCount(ctx); err != nil {
			x.letters.Store(-1)
		} else {
			x.letters.Store(int64(n))
		}
		if !sleep(ctx, 2*time.Second) {
			return
		}
	}
}
