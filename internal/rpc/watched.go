package rpc

import (
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// watched is a value made out of files, made again when one of them changes. Looking is cheap (a stat of each file, at most
// once a second), so nothing runs in the background. When the new files do not load, the old value stays and the log says why.
type watched[T any] struct {
	files []string
	load  func() (T, error)
	log   *slog.Logger

	mu     sync.Mutex
	value  T
	stamps []stamp
	looked time.Time
	now    func() time.Time
}

// stamp tells one content of a file from another: atomic replacement changes the inode's times even at equal size.
type stamp struct {
	modified time.Time
	size     int64
	missing  bool
}

const lookInterval = time.Second

// watch loads the value for the first time.
func watch[T any](files []string, load func() (T, error), log *slog.Logger) (*watched[T], error) {
	w := &watched[T]{load: load, log: log, now: time.Now}
	for _, f := range files {
		if f != "" {
			w.files = append(w.files, f)
		}
	}
	w.stamps = w.look()
	w.looked = w.now()
	value, err := load()
	if err != nil {
		return nil, err
	}
	w.value = value
	return w, nil
}

// get gives the value that belongs to the files as they are.
func (w *watched[T]) get() T {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	if since := now.Sub(w.looked); since >= 0 && since < lookInterval {
		return w.value
	}
	w.looked = now
	stamps := w.look()
	if same(stamps, w.stamps) {
		return w.value
	}
	w.stamps = stamps // also on failure: the same broken files are told once
	value, err := w.load()
	if err != nil {
		w.log.Error("files changed but do not load: going on with the old ones", "files", fmt.Sprint(w.files), "error", err)
		return w.value
	}
	w.log.Info("files changed: using the new ones", "files", fmt.Sprint(w.files))
	w.value = value
	return value
}

func (w *watched[T]) look() []stamp {
	stamps := make([]stamp, len(w.files))
	for i, f := range w.files {
		info, err := os.Stat(f)
		if err != nil {
			stamps[i] = stamp{missing: true}
			continue
		}
		stamps[i] = stamp{modified: info.ModTime(), size: info.Size()}
	}
	return stamps
}

func same(a, b []stamp) bool {
	for i := range a {
		if a[i].size != b[i].size || a[i].missing != b[i].missing || !a[i].modified.Equal(b[i].modified) {
			return false
		}
	}
	return true
}
