// Package identity remembers on disk which records were read lately, by their hashes: one that is delivered again within the
// window is recognised. What it says to be known is known; what it has forgotten is evaluated again, which gives no second alert.
// Its memory does not grow with the window, but for some bits a record.
package identity

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Defaults of Options.
const (
	// DefaultSpan is how long a record is remembered.
	DefaultSpan = 48 * time.Hour
	// DefaultMaxRecords are remembered at the same time: 64 MiB on disk, 6 MiB in memory.
	DefaultMaxRecords = 4 << 20
)

// sealAt is how many records the newest segment holds in memory before it is sorted and its records stay on disk only.
const sealAt = 64 << 10

// Options of a window; zero values are the defaults.
type Options struct {
	// Span is how long a record is remembered at least, unless there are too many.
	Span time.Duration
	// MaxRecords bounds how many are remembered; the oldest are forgotten first.
	MaxRecords int
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
	// Log hears of a disk that fails. Nil: nobody.
	Log *slog.Logger
}

// Key is the part of a record's hash that is kept: 128 bits of its SHA-256.
type Key [16]byte

// KeyOf a record's SHA-256.
func KeyOf(sum *[32]byte) Key { return Key(sum[:16]) }

// Window is an open window. All methods may be called from any goroutine.
type Window struct {
	dir  string
	opts Options
	log  *slog.Logger

	mu      sync.Mutex
	active  map[Key]struct{}
	began   time.Time // of the active segment
	file    *os.File  // of the active segment; nil while the disk fails
	buf     []byte
	sealed  []*segment // oldest first
	failing bool
}

const activeName = "active.ids"

// Open opens the window in dir, or makes it. What cannot be read there is forgotten.
func Open(dir string, opts Options) (*Window, error) {
	if opts.Span == 0 {
		opts.Span = DefaultSpan
	}
	if opts.MaxRecords == 0 {
		opts.MaxRecords = DefaultMaxRecords
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of known records: %w", err)
	}
	w := &Window{dir: dir, opts: opts, log: opts.Log, active: map[Key]struct{}{}, began: opts.Now()}
	if err := w.load(); err != nil {
		return nil, fmt.Errorf("reading the known records: %w", err)
	}
	return w, nil
}

// load reads what an earlier process left.
func (w *Window) load() error {
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := entry.Name()
		number, ok := strings.CutPrefix(name, "sealed-")
		until, err := strconv.ParseInt(strings.TrimSuffix(number, ".ids"), 10, 64)
		if !ok || err != nil {
			if strings.HasSuffix(name, ".tmp") {
				_ = os.Remove(filepath.Join(w.dir, name))
			}
			continue
		}
		seg, err := openSegment(filepath.Join(w.dir, name), time.Unix(0, until))
		if err != nil {
			w.log.Warn("known records cannot be read; they are forgotten", "file", name, "error", err)
			_ = os.Remove(filepath.Join(w.dir, name))
			continue
		}
		w.sealed = append(w.sealed, seg)
	}
	slices.SortFunc(w.sealed, func(a, b *segment) int { return a.until.Compare(b.until) })
	path := filepath.Join(w.dir, activeName)
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if info, err := os.Stat(path); err == nil && len(data) > 0 {
		w.began = info.ModTime()
	}
	for i := 0; i+len(Key{}) <= len(data); i += len(Key{}) {
		w.active[Key(data[i:])] = struct{}{}
	}
	if w.file, err = os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	// A write that was cut off leaves part of a key.
	_, err = w.file.Seek(int64(len(data)/len(Key{})*len(Key{})), 0)
	return err
}

// Has says whether a record is known.
func (w *Window) Has(key Key) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.active[key]; ok {
		return true
	}
	oldest := w.opts.Now().Add(-w.opts.Span)
	for _, seg := range slices.Backward(w.sealed) {
		if seg.until.Before(oldest) {
			return false
		}
		if seg.has(key) {
			return true
		}
	}
	return false
}

// Add makes records known. They must be safe elsewhere by then: a record that is known is never read again. If the disk fails, they
// are known for as long as the process lives.
func (w *Window) Add(keys []Key) {
	if len(keys) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf = w.buf[:0]
	for _, key := range keys {
		w.active[key] = struct{}{}
		w.buf = append(w.buf, key[:]...)
	}
	if w.file != nil {
		_, err := w.file.Write(w.buf)
		w.trouble(err)
	}
	if now := w.opts.Now(); len(w.active) >= sealAt || now.Sub(w.began) > w.opts.Span/16 {
		w.trouble(w.seal(now))
	}
}

// trouble tells of a disk that fails, once.
func (w *Window) trouble(err error) {
	if err != nil && !w.failing {
		w.log.Warn("known records cannot be written; after a restart some may be evaluated again", "error", err)
	}
	w.failing = err != nil
}

// seal sorts the active segment into a file of its own and begins another; the oldest ones go.
func (w *Window) seal(now time.Time) error {
	if len(w.active) > 0 {
		seg, err := writeSegment(filepath.Join(w.dir, fmt.Sprintf("sealed-%019d.ids", now.UnixNano())), now, w.active)
		if err != nil {
			if len(w.active) >= 4*sealAt { // the disk does not recover: memory is bounded all the same
				clear(w.active)
			}
			return err
		}
		w.sealed = append(w.sealed, seg)
		clear(w.active)
	}
	w.began = now
	err := w.file.Truncate(0)
	if err == nil {
		_, err = w.file.Seek(0, 0)
	}
	return errors.Join(err, w.expire(now))
}

// expire removes what is too old and what is too much.
func (w *Window) expire(now time.Time) (err error) {
	total := 0
	for _, seg := range w.sealed {
		total += seg.count
	}
	for len(w.sealed) > 0 && (now.Sub(w.sealed[0].until) > w.opts.Span || total > w.opts.MaxRecords) {
		total -= w.sealed[0].count
		err = errors.Join(err, w.sealed[0].remove())
		w.sealed = w.sealed[1:]
	}
	return err
}

// Len is how many records are known.
func (w *Window) Len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(w.active)
	for _, seg := range w.sealed {
		n += seg.count
	}
	return n
}

// Close releases the files.
func (w *Window) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	errs := []error{w.file.Close()}
	for _, seg := range w.sealed {
		errs = append(errs, seg.file.Close())
	}
	return errors.Join(errs...)
}
