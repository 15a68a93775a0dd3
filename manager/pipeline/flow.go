package pipeline

import (
	"context"
	"sync"
)

// flow counts the batches between the beginning of their evaluation and their commit, and can hold new ones back.
type flow struct {
	mu      sync.Mutex
	under   int
	held    bool
	changed chan struct{} // closed and replaced at every change that somebody may wait for
}

func newFlow() *flow { return &flow{changed: make(chan struct{})} }

func (f *flow) wake() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// enter counts one in, after the holding back, or at once when ctx ends.
func (f *flow) enter(ctx context.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.held && ctx.Err() == nil {
		changed := f.changed
		f.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		f.mu.Lock()
	}
	f.under++
}

// leave counts n out.
func (f *flow) leave(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.under -= n; f.under == 0 {
		f.wake()
	}
}

// Quiet calls f at a moment at which all that was ever evaluated is finished and nothing is being evaluated: what the engine
// remembers then is what the finished events left. Evaluation waits meanwhile. False: ctx ended before there was such a moment.
func (p *Pipeline) Quiet(ctx context.Context, f func()) bool {
	w := p.flow
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = true
	defer func() {
		w.held = false
		w.wake()
	}()
	for w.under > 0 {
		changed := w.changed
		w.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		w.mu.Lock()
		if ctx.Err() != nil && w.under > 0 {
			return false
		}
	}
	f()
	return true
}
