// Package bench measures: events through the engine, and CloudTrail records from a folder to stored alerts. It prints what a
// machine does per second of CPU, so that runs on a busy machine can be compared.
package bench

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"armor/rules"
)

// chunk is how many lines a worker takes at once.
const chunk = 256

// Sink makes something of an alert that fired, appending to dst; the bench throws it away.
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

// Lines gives the lines of an input that are not empty, without copying it.
func Lines(input string) ([]string, error) {
	lines := split(input)
	if len(lines) == 0 {
		return nil, ErrNoLines
	}
	return lines, nil
}

// Engine evaluates every line once. Workers evaluate chunks of lines in parallel; sink may be nil. The engine should be new:
// what it remembers of earlier runs changes what it does.
func Engine(engine *rules.Engine, lines []string, workers int, sink Sink) EngineResult {
	size := int64(0)
	for _, line := range lines {
		size += int64(len(line)) + 1
	}
	var alerts atomic.Int64
	var next atomic.Int64
	runtime.GC()
	before := measure()
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			x := engine.NewEvaluation()
			var buffer []byte
			fired := int64(0)
			for {
				end := int(next.Add(chunk))
				begin := end - chunk
				if begin >= len(lines) {
					break
				}
				for _, line := range lines[begin:min(end, len(lines))] {
					event := rules.Event{Location: "bench", Log: line}
					engine.Decode(&event, x)
					verdict := engine.Match(x)
					if !verdict.Alert {
						continue
					}
					fired++
					if sink != nil {
						buffer = sink(buffer[:0], &event, verdict)
					}
				}
			}
			alerts.Add(fired)
		})
	}
	running.Wait()
	used := measure().since(before)
	n := float64(len(lines))
	return EngineResult{
		Runs: 1, Events: len(lines), Bytes: size, Alerts: alerts.Load(), Workers: workers,
		WallSeconds: used.wall.Seconds(), CPUSeconds: used.cpu.Seconds(),
		EventsPerCPU: n / max(used.cpu.Seconds(), 1e-9), EventsPerSecond: n / max(used.wall.Seconds(), 1e-9),
		AllocsPerEvent: float64(used.mallocs) / n, PeakRSSBytes: used.peak,
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

func split(text string) []string {
	lines := make([]string, 0, strings.Count(text, "\n")+1)
	for len(text) > 0 {
		line := text
		if end := strings.IndexByte(text, '\n'); end >= 0 {
			line, text = text[:end], text[end+1:]
		} else {
			text = ""
		}
		if line != "" {
			lines = append(lines, line)
		}
	}
	return lines
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
