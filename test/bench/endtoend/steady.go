package endtoend

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

// Steady is a measurement at a rate that the machine can well handle: how long it takes from a line that is written to its
// alert on NATS, and then, with nothing written any more, what the programs use at rest.
type Steady struct {
	// Rate of lines a second that was asked for, for this long.
	Rate    uint64  `json:"lines_per_second"`
	Seconds float64 `json:"seconds"`
	Alerts  uint64  `json:"alerts"`
	// Latency is from before the write to the arrival at a subscriber of NATS, which is this program.
	Latency Latency `json:"latency"`
	Usage   Usage   `json:"usage"`
	Idle    Idle    `json:"idle"`
}

// Latency has quantiles, in milliseconds.
type Latency struct {
	P50  float64 `json:"p50_ms"`
	P90  float64 `json:"p90_ms"`
	P99  float64 `json:"p99_ms"`
	P999 float64 `json:"p999_ms"`
	Max  float64 `json:"max_ms"`
}

// Idle is what the programs use while nothing happens, in parts of one CPU, and the memory of the agent then.
type Idle struct {
	Seconds     float64 `json:"seconds"`
	Agent       float64 `json:"agent"`
	Manager     float64 `json:"manager"`
	NATS        float64 `json:"nats_server"`
	AgentMemory int64   `json:"agent_memory_bytes"`
}

const (
	// warm is how long lines are written before any is measured.
	warm = 2 * time.Second
	// writeEvery is the time between two writes to the file.
	writeEvery = time.Millisecond
	// settle is the time between the last receipt and the measurement at rest.
	settle = 3 * time.Second
)

// Steady writes rate lines a second for a time, after a moment of warming up, and then nothing for a time (0: that is
// not measured).
func (m Machinery) Steady(ctx context.Context, dir string, rate uint64, span, idle time.Duration) (s Steady, err error) {
	p, err := m.start(ctx, dir)
	if err != nil {
		return Steady{}, err
	}
	defer func() { err = p.close(err) }()
	path := filepath.Join(p.dir, "bench.log")
	w := &writer{path: path, rate: rate}
	if err := w.open(); err != nil {
		return Steady{}, err
	}
	defer w.file.Close()
	if err := p.startAgent(path); err != nil {
		return Steady{}, err
	}
	if err := w.write(ctx, warm); err != nil {
		return Steady{}, err
	}
	if err := p.await(ctx, w.next); err != nil {
		return Steady{}, err
	}
	watch, err := p.watch(w.next/alertEvery, uint64(float64(rate)*span.Seconds())/alertEvery+rate)
	if err != nil {
		return Steady{}, err
	}
	before, err := p.meter()
	if err != nil {
		return Steady{}, err
	}
	w.sent = watch.sent
	if err := w.write(ctx, span); err != nil {
		return Steady{}, err
	}
	if err := p.await(ctx, w.next); err != nil {
		return Steady{}, err
	}
	after, err := p.meter()
	if err != nil {
		return Steady{}, err
	}
	s = Steady{Rate: rate, Seconds: span.Seconds(), Usage: after.since(before)}
	if s.Alerts, s.Latency, err = watch.end(ctx, w.next/alertEvery); err != nil {
		return Steady{}, err
	}
	if idle > 0 {
		s.Idle, err = p.idle(ctx, idle)
	}
	return s, err
}

// idle measures what the programs use at rest.
func (p *plant) idle(ctx context.Context, span time.Duration) (Idle, error) {
	if err := pause(ctx, settle); err != nil {
		return Idle{}, err
	}
	before, err := p.meter()
	if err != nil {
		return Idle{}, err
	}
	if err := pause(ctx, span); err != nil {
		return Idle{}, err
	}
	after, err := p.meter()
	if err != nil {
		return Idle{}, err
	}
	u, wall := after.since(before), after.at.Sub(before.at).Seconds()
	return Idle{
		Seconds: wall, Agent: u.Agent.CPUSeconds / wall, Manager: u.Manager.CPUSeconds / wall, NATS: u.NATS.CPUSeconds / wall,
		AgentMemory: after.usage[0].Memory,
	}, nil
}

func pause(ctx context.Context, span time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(span):
		return nil
	}
}

// writer appends lines to a file at a rate.
type writer struct {
	path string
	rate uint64
	file *os.File
	next uint64             // line
	sent func(alert uint64) // called before the line of an alert is written; nil: not
	text []byte
}

func (w *writer) open() (err error) {
	if w.file, err = os.OpenFile(w.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return fmt.Errorf("writing the lines: %w", err)
	}
	return nil
}

// write writes for a time, and ends behind a line that raises an alert.
func (w *writer) write(ctx context.Context, span time.Duration) error {
	began, first := time.Now(), w.next
	total := uint64(float64(w.rate) * span.Seconds())
	total -= total % alertEvery
	tick := time.NewTicker(writeEvery)
	defer tick.Stop()
	for w.next < first+total {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		due := first + min(uint64(float64(w.rate)*time.Since(began).Seconds()), total)
		w.text = w.text[:0]
		for ; w.next < due; w.next++ {
			w.text = appendLine(w.text, w.next)
			if w.sent != nil && w.next%alertEvery == alertEvery-1 {
				w.sent(w.next / alertEvery)
			}
		}
		if _, err := w.file.Write(w.text); err != nil {
			return fmt.Errorf("writing the lines: %w", err)
		}
	}
	return nil
}

// watch sees alerts arrive.
type watch struct {
	sub   *nats.Subscription
	began time.Time
	first uint64         // alert
	times []atomic.Int64 // of each alert: when its line was written, and when it has arrived how long that took; since began

	mu      sync.Mutex
	arrived uint64
	problem error
	all     chan struct{} // closed when want have arrived
	want    uint64
}

// watch begins to watch for the alerts from the number first on, at most n.
func (p *plant) watch(first, n uint64) (*watch, error) {
	w := &watch{began: time.Now(), first: first, times: make([]atomic.Int64, n), all: make(chan struct{})}
	sub, err := p.conn.Subscribe("armor.alerts.>", w.arrive)
	if err == nil {
		err = sub.SetPendingLimits(-1, -1)
	}
	if err == nil {
		err = p.conn.Flush()
	}
	if err != nil {
		return nil, fmt.Errorf("subscribing to alerts: %w", err)
	}
	w.sub = sub
	return w, nil
}

// sent notes that the line of an alert is written now.
func (w *watch) sent(alert uint64) { w.times[alert-w.first].Store(-int64(time.Since(w.began)) - 1) }

func (w *watch) arrive(m *nats.Msg) {
	now := int64(time.Since(w.began))
	n, ok := lineNumber(m.Data)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case !ok || n < w.first || n-w.first >= uint64(len(w.times)) || w.times[n-w.first].Load() == 0:
		w.problem = fmt.Errorf("an alert that no line was to raise: %q", m.Data)
	case w.times[n-w.first].Load() > 0:
		return // published again: the stream has it once
	default:
		written := -w.times[n-w.first].Load() - 1
		w.times[n-w.first].Store(max(now-written, 1))
		w.arrived++
	}
	if w.arrived == w.want {
		close(w.all)
	}
}

// end waits until the alerts before the number are there and gives how many that were, and how long they took.
func (w *watch) end(ctx context.Context, before uint64) (uint64, Latency, error) {
	want := before - w.first
	w.mu.Lock()
	if w.want = want; w.arrived == want {
		close(w.all)
	}
	w.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, stuckAfter)
	defer cancel()
	var err error
	select {
	case <-w.all:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err := w.sub.Unsubscribe(); err != nil {
		return 0, Latency{}, fmt.Errorf("watching for alerts: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil || w.problem != nil {
		return 0, Latency{}, fmt.Errorf("watching for alerts: %d of %d arrived: %w", w.arrived, want, errors.Join(err, w.problem))
	}
	took := make([]float64, want)
	for i := range took {
		took[i] = float64(w.times[i].Load()) / float64(time.Millisecond)
	}
	return want, latency(took), nil
}

// latency takes the quantiles: of each, the smallest time that this part of all does not exceed.
func latency(took []float64) Latency {
	if len(took) == 0 {
		return Latency{}
	}
	slices.Sort(took)
	at := func(quantile float64) float64 { return took[min(int(quantile*float64(len(took))), len(took)-1)] }
	return Latency{P50: at(0.5), P90: at(0.9), P99: at(0.99), P999: at(0.999), Max: took[len(took)-1]}
}
