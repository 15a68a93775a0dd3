package agent

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"armor/internal/testenv"
)

// TestRealFullDisk: on a file system without room the inputs pause and the agent says so; when there is room again it goes on by
// itself, and every line comes once.
func TestRealFullDisk(t *testing.T) {
	disk := t.TempDir()
	err := syscall.Mount("armor-test", disk, "tmpfs", 0, "size=6m")
	testenv.Require(t, err == nil, fmt.Sprintf("a small file system cannot be mounted here (run as root): %v", err))
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	m, conn := newManager(t)
	dir := t.TempDir()
	var text bytes.Buffer
	var want []string
	for n := range 4000 {
		line := fmt.Sprintf("%06d %s", n, strings.Repeat("x", 1000))
		want = append(want, line)
		text.WriteString(line + "\n")
	}
	write(t, filepath.Join(dir, "a.log"), []byte("first\n"))
	cfg := Config{
		Agent: Identity{ID: "a1"}, DataDir: filepath.Join(disk, "data"), Conn: conn, Spool: SpoolConfig{MaxBytes: 64 << 20, SegmentBytes: 256 << 10},
		Inputs: []InputConfig{{Type: "logfile", Path: filepath.Join(dir, "*.log")}},
	}
	for _, when := range []string{"while it runs", "before it starts"} {
		ballast := filepath.Join(disk, "ballast")
		fill := func() {
			f, err := os.Create(ballast)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			for err = nil; err == nil; {
				_, err = f.Write(make([]byte, 4096))
			}
		}
		if when == "before it starts" {
			fill()
		}
		a, stop := run(t, cfg, nil)
		if when == "while it runs" {
			until(t, m, "idle", a.Idle)
			fill()
			write(t, filepath.Join(dir, "b.log"), text.Bytes())
		} else {
			write(t, filepath.Join(dir, "c.log"), []byte("last\n"))
		}
		until(t, m, when+": it says that the disk is full", func() bool {
			st := a.Status()
			return !st.GetReady() && strings.Contains(st.GetReason(), syscall.ENOSPC.Error())
		})
		conserved(t, a)
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		until(t, m, when+": it goes on by itself", func() bool { return a.Idle() && a.Status().GetReady() })
		conserved(t, a)
		stop()
	}
	_, lines := m.told(t)
	if got := lines[1 : len(lines)-1]; lines[0] != "first" || lines[len(lines)-1] != "last" || !slices.Equal(got, want) {
		t.Errorf("%d lines, want %d", len(lines), len(want)+2)
	}
}
