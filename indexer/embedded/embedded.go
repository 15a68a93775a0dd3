// Package embedded keeps alerts in SQLite files of one calendar month each, for a machine without Elasticsearch. What
// Write has called created survives the death of the process and of the machine, and no id is stored twice in a month.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"armor/indexer/store"
)

// Options are the rare settings of a store.
type Options struct {
	// Log is told about what was deleted and what is damaged; nil: nobody is.
	Log *slog.Logger
	// Now is the clock that `now` in queries reads; nil: the machine's.
	Now func() time.Time
}

// Store is a folder of month files.
type Store struct {
	dir      string
	readOnly bool
	log      *slog.Logger
	now      func() time.Time
	lock     *os.File

	leastRows int64 // of a stretch

	spare  spare        // processors for questions
	files  sync.RWMutex // held for reading while a file is used, for writing while files are deleted
	write  sync.Mutex   // one transaction at a time
	mu     sync.Mutex   // guards what follows
	writer map[string]*writer
	reader map[string]*reader
	clock  uint64 // counts uses, to know the longest unused
	closed bool
}

var _ store.Store = (*Store)(nil)

// Open opens or makes the store in a folder, for this process alone to write. A second process gets an error.
func Open(dir string, opts Options) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the alert store's folder: %w", err)
	}
	s := newStore(dir, opts)
	lock, err := lockFolder(filepath.Join(dir, lockName))
	if err != nil {
		return nil, err
	}
	s.lock = lock
	s.reportDamage()
	return s, nil
}

// OpenReadOnly opens the store in a folder for questions, beside a running writer or without one, also where this
// process may not write. Write and DeleteBefore give a permanent error.
func OpenReadOnly(dir string, opts Options) (*Store, error) {
	if info, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("opening the alert store: %w", err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("opening the alert store: %s is not a folder", dir)
	}
	s := newStore(dir, opts)
	s.readOnly = true
	return s, nil
}

func newStore(dir string, opts Options) *Store {
	s := &Store{
		dir: dir, log: opts.Log, now: opts.Now, leastRows: leastRows,
		writer: make(map[string]*writer), reader: make(map[string]*reader),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s
}

// Ready looks whether the folder is there. A damaged month is told by Open and by the questions and writes that touch it:
// the others are to go on.
func (s *Store) Ready(ctx context.Context) error {
	if _, err := s.months(); err != nil {
		return err
	}
	return ctx.Err()
}

// reportDamage says in the log which files cannot be read.
func (s *Store) reportDamage() {
	months, err := s.months()
	if err != nil {
		return
	}
	for _, m := range months {
		if err := checkHeader(s.path(m)); err != nil {
			s.log.Error("a month of alerts cannot be read; the others go on", "error", err)
		}
	}
}

// Close waits for what is under way, moves the write-ahead logs into the files and closes them.
func (s *Store) Close() error {
	s.files.Lock()
	defer s.files.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	for _, r := range s.reader {
		errs = append(errs, r.close())
	}
	for _, w := range s.writer {
		errs = append(errs, w.close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// DeleteBefore deletes the files of the months that ended before t, and names them.
func (s *Store) DeleteBefore(_ context.Context, t time.Time) ([]string, error) {
	if s.readOnly {
		return nil, errReadOnly
	}
	s.files.Lock()
	defer s.files.Unlock()
	months, err := s.months()
	if err != nil {
		return nil, err
	}
	var deleted []string
	for _, m := range months {
		end, _ := store.Month.End(m)
		if end.After(t) {
			continue
		}
		if err := s.delete(m); err != nil {
			return deleted, err
		}
		deleted = append(deleted, filepath.Base(s.path(m)))
		s.log.Info("deleted a month of alerts by retention", "file", s.path(m))
	}
	return deleted, nil
}

func (s *Store) delete(month string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.reader[month]; r != nil {
		_ = r.close() // the file goes away
		delete(s.reader, month)
	}
	if w := s.writer[month]; w != nil {
		_ = w.close()
		delete(s.writer, month)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(s.path(month) + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("deleting a month of alerts: %w", err)
		}
	}
	return nil
}

var (
	errReadOnly = store.Permanent("the alert store was opened for reading only")
	errClosed   = store.Permanent("the alert store is closed")
)
