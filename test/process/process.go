// Package process starts programs whose cost is measured: it promises that none outlives the one that started it, and tells from
// the kernel what each used.
package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Process is a program that runs.
type Process struct {
	// Name for people, such as agent.
	Name string

	cmd  *exec.Cmd
	log  string // file
	done chan struct{}
}

// stopLimit is how long a program may take to end when it is asked to.
const stopLimit = 30 * time.Second

// Start runs a program; what it says is added to the file log. Settings in ARMOR_... variables are not handed on to it.
func Start(name, log, binary string, args ...string) (*Process, error) {
	return StartWith(nil, name, log, binary, args...)
}

// StartWith is Start with further variables of the environment, each as NAME=value.
func StartWith(env []string, name, log, binary string, args ...string) (*Process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	defer out.Close()
	cmd := exec.Command(binary, args...)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = out, out, endsWithParent()
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "ARMOR_") })
	cmd.Env = append(cmd.Env, env...)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	p := &Process{Name: name, cmd: cmd, log: log, done: make(chan struct{})}
	go func() { cmd.Wait(); close(p.done) }() //nolint:errcheck // how it ended is in ProcessState
	return p, nil
}

// Stop ends it as an operator would (SIGTERM). It is an error if that takes long, or if it does not end with code 0.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping %s: %w", p.Name, err)
	}
	select {
	case <-p.done:
	case <-time.After(stopLimit):
		p.Kill()
		return fmt.Errorf("%s did not end within %s and was killed; the end of its log:\n%s", p.Name, stopLimit, p.Tail())
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("%s ended with %d; the end of its log:\n%s", p.Name, code, p.Tail())
	}
	return nil
}

// Kill ends it at once and waits until it is gone.
func (p *Process) Kill() {
	p.cmd.Process.Kill() //nolint:errcheck // it may have ended by itself
	<-p.done
}

// Await asks until ready gives nil. It is an error if the program ends first, or ctx does.
func (p *Process) Await(ctx context.Context, ready func(context.Context) error) error {
	ask := time.NewTicker(20 * time.Millisecond)
	defer ask.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s has ended (%s); the end of its log:\n%s", p.Name, p.cmd.ProcessState, p.Tail())
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w (%w); the end of its log:\n%s", p.Name, ctx.Err(), err, p.Tail())
		case <-ask.C:
		}
	}
}

// Tail is the end of its log.
func (p *Process) Tail() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4000):])
}
