// Package watch wakes an input when something in the folders that it reads may have changed: never later than a poll, and with
// notifications of the file system at once.
package watch

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Watcher wakes one input.
type Watcher interface {
	// Watch adds a folder. Adding it again does no harm; a folder that cannot be watched is polled.
	Watch(dir string)
	// Wait returns when something may have changed since it returned last, or after atMost, or with the error of ctx.
	Wait(ctx context.Context, atMost time.Duration) error
	// Close ends the watching.
	Close() error
}

// settle is the least time between two wakings: a file that is being written is looked at this often. After a quiet time the
// first change wakes at once.
const settle = 10 * time.Millisecond

type notifier struct {
	log    *slog.Logger
	fs     *fsnotify.Watcher
	wake   chan struct{}
	woken  time.Time // last
	refuse sync.Once
}

// New watches with notifications of the file system. Where there are none it polls, and says so once.
func New(log *slog.Logger) Watcher {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		log.Warn("no notifications of the file system; looking for changes at intervals", "error", err)
		return Poll()
	}
	n := &notifier{log: log, fs: w, wake: make(chan struct{}, 1)}
	go n.listen()
	return n
}

// listen folds the notifications into one that something changed. An overflow of the kernel's queue is a change too.
func (n *notifier) listen() {
	for {
		select {
		case event, ok := <-n.fs.Events:
			if !ok {
				return
			}
			if event.Op == fsnotify.Chmod {
				continue
			}
		case _, ok := <-n.fs.Errors:
			if !ok {
				return
			}
		}
		select {
		case n.wake <- struct{}{}:
		default:
		}
	}
}

func (n *notifier) Watch(dir string) {
	if err := n.fs.Add(dir); err != nil {
		n.refuse.Do(func() {
			n.log.Warn("a folder cannot be watched; looking for changes at intervals", "folder", dir, "error", err)
		})
	}
}

func (n *notifier) Wait(ctx context.Context, atMost time.Duration) error {
	timer := time.NewTimer(atMost)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
	case <-n.wake:
		if early := settle - time.Since(n.woken); early > 0 {
			timer.Reset(min(early, atMost))
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-timer.C:
			}
		}
	}
	select {
	case <-n.wake: // what came meanwhile is seen at this look
	default:
	}
	n.woken = time.Now()
	return nil
}

func (n *notifier) Close() error { return n.fs.Close() }

type poller struct{}

// Poll only waits: every Wait lasts as long as it may.
func Poll() Watcher { return poller{} }

func (poller) Watch(string) {}

func (poller) Wait(ctx context.Context, atMost time.Duration) error {
	timer := time.NewTimer(atMost)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

func (poller) Close() error { return nil }
