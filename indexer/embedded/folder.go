package embedded

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"armor/indexer/store"
)

const (
	filePrefix = "armor-alerts-"
	fileSuffix = ".db"
	lockName   = "writer.lock"
)

// path is the file of a month.
func (s *Store) path(month string) string {
	return filepath.Join(s.dir, filePrefix+month+fileSuffix)
}

// months lists the months that have a file, newest first.
func (s *Store) months() ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("listing the alert store: %w", err)
	}
	var months []string
	for _, e := range entries {
		month, ok := strings.CutPrefix(e.Name(), filePrefix)
		if !ok {
			continue
		}
		if month, ok = strings.CutSuffix(month, fileSuffix); !ok {
			continue
		}
		if _, ok := store.Month.End(month); ok {
			months = append(months, month)
		}
	}
	slices.Sort(months)
	slices.Reverse(months)
	return months, nil
}

// dsn is the address of a file for the SQLite driver.
func dsn(path string, params ...string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: strings.Join(params, "&")}
	return u.String()
}

// lockFolder takes the lock that keeps a second writer away. The system frees it with the process.
func lockFolder(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the alert store: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, store.Permanent("the alert store in %s is in use by another process: stop that one, or choose another folder", filepath.Dir(path))
		}
		return nil, fmt.Errorf("locking the alert store: %w", err)
	}
	return f, nil
}

// magic is what every SQLite file begins with.
var magic = []byte("SQLite format 3\x00")

// checkHeader looks at the first bytes and the length of a file: damage that SQLite would find late or not at all.
func checkHeader(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("opening a month of alerts: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("opening a month of alerts: %w", err)
	}
	if info.Size() == 0 {
		return nil // just made, or all of it is still in the write-ahead log
	}
	header := make([]byte, 100)
	if _, err := io.ReadFull(f, header); err != nil {
		return &DamagedError{File: path, Err: errors.New("it ends within its header")}
	}
	if !bytes.HasPrefix(header, magic) {
		return &DamagedError{File: path, Err: errors.New("it is not a SQLite file")}
	}
	return nil
}

// DamagedError says that a file cannot be read, and what to do.
type DamagedError struct {
	// File that is damaged.
	File string
	// Err is what SQLite says.
	Err error
}

// Error names the file and the remedy.
func (e *DamagedError) Error() string {
	return fmt.Sprintf("alert store file %s is damaged (%v): stop the process and move the file and its -wal and -shm files away "+
		"(new alerts go to a new file), then try `sqlite3 %s .recover` on the copy to save its alerts",
		e.File, e.Err, filepath.Base(e.File))
}

// Unwrap gives SQLite's error.
func (e *DamagedError) Unwrap() error { return e.Err }
