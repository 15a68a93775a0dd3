package indexer

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// sayEvery is how often a trouble that lasts is said.
const sayEvery = 30 * time.Second

// backOff waits longer after each failure, with jitter, and says so now and then.
type backOff struct {
	first, longest time.Duration

	next  time.Duration
	began time.Time
	said  time.Time
	tries int
}

func newBackOff(first, longest time.Duration) *backOff {
	return &backOff{first: first, longest: longest, next: first, began: time.Now()}
}

func (x *Indexer) newBackOff() *backOff { return newBackOff(x.times.first, x.times.longest) }

// sleep waits; false: ctx ended.
func (b *backOff) sleep(ctx context.Context) bool { return b.sleepUntil(ctx, nil) }

// sleepUntil waits, at most until wake is closed: what was in the way is gone, and waits are short again. False: ctx ended.
func (b *backOff) sleepUntil(ctx context.Context, wake <-chan struct{}) bool {
	d := b.next/2 + rand.N(b.next/2)
	b.next = min(2*b.next, b.longest)
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-wake:
		b.next = b.first
	case <-ctx.Done():
		return false
	}
	return true
}

// report logs the first failure and then one now and then.
func (b *backOff) report(log *slog.Logger, what string, err error) {
	b.tries++
	if now := time.Now(); b.tries == 1 || now.Sub(b.said) >= sayEvery {
		b.said = now
		log.Warn(what+", trying again", "tries", b.tries, "error", err)
	}
}

// over logs the end of a trouble that was reported.
func (b *backOff) over(log *slog.Logger, what string) {
	if b.tries > 0 {
		log.Info(what, "tries", b.tries, "after", time.Since(b.began).Round(time.Millisecond))
	}
}

// sleep waits for d; false: ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// news tells many at once that something has changed. Its zero value is ready.
type news struct {
	mu sync.Mutex
	ch chan struct{}
}

// next is closed at the next change.
func (n *news) next() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ch == nil {
		n.ch = make(chan struct{})
	}
	return n.ch
}

// tell says that something has changed.
func (n *news) tell() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ch != nil {
		close(n.ch)
		n.ch = nil
	}
}
