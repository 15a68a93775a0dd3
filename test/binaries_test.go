// Package test runs Armor end to end: the real programs as processes, real neighbours, and a ledger of what must come out.
package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"armor/internal/testenv"
)

// programs is where the programs of this test run are.
var programs struct {
	sync.Once
	dir string
	err error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if programs.dir != "" {
		os.RemoveAll(programs.dir)
	}
	os.Exit(code)
}

// program is the path of one of Armor's programs, built once per test run out of the work tree.
func program(t testing.TB, name string) string {
	t.Helper()
	programs.Do(func() {
		programs.dir, programs.err = os.MkdirTemp("", "armor-programs-")
		if programs.err != nil {
			return
		}
		build := exec.Command("go", "build", "-pgo=off", "-o", programs.dir, "./services/...")
		build.Dir = testenv.Root(t)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			programs.err = fmt.Errorf("build the programs: %w\n%s", err, out)
		}
	})
	if programs.err != nil {
		t.Fatal(programs.err)
	}
	return filepath.Join(programs.dir, name)
}
