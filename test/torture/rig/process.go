package rig

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// Process is one of Armor's programs, which is killed and started again on its data.
type Process struct {
	// Name of the part, such as agent-001.
	Name   string
	binary string
	args   []string
	log    string // file
	debug  string // address of its metrics
	ends   *syscall.SysProcAttr

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{}
}

// Start runs the program; its log is added to.
func (p *Process) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("starting %s: %w", p.Name, err)
	}
	defer log.Close()
	cmd := exec.Command(p.binary, p.args...)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = log, log, p.ends
	// Settings of the tests are none of the program's.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "ARMOR_") })
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", p.Name, err)
	}
	done := make(chan struct{})
	p.cmd, p.done = cmd, done
	go func() { cmd.Wait(); close(done) }() //nolint:errcheck // how it ended is in ProcessState
	return nil
}

// Kill ends it as a crash would (SIGKILL) and waits until it is gone. It is an error if it had ended by itself.
func (p *Process) Kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return nil
	}
	err := p.cmd.Process.Kill()
	<-p.done
	state := p.cmd.ProcessState
	p.cmd = nil
	if errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("%s had ended by itself: %s; the end of its log:\n%s", p.Name, state, p.Tail())
	}
	return err
}

// Signal sends a signal, such as SIGSTOP.
func (p *Process) Signal(s syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return nil
	}
	return p.cmd.Process.Signal(s)
}

// Interrupt ends it as an operator would and gives its exit code.
func (p *Process) Interrupt() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return 0, nil
	}
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		return 0, fmt.Errorf("interrupting %s: %w; the end of its log:\n%s", p.Name, err, p.Tail())
	}
	<-p.done
	code := p.cmd.ProcessState.ExitCode()
	p.cmd = nil
	return code, nil
}

// Tail is the end of its log.
func (p *Process) Tail() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	if len(text) > 4000 {
		text = text[len(text)-4000:]
	}
	return string(text)
}
