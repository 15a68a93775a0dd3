package indexer

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A trouble is said at its beginning, now and then, and at its end; one that was never said has no end either.
func TestTroubleIsSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said strings.Builder
		log := slog.New(slog.NewTextHandler(&said, nil))
		newBackOff(time.Second, time.Minute).over(log, "works again")
		wait := newBackOff(time.Second, time.Minute)
		for range 100 {
			wait.report(log, "it fails", errors.New("no"))
			time.Sleep(time.Second)
		}
		wait.over(log, "works again")
		if fails, ends := strings.Count(said.String(), "it fails"), strings.Count(said.String(), "works again"); fails != 4 || ends != 1 {
			t.Errorf("%d lines of failure, %d of the end:\n%s", fails, ends, said.String())
		}
	})
}

// However long a trouble lasts, waits stay between half the longest and the longest, and differ; news ends them.
func TestWaitsAreBoundedAndJittered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		times := usualTiming()
		wait := newBackOff(times.first, times.longest)
		seen := map[time.Duration]bool{}
		for n := range 400 { // more than an hour
			began := time.Now()
			if !wait.sleep(t.Context()) {
				t.Fatal("ended")
			}
			d := time.Since(began)
			if d > times.longest || n > 10 && d < times.longest/2 {
				t.Errorf("wait %d took %v", n, d)
			}
			seen[d] = true
		}
		if len(seen) < 300 {
			t.Errorf("%d different waits of 400", len(seen))
		}
		var change news
		began := time.Now()
		next := change.next()
		time.AfterFunc(time.Millisecond, change.tell)
		if !wait.sleepUntil(t.Context(), next) || time.Since(began) != time.Millisecond || wait.next != times.first {
			t.Errorf("news after %v, next wait %v", time.Since(began), wait.next)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if wait.sleepUntil(ctx, change.next()) {
			t.Error("slept although the context had ended")
		}
	})
}
