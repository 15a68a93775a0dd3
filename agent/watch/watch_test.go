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

func TestPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		if err := Poll().Wait(t.Context(), time.Second); err != nil || time.Since(start) != time.Second {
			t.Error(err, time.Since(start))
		}
	})
}
