package cloudtrail

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"armor/agent/spool"
)

// History is which objects an agent remembers to have read.
type History struct{ objects *objects }

// ReadHistory reads what the agent with a data directory remembers. The agent may run meanwhile: a copy of its spool is read.
func ReadHistory(dataDir string) (_ *History, err error) {
	from := filepath.Join(dataDir, "spool")
	entries, err := os.ReadDir(from)
	if err != nil {
		return nil, fmt.Errorf("reading the agent's spool: %w", err)
	}
	dir, err := os.MkdirTemp("", "armor-history-")
	if err != nil {
		return nil, fmt.Errorf("copying the agent's spool: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	for _, entry := range entries {
		if !entry.Type().IsRegular() {
			continue
		}
		if err := copyFile(filepath.Join(dir, entry.Name()), filepath.Join(from, entry.Name())); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("copying the agent's spool: %w", err)
		}
	}
	s, _, err := spool.Open(spool.Options{Dir: dir})
	if err != nil {
		return nil, fmt.Errorf("reading the copy of the agent's spool: %w", err)
	}
	return &History{newObjects(s.Positions(objectsInput), time.Now)}, s.Close()
}

// Read says whether an object was read whole.
func (h *History) Read(bucket, key string) bool {
	k, ok := h.objects.rest[idOf(bucket, key)]
	return ok && k.state == objectDone
}

func copyFile(to, from string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close())
}
