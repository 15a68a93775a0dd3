// Package bench measures: events through the engine, and CloudTrail records from a folder to stored alerts. It prints what a
// machine does per second of CPU, so that runs on a busy machine can be compared.
package bench

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
	"unsafe"

	"armor/rules"
)

// Sink makes something of an alert that fired, appending to dst; the bench throws it away. Each worker has one of its own.
type Sink func(dst []byte, event *rules.Event, verdict *rules.Verdict) []byte

// EngineResult is a measurement of the engine, from the first line to the last: loading is not part of it, but for the peak.
type EngineResult struct {
	Runs            int     `json:"runs"`
	Events          int     `json:"events"`
	Bytes           int64   `json:"bytes"`
	Alerts          int64   `json:"alerts"`
	Workers         int     `json:"workers"`
	WallSeconds     float64 `json:"wall_seconds"`
	CPUSeconds      float64 `json:"cpu_seconds"`
	EventsPerCPU    float64 `json:"events_per_cpu_second"`
	EventsPerSecond float64 `json:"events_per_second"`
	AllocsPerEvent  float64 `json:"allocations_per_event"`
	PeakRSSBytes    int64   `json:"peak_rss_bytes"`
}

// ErrNoLines says that there is nothing to measure.
var ErrNoLines = errors.New("the input has no lines")

// Engine evaluates every line that is not empty once. The input is read on the way, block by block; workers evaluate blocks in
// parallel. sink makes a worker's Sink; it may be nil. The engine should be new: what it remembers of earlier runs changes what
// it does.
func Engine(engine *rules.Engine, input Input, workers int, sink func() Sink) (EngineResult, error) {
	from, err := input()
	if err != nil {
		return EngineResult{}, err
	}
	defer from.Close()
	source := &blocks{from: from}
	each := make([]*worker, workers) // apart in memory, since each is written by its own goroutine
	for i := range each {
		each[i] = &worker{x: engine.NewEvaluation()}
		if sink != nil {
			each[i].sink = sink()
		}
	}
	runtime.GC()
	before := measure()
	var running sync.WaitGroup
	for i := range each {
		running.Go(func() { each[i].run(engine, source) })
	}
	running.Wait()
	used := measure().since(before)
	r := EngineResult{Runs: 1, Workers: workers, WallSeconds: used.wall.Seconds(), CPUSeconds: used.cpu.Seconds(), PeakRSSBytes: used.peak}
	for i := range each {
		w := each[i]
		if w.err != nil {
			return EngineResult{}, w.err
		}
		r.Events, r.Bytes, r.Alerts = r.Events+w.events, r.Bytes+w.bytes, r.Alerts+w.alerts
	}
	if r.Events == 0 {
		return EngineResult{}, ErrNoLines
	}
	n := float64(r.Events)
	r.EventsPerCPU, r.EventsPerSecond = n/max(used.cpu.Seconds(), 1e-9), n/max(used.wall.Seconds(), 1e-9)
	r.AllocsPerEvent = float64(used.mallocs) / n
	return r, nil
}

// worker evaluates blocks of lines.
type worker struct {
	x      *rules.Evaluation
	sink   Sink
	buffer []byte
	event  rules.Event
	events int
	bytes  int64
	alerts int64
	err    error
}

func (w *worker) run(engine *rules.Engine, source *blocks) {
	var block []byte
	for w.err == nil {
		if block, w.err = source.next(block); len(block) == 0 {
			return
		}
		// The engine keeps nothing of a line beyond the next event, so that the block can be overwritten by the next.
		rest := unsafe.String(unsafe.SliceData(block), len(block))
		for rest != "" {
			line, more, _ := strings.Cut(rest, "\n")
			rest = more
			if line != "" {
				w.evaluate(engine, line)
			}
		}
	}
}

func (w *worker) evaluate(engine *rules.Engine, line string) {
	w.events++
	w.bytes += int64(len(line)) + 1
	w.event = rules.Event{Location: "bench", Log: line}
	engine.Decode(&w.event, w.x)
	verdict := engine.Match(w.x)
	if !verdict.Alert {
		return
	}
	w.alerts++
	if w.sink != nil {
		w.buffer = w.sink(w.buffer[:0], &w.event, verdict)
	}
}

// Median takes the median of each figure over several runs.
func Median(runs []EngineResult) EngineResult {
	out := runs[0]
	out.Runs = len(runs)
	of := func(figure func(*EngineResult) float64) float64 {
		values := make([]float64, len(runs))
		for i := range runs {
			values[i] = figure(&runs[i])
		}
		slices.Sort(values)
		n := len(values) / 2
		if len(values)%2 == 1 {
			return values[n]
		}
		return (values[n-1] + values[n]) / 2
	}
	out.Alerts = int64(of(func(r *EngineResult) float64 { return float64(r.Alerts) }))
	out.WallSeconds = of(func(r *EngineResult) float64 { return r.WallSeconds })
	out.CPUSeconds = of(func(r *EngineResult) float64 { return r.CPUSeconds })
	out.EventsPerCPU = of(func(r *EngineResult) float64 { return r.EventsPerCPU })
	out.EventsPerSecond = of(func(r *EngineResult) float64 { return r.EventsPerSecond })
	out.AllocsPerEvent = of(func(r *EngineResult) float64 { return r.AllocsPerEvent })
	for i := range runs { // of a process there is only one peak: the last run knows it
		out.PeakRSSBytes = max(out.PeakRSSBytes, runs[i].PeakRSSBytes)
	}
	return out
}

// reading is how much was used up to a moment.
type reading struct {
	at      time.Time
	wall    time.Duration
	cpu     time.Duration
	mallocs uint64
	peak    int64
}

func measure() reading {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	cpu, peak := usage()
	return reading{at: time.Now(), cpu: cpu, mallocs: memory.Mallocs, peak: peak}
}

func (r reading) since(before reading) reading {
	return reading{wall: r.at.Sub(before.at), cpu: r.cpu - before.cpu, mallocs: r.mallocs - before.mallocs, peak: r.peak}
}
