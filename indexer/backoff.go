package indexer

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"
)

const (
	firstWait = 100 * time.Millisecond
	longWait  = 10 * time.Second
	sayEvery  = 30 * time.Second
)

// backOff waits longer after each failure, with jitter, and says so now and then.
type backOff struct {
	next  time.Duration
	began time.Time
	said  time.Time
	tries int
}

func newBackOff() *backOff { return &backOff{next: firstWait, began: time.Now()} }

// sleep waits; false: ctx ended.
func (b *backOff) sleep(ctx context.Context) bool {
	d := b.next/2 + rand.N(b.next/2)
	b.next = min(2*b.next, longWait)
	return sleep(ctx, d)
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
