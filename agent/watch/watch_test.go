package watch

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

func TestNotified(t *testing.T) {
	dir := t.TempDir()
	w := New(slog.New(slog.DiscardHandler))
	defer w.Close()
	w.Watch(dir)
	w.Watch(filepath.Join(dir, "missing"))
	if err := os.WriteFile(filepath.Join(dir, "new"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := w.Wait(ctx, time.Hour); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := w.Wait(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

// The first change wakes at once, those that follow no more often than they may, and none is missed.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &notifier{wake: make(chan struct{}, 1)}
		start := time.Now()
		waits := func(want time.Duration) {
			t.Helper()
			if err := n.Wait(t.Context(), time.Second); err != nil || time.Since(start) != want {
				t.Errorf("%v, awake after %v; expected %v", err, time.Since(start), want)
			}
		}
		n.wake <- struct{}{}
		waits(0)
		n.wake <- struct{}{}
		waits(settle)
		n.wake <- struct{}{}
		go func() {
			time.Sleep(settle / 2)
			n.wake <- struct{}{} // before the waking: not one of its own
		}()
		waits(2 * settle)
		waits(2*settle + time.Second)
		n.wake <- struct{}{}
		waits(3*settle + time.Second)
		time.Sleep(settle)
		n.wake <- struct{}{}
		waits(4*settle + time.Second)
	})
}

func TestPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		if err := Poll().Wait(t.Context(), time.Second); err != nil || time.Since(start) != time.Second {
			t.Error(err, time.Since(start))
		}
	})
}
