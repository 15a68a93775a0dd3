// Package agent reads events on a host and hands each to a manager: what was read is on disk before it counts as read, and
// leaves the disk only when the manager says that it was evaluated and its alert stored.
package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	"armor/agent/cloudtrail"
	"armor/agent/gate"
	"armor/agent/spool"
	"armor/agent/uplink"
	"armor/internal/rpc"
	armorv1 "armor/proto/armor/v1"
)

// Agent is inputs, a spool and the uplink to a manager.
type Agent struct {
	cfg  Config
	id   string
	log  *slog.Logger
	lock *lock
	conn *grpc.ClientConn
	own  bool // conn is to be closed
	lag  prometheus.Histogram

	parts  atomic.Pointer[parts] // nil while the spool cannot be opened
	close  sync.Once
	closed error

	mu      sync.Mutex
	waiting error // why the spool cannot be opened
}

// parts are what runs on an open spool.
type parts struct {
	spool  *spool.Spool
	uplink *uplink.Uplink
	inputs []input
	gates  []*gate.Gate       // of the inputs, in the same order
	trail  *cloudtrail.Intake // of the cloudtrail inputs; nil: there are none
	self   *selfwatch
}

// New checks cfg, locks the data directory and opens the spool in it. Run releases both when it returns; an agent that is
// never run is released by Close. A disk that is full or fails is no error: Run waits until it works. reg may be nil.
func New(cfg Config, log *slog.Logger, reg prometheus.Registerer) (*Agent, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	id, err := cfg.id()
	if err != nil {
		return nil, err
	}
	if cfg.Agent.Name == "" {
		cfg.Agent.Name = id
	}
	a := &Agent{cfg: cfg, id: id, log: log, conn: cfg.Conn, lag: newLag()}
	if a.lock, err = lockDir(cfg.DataDir); err != nil {
		return nil, err
	}
	if a.conn == nil {
		a.own = true
		if a.conn, err = rpc.Dial(cfg.Manager, log); err != nil {
			return nil, errors.Join(err, a.Close())
		}
	}
	if err := a.open(); err != nil && !spool.Retryable(err) {
		return nil, errors.Join(err, a.Close())
	}
	if reg != nil {
		if err := reg.Register(collector{a}); err != nil {
			return nil, errors.Join(fmt.Errorf("registering the agent's metrics: %w", err), a.Close())
		}
	}
	return a, nil
}

// open opens the spool and makes what runs on it.
func (a *Agent) open() error {
	s, found, err := spool.Open(spool.Options{
		Dir: filepath.Join(a.cfg.DataDir, "spool"), MaxBytes: a.cfg.Spool.MaxBytes, SegmentBytes: a.cfg.Spool.SegmentBytes,
		Keep: a.cfg.Spool.keep(), Place: a.lock.place(), Log: a.log,
	})
	a.mu.Lock()
	a.waiting = err
	a.mu.Unlock()
	if err != nil {
		return err
	}
	a.report(found)
	p := &parts{spool: s, trail: a.newIntake(s)}
	p.uplink = uplink.New(uplink.Config{
		AgentID: a.id, AgentName: a.cfg.Agent.Name, Version: a.cfg.Version, Report: func() *armorv1.AgentReport { return a.reportOf(p) },
	}, a.conn, s, a.log)
	for i := range a.cfg.Inputs {
		in := &a.cfg.Inputs[i]
		g := gate.New(in.gate(), s, a.log)
		p.gates = append(p.gates, g)
		p.inputs = append(p.inputs, newInput(a, in, p, g))
	}
	p.self = newSelfwatch(a, p, &found)
	a.parts.Store(p)
	return nil
}

// report logs what opening the spool found.
func (a *Agent) report(found spool.Recovery) {
	for _, gap := range found.Gaps {
		a.log.Error("spool: events are lost", "events", gap.Last-gap.First+1, "spool", gap.SpoolID, "first", gap.First, "last", gap.Last, "reason", gap.Reason)
	}
	for _, warning := range found.Warnings {
		a.log.Warn("spool: " + warning)
	}
	if found.Renewed != "" {
		a.log.Warn("spool: it has a new id; events without a receipt are sent under it", "reason", found.Renewed)
	}
	if found.Torn > 0 {
		a.log.Info("spool: a batch was being written when the process ended; it is read again", "bytes", found.Torn)
	}
	if found.Events > 0 {
		a.log.Info("spool: events from before are sent first", "events", found.Events)
	}
}

// Run reads and sends until ctx ends; its error is nil then. Other errors are an input's that cannot go on.
func (a *Agent) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.awaitSpool(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	p := a.parts.Load()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	run := func(what string, work func(context.Context) error) {
		wg.Go(func() {
			if err := work(ctx); err != nil && ctx.Err() == nil {
				stop(fmt.Errorf("%s: %w", what, err))
			}
		})
	}
	run("uplink", p.uplink.Run)
	run("self", p.self.run)
	for i, in := range p.inputs {
		run("input "+a.cfg.Inputs[i].name(), in.Run)
	}
	<-ctx.Done()
	wg.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) && !errors.Is(cause, context.DeadlineExceeded) {
		return cause
	}
	return nil
}

// awaitSpool opens the spool if New could not, and tries until the disk works.
func (a *Agent) awaitSpool(ctx context.Context) error {
	pause := time.Second
	for a.parts.Load() == nil {
		a.mu.Lock()
		waiting := a.waiting
		a.mu.Unlock()
		a.log.Error("the spool cannot be opened; trying again", "error", waiting, "next attempt in", pause)
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case <-timer.C:
		}
		pause = min(2*pause, 30*time.Second)
		if err := a.open(); err != nil && !spool.Retryable(err) {
			return err
		}
	}
	return nil
}

// Close releases the data directory of an agent that is not run. It does no harm otherwise, once Run has returned.
func (a *Agent) Close() error {
	a.close.Do(func() {
		var errs []error
		if p := a.parts.Load(); p != nil {
			errs = append(errs, p.spool.Close())
			if p.trail != nil {
				errs = append(errs, p.trail.Close())
			}
		}
		if a.own && a.conn != nil {
			errs = append(errs, a.conn.Close())
		}
		a.closed = errors.Join(append(errs, a.lock.release())...)
	})
	return a.closed
}
