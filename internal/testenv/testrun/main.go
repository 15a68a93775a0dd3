// Command testrun runs `go test` on packages, shows progress by package, and promises that its last lines say what ran: how
// many packages and tests, each failure with its output, and each skipped test with its reason. Its exit code is 1 when
// anything failed or nothing ran.
//
// Usage: testrun [flags of go test] packages...
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

// Two packages at a time keep a small machine busy and starve no test; nothing counts that did not run now.
var always = []string{"test", "-json", "-p", "2", "-count", "1", "-timeout", "45m"}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string) int {
	began := time.Now()
	cmd := exec.CommandContext(ctx, "go", append(always, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.Stderr = os.Stderr
	events, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "running go test:", err)
		return 1
	}
	r := newReport(os.Stdout)
	readErr := r.read(events)
	waitErr := cmd.Wait()
	r.finish(time.Since(began))
	switch {
	case readErr != nil:
		fmt.Fprintln(os.Stderr, "reading what go test says:", readErr)
	case waitErr != nil && !r.failed():
		fmt.Fprintln(os.Stderr, "go test:", waitErr)
	case !r.failed() && r.passed > 0:
		return 0
	}
	return 1
}
