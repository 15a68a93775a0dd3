package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// lock keeps a second agent out of a data directory. It goes with the process, however that ends.
type lock struct{ file *os.File }

func lockDir(dir string) (*lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data_dir: %w", err)
	}
	name := filepath.Join(dir, "agent.lock")
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data_dir: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		holder := "another process"
		if text, readErr := os.ReadFile(name); readErr == nil && len(text) > 0 {
			holder = "process " + strings.TrimSpace(string(text))
		}
		return nil, errors.Join(fmt.Errorf("data_dir: %s is in use by %s; give each agent a folder of its own", dir, holder), f.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking %s: %w", name, err), f.Close())
	}
	// Who holds it is only for the message above: a full disk does not matter.
	_ = f.Truncate(0)
	_, _ = f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	return &lock{f}, nil
}

// place tells a data directory from its copies: its lock file has another inode in a copy of the folder, and a machine that is
// a clone has another machine id. Empty: the system does not tell.
func (l *lock) place() string {
	info, err := l.file.Stat()
	if err != nil {
		return ""
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	machine, err := os.ReadFile("/etc/machine-id") // containers often have none
	if err != nil {
		machine = nil
	}
	sum := sha256.Sum256(fmt.Appendf(machine, "\x00%d", stat.Ino))
	return hex.EncodeToString(sum[:16])
}

func (l *lock) release() error { return l.file.Close() }
