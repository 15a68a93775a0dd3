package endtoend

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Sustained is a measurement of as many events a second as the machine can handle: from the start of the agent, which finds its
// file full of lines, to the last alert on NATS and the last receipt in the agent.
type Sustained struct {
	Events          uint64  `json:"events"`
	Alerts          uint64  `json:"alerts"`
	WallSeconds     float64 `json:"wall_seconds"`
	EventsPerSecond float64 `json:"events_per_second"`
	// EventsPerCPU is the events in a second of CPU of all programs but the measuring one.
	EventsPerCPU float64 `json:"events_per_cpu_second"`
	// AgentLinesPerCPU is the lines from file to spool to receipt in a second of the agent's CPU.
	AgentLinesPerCPU float64 `json:"agent_lines_per_cpu_second"`
	Usage            Usage   `json:"usage"`
}

const (
	pollEvery = 20 * time.Millisecond
	// stuckAfter is how long nothing may move before a measurement is given up.
	stuckAfter = 2 * time.Minute
)

// Sustained measures n lines, in a folder of its own below dir.
func (m Machinery) Sustained(ctx context.Context, dir string, n uint64) (s Sustained, err error) {
	n -= n % alertEvery
	p, err := m.start(ctx, dir)
	if err != nil {
		return Sustained{}, err
	}
	defer func() { err = p.close(err) }()
	path := filepath.Join(p.dir, "bench.log")
	if err := writeLines(path, n); err != nil {
		return Sustained{}, err
	}
	u, wall, alerts, err := p.measure(ctx, "sustained", func() error { return p.startAgent(path) }, func() error { return p.await(ctx, n) })
	if err != nil {
		return Sustained{}, err
	}
	if alerts != n/alertEvery {
		return Sustained{}, fmt.Errorf("%d of %d lines were to raise an alert; on NATS there are %d", n/alertEvery, n, alerts)
	}
	return Sustained{
		Events: n, Alerts: alerts, WallSeconds: wall, EventsPerSecond: float64(n) / wall,
		EventsPerCPU:     perCPU(n, u.Agent.CPUSeconds+u.Manager.CPUSeconds+u.NATS.CPUSeconds),
		AgentLinesPerCPU: perCPU(n, u.Agent.CPUSeconds), Usage: u,
	}, nil
}

// measure starts something, waits until it is done and gives what the programs used meanwhile, the seconds and the alerts on
// NATS. The profiles that are asked for have this name.
func (p *plant) measure(ctx context.Context, name string, start, done func() error) (u Usage, wall float64, alerts uint64, err error) {
	before, err := p.meter()
	if err != nil {
		return u, 0, 0, err
	}
	if err := start(); err != nil {
		return u, 0, 0, err
	}
	profiled := p.profile(ctx, name)
	if err := done(); err != nil {
		return u, 0, 0, err
	}
	after, err := p.meter()
	if err != nil {
		return u, 0, 0, err
	}
	if err := profiled(); err != nil {
		return u, 0, 0, err
	}
	alerts, err = p.published(ctx)
	return after.since(before), after.at.Sub(before.at).Seconds(), alerts, err
}

// await waits until the agent has the receipts of n lines. A receipt follows the acknowledgement of all alerts before it.
func (p *plant) await(ctx context.Context, n uint64) error {
	return p.poll(ctx, pollEvery, fmt.Sprintf("of %d alerts on NATS", n/alertEvery), func() (uint64, bool, error) {
		alerts, err := p.published(ctx)
		if err != nil || alerts < n/alertEvery { // asking the agent costs it more
			return alerts, false, err
		}
		got, err := p.receipted(ctx)
		return alerts, err == nil && got >= n, nil
	})
}

// poll asks every so often how far it is until it is done. It gives up when that does not grow any more: so far of what.
func (p *plant) poll(ctx context.Context, every time.Duration, what string, ask func() (far uint64, done bool, err error)) error {
	moved, last := time.Now(), uint64(0)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		far, done, err := ask()
		if done || err != nil {
			return err
		}
		if far > last {
			moved, last = time.Now(), far
		}
		if time.Since(moved) > stuckAfter {
			return fmt.Errorf("nothing moved for %s: %d %s; the ends of the logs:\n%s\n%s", stuckAfter, last, what, p.agent.Tail(), p.manager.Tail())
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// writeLines writes a file of n lines.
func writeLines(path string, n uint64) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("writing the lines: %w", err)
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = fmt.Errorf("writing the lines: %w", err)
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	var line []byte
	for i := range n {
		line = appendLine(line[:0], i)
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Sync() // so that writing it back is not measured
}
