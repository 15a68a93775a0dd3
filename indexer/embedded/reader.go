package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	sqlite3 "modernc.org/sqlite/lib"
)

// maxReaders bounds the months that are kept open for reading; one that is in use stays open anyway.
const maxReaders = 32

// reader answers questions about one month.
type reader struct {
	path  string
	info  os.FileInfo // of the file that is open: another one may take its name
	db    *sql.DB
	copy  string // folder of a copy, deleted at the end; empty: the file itself is open
	users int
	used  uint64
}

// acquire opens a month for reading. The caller gives it back with release.
func (s *Store) acquire(ctx context.Context, month string) (*reader, error) {
	path := s.path(month)
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("opening a month of alerts: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	s.clock++
	if r := s.reader[month]; r != nil {
		if r.fresh(info) {
			r.users++
			r.used = s.clock
			return r, nil
		}
		delete(s.reader, month)
		if r.users == 0 {
			_ = r.close()
		}
	}
	s.evict()
	r, err := openReader(ctx, path, info)
	if err != nil {
		return nil, err
	}
	r.users, r.used = 1, s.clock
	s.reader[month] = r
	return r, nil
}

// fresh tells whether the open file is still the one of that name. A copy is of a moment: it serves one question.
func (r *reader) fresh(info os.FileInfo) bool {
	return r.copy == "" && os.SameFile(r.info, info)
}

func (s *Store) release(month string, r *reader) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.users--
	if r.users > 0 {
		return
	}
	if s.reader[month] != r || r.copy != "" || s.closed {
		if s.reader[month] == r {
			delete(s.reader, month)
		}
		_ = r.close()
	}
}

// evict makes room for one more reader.
func (s *Store) evict() {
	for len(s.reader) >= maxReaders {
		oldest := ""
		for m, r := range s.reader {
			if r.users == 0 && (oldest == "" || r.used < s.reader[oldest].used) {
				oldest = m
			}
		}
		if oldest == "" {
			return
		}
		_ = s.reader[oldest].close()
		delete(s.reader, oldest)
	}
}

// openReader opens a file for reading in the first way that works: beside a writer, as a file that nobody writes, or as
// a copy with its write-ahead log, for a folder where this process may not write.
func openReader(ctx context.Context, path string, info os.FileInfo) (*reader, error) {
	if err := checkHeader(path); err != nil {
		return nil, err
	}
	r := &reader{path: path, info: info}
	err := r.open(ctx, path, "mode=ro")
	if err == nil || !cannotShare(err) {
		return r, err
	}
	wal, statErr := os.Stat(path + "-wal")
	if errors.Is(statErr, fs.ErrNotExist) || statErr == nil && wal.Size() == 0 {
		return r, r.open(ctx, path, "mode=ro", "immutable=1")
	}
	if r.copy, err = copyMonth(path); err != nil {
		return nil, err
	}
	if err := r.open(ctx, filepath.Join(r.copy, filepath.Base(path))); err != nil {
		_ = os.RemoveAll(r.copy)
		return nil, err
	}
	return r, nil
}

// cannotShare tells that SQLite could not make the shared memory that a write-ahead log needs.
func cannotShare(err error) bool {
	switch code(err) {
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR:
		return true
	}
	return false
}

func (r *reader) open(ctx context.Context, path string, params ...string) error {
	params = append(params, "_pragma=busy_timeout(10000)", "_pragma=query_only(1)", "_pragma=cache_size(-16384)")
	db, err := sql.Open("sqlite", dsn(path, params...))
	if err != nil {
		return errWith(r.path, "opening alerts", err)
	}
	db.SetMaxOpenConns(4 + runtime.GOMAXPROCS(0))
	db.SetMaxIdleConns(1)
	if _, err := checkVersion(ctx, db, r.path); err != nil {
		_ = db.Close()
		return err
	}
	r.db = db
	return nil
}

func (r *reader) close() error {
	err := r.db.Close()
	if r.copy != "" {
		err = errors.Join(err, os.RemoveAll(r.copy))
	}
	return err
}

// copyMonth copies a file and its write-ahead log to a folder of its own.
func copyMonth(path string) (string, error) {
	dir, err := os.MkdirTemp("", "armor-alerts-")
	if err != nil {
		return "", fmt.Errorf("copying %s, which cannot be read where it is: %w", path, err)
	}
	for _, name := range []string{path + "-wal", path} { // the log first: what is checkpointed meanwhile is in the file
		if err := copyFile(filepath.Join(dir, filepath.Base(name)), name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			_ = os.RemoveAll(dir)
			return "", fmt.Errorf("copying %s, which cannot be read where it is: %w", path, err)
		}
	}
	return dir, nil
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		_ = out.Close()
		return err
	}
	return out.Close()
}
