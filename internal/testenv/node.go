package testenv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// node is a neighbour that runs as a process and can be started again on its data.
type node struct {
	name    string
	logFile string
	command func() *exec.Cmd
	ready   func(context.Context) error
	// watchesInput: it ends by itself, and tidies up, when its standard input does.
	watchesInput bool

	cmd   *exec.Cmd
	input io.Closer
	done  chan struct{} // closed when the process has ended
}

const (
	readyPoll    = 50 * time.Millisecond // between two looks at a neighbour that starts
	readyTell    = 10 * time.Second      // between two lines of progress
	stopLimit    = 30 * time.Second      // before a process that does not stop is killed
	logTailBytes = 4 << 10               // of the log that a failure shows
)

// Start runs the process and waits until it answers; it tells progress, and fails the test with the end of the log.
func (n *node) Start(t testing.TB) {
	t.Helper()
	if err := n.start(t.Context(), t.Logf); err != nil {
		t.Fatal(err)
	}
}

func (n *node) start(ctx context.Context, logf func(string, ...any)) error {
	if n.running() {
		return fmt.Errorf("starting %s: it runs already", n.name)
	}
	log, err := os.OpenFile(n.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("starting %s: %w", n.name, err)
	}
	defer log.Close()
	cmd := n.command()
	cmd.Stdout, cmd.Stderr = log, log
	if !n.watchesInput {
		cmd.SysProcAttr = endsWithParent()
	}
	input, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("starting %s: %w", n.name, err)
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", n.name, err)
	}
	done := make(chan struct{})
	n.cmd, n.input, n.done = cmd, input, done
	go func() { cmd.Wait(); close(done) }() //nolint:errcheck // how it ended is in ProcessState
	return n.await(ctx, began, logf)
}

// await looks until the process answers, ends, or is out of time.
func (n *node) await(ctx context.Context, began time.Time, logf func(string, ...any)) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	look, tell := time.NewTicker(readyPoll), time.NewTicker(readyTell)
	defer look.Stop()
	defer tell.Stop()
	last := errors.New("it was not asked yet")
	for {
		select {
		case <-n.done:
			return fmt.Errorf("%s ended while it started (%s); the end of its log:\n%s", n.name, n.cmd.ProcessState, n.logTail())
		case <-ctx.Done():
			n.Kill()
			return fmt.Errorf("%s did not answer within %s (%w); the end of its log:\n%s", n.name, readyLimit, last, n.logTail())
		case <-tell.C:
			logf("waiting for %s since %s: %v", n.name, time.Since(began).Round(time.Second), last)
		case <-look.C:
			if last = n.ready(ctx); last == nil {
				logf("%s answers after %s (pid %d)", n.name, time.Since(began).Round(10*time.Millisecond), n.PID())
				return nil
			}
		}
	}
}

// PID is the process id, 0 when it does not run.
func (n *node) PID() int {
	if !n.running() {
		return 0
	}
	return n.cmd.Process.Pid
}

// Kill ends the process at once (SIGKILL) and waits until it is gone. Its data stay.
func (n *node) Kill() {
	if !n.running() {
		return
	}
	n.cmd.Process.Kill() //nolint:errcheck // it may have ended by itself meanwhile
	<-n.done
	n.input.Close() // nothing was written
}

// Stop ends the process as an operator would (SIGTERM) and waits. Its data stay.
func (n *node) Stop(t testing.TB) {
	t.Helper()
	if !n.running() {
		return
	}
	n.cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have ended by itself meanwhile
	select {
	case <-n.done:
		n.input.Close() // nothing was written
	case <-time.After(stopLimit):
		n.Kill()
		t.Errorf("%s did not stop within %s and was killed; the end of its log:\n%s", n.name, stopLimit, n.logTail())
	}
}

// Pause holds the process (SIGSTOP), as a machine that hangs would; Resume lets it go on.
func (n *node) Pause(t testing.TB) {
	t.Helper()
	n.signal(t, syscall.SIGSTOP)
}

// Resume lets a paused process go on.
func (n *node) Resume(t testing.TB) {
	t.Helper()
	n.signal(t, syscall.SIGCONT)
}

func (n *node) signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if !n.running() {
		t.Fatalf("%s does not run", n.name)
	}
	if err := n.cmd.Process.Signal(s); err != nil {
		t.Fatalf("sending %s to %s: %v", s, n.name, err)
	}
}

func (n *node) running() bool {
	if n.cmd == nil {
		return false
	}
	select {
	case <-n.done:
		return false
	default:
		return true
	}
}

func (n *node) logTail() string {
	content, err := os.ReadFile(n.logFile)
	if err != nil {
		return err.Error()
	}
	if len(content) > logTailBytes {
		content = content[len(content)-logTailBytes:]
	}
	return strings.TrimSpace(string(content))
}
