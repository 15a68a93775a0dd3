package test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	runLimit  = 4 * time.Minute       // for a program that must end by itself
	seeLimit  = 2 * time.Minute       // for a state that must come about
	seeEvery  = 20 * time.Millisecond // between two looks at it
	stopLimit = 45 * time.Second      // for a program to end after SIGTERM
)

// process is a running program.
type process struct {
	name string
	cmd  *exec.Cmd
	out  *transcript // standard output
	log  *transcript // standard error
	done chan struct{}
}

// transcript keeps what a program writes, and may be read meanwhile.
type transcript struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(p)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

// tail is the end of it, for failures.
func (t *transcript) tail() string {
	text := t.String()
	if len(text) > 3000 {
		text = "..." + text[len(text)-3000:]
	}
	return text
}

// start runs a program; it is killed at the end of the test at the latest.
func start(t testing.TB, name string, args ...string) *process {
	t.Helper()
	p := &process{name: name, cmd: exec.Command(program(t, name), args...), out: &transcript{}, log: &transcript{}, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.log
	p.cmd.SysProcAttr = endsWithParent()
	p.cmd.Dir = t.TempDir()
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() { p.cmd.Wait(); close(p.done) }() // how it ended is in ProcessState
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s %v: %s\n-- standard output:\n%s\n-- standard error:\n%s", name, args, p.cmd.ProcessState, p.out.tail(), p.log.tail())
		}
	})
	return p
}

// kill ends it as a crash would.
func (p *process) kill() {
	p.cmd.Process.Kill() // it may have ended
	<-p.done
}

// interrupt sends what Ctrl-C sends and waits for the exit code.
func (p *process) interrupt(t testing.TB) int {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatalf("interrupt %s: %v", p.name, err)
	}
	return p.wait(t, stopLimit)
}

// wait gives the exit code of a program that ends by itself.
func (p *process) wait(t testing.TB, limit time.Duration) int {
	t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(limit):
		p.cmd.Process.Signal(syscall.SIGQUIT) // for the goroutines in its log
		<-p.done
		t.Fatalf("%s did not end within %s:\n%s", p.name, limit, p.log.tail())
		return 0
	}
}

// peakMemory is the largest resident memory so far, in bytes.
func (p *process) peakMemory(t testing.TB) int64 {
	t.Helper()
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), "status"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kilobytes, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kilobytes << 10
		}
	}
	t.Fatal("the kernel says nothing of peak memory")
	return 0
}

// result is what a program that has ended left.
type result struct {
	code        int
	out, errors string
}

// call runs a program to its end.
func call(t testing.TB, name string, args ...string) result {
	t.Helper()
	return callWith(t, "", name, args...)
}

// callWith runs a program to its end, with a text on its standard input.
func callWith(t testing.TB, input, name string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), runLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program(t, name), args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &errs
	cmd.Dir = t.TempDir()
	cmd.SysProcAttr = endsWithParent()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s %v: %v", name, args, err)
	}
	if ctx.Err() != nil {
		t.Fatalf("%s %v did not end within %s:\n%s\n%s", name, args, runLimit, tail(out.String()), tail(errs.String()))
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

func tail(text string) string { return (&transcript{b: *bytes.NewBufferString(text)}).tail() }

// must fails the test unless the program ended with 0, and gives its standard output.
func (r result) must(t testing.TB) string {
	t.Helper()
	if r.code != 0 {
		t.Fatalf("exit code %d\n-- standard output:\n%s\n-- standard error:\n%s", r.code, tail(r.out), tail(r.errors))
	}
	return r.out
}

// eventually waits until look gives nil.
func eventually(t testing.TB, what string, look func() error) {
	t.Helper()
	deadline := time.Now().Add(seeLimit)
	for {
		err := look()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s: %v", what, seeLimit, err)
		}
		time.Sleep(seeEvery)
	}
}

// says is a look for a text in a transcript.
func (t *transcript) says(text string) func() error {
	return func() error {
		if strings.Contains(t.String(), text) {
			return nil
		}
		return fmt.Errorf("%q was not said", text)
	}
}
