// Package soak tells from samples over time whether what a process uses stays flat: no leak of memory, goroutines or files.
package soak

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Usage is what a process uses at a moment; a part that could not be asked for is 0.
type Usage struct {
	// Memory is resident, in bytes.
	Memory int64 `json:"memory_bytes"`
	// Files are open, sockets included.
	Files int `json:"open_files"`
	// Goroutines of the program.
	Goroutines int `json:"goroutines"`
}

// Sample is what all processes use at a moment. A process that does not run is not in it.
type Sample struct {
	At    time.Duration
	Usage map[string]Usage // by process
}

// Slack is how much more than at the beginning a figure may be at the end: half as much again, and this.
const (
	slackMemory     = 64 << 20
	slackFiles      = 32
	slackGoroutines = 64
)

// shortest is the shortest time that is judged: before that a process is still warming up.
const shortest = 5 * time.Minute

// Verdict is about one figure of one process: the medians of the first and the last third of the time, and whether the last
// is no more than the first and the slack.
type Verdict struct {
	Process string  `json:"process"`
	Figure  string  `json:"figure"`
	First   float64 `json:"first"`
	Last    float64 `json:"last"`
	Most    float64 `json:"most"`
	Judged  bool    `json:"judged"`
	Flat    bool    `json:"flat"`
}

// figures are what is judged.
var figures = []struct {
	name  string
	slack float64
	of    func(Usage) float64
}{
	{"memory MiB", slackMemory / (1 << 20), func(u Usage) float64 { return float64(u.Memory) / (1 << 20) }},
	{"open files", slackFiles, func(u Usage) float64 { return float64(u.Files) }},
	{"goroutines", slackGoroutines, func(u Usage) float64 { return float64(u.Goroutines) }},
}

// Judge gives a verdict for each figure of each process, in order of the processes' names.
func Judge(samples []Sample) []Verdict {
	if len(samples) == 0 {
		return nil
	}
	begin, span := samples[0].At, samples[len(samples)-1].At-samples[0].At
	names := map[string]bool{}
	for _, s := range samples {
		for name := range s.Usage {
			names[name] = true
		}
	}
	var out []Verdict
	for _, name := range slices.Sorted(maps.Keys(names)) {
		for _, f := range figures {
			v := Verdict{Process: name, Figure: f.name}
			var first, last []float64
			for _, s := range samples {
				n := f.of(s.Usage[name])
				if n == 0 {
					continue
				}
				v.Most = max(v.Most, n)
				switch at := s.At - begin; {
				case at <= span/3:
					first = append(first, n)
				case at >= span-span/3:
					last = append(last, n)
				}
			}
			v.First, v.Last = median(first), median(last)
			v.Judged = span >= shortest && len(first) > 0 && len(last) > 0
			v.Flat = v.Judged && v.Last <= v.First*1.5+f.slack
			out = append(out, v)
		}
	}
	return out
}

func median(n []float64) float64 {
	if len(n) == 0 {
		return 0
	}
	slices.Sort(n)
	return n[len(n)/2]
}

// String is the verdict on one line.
func (v Verdict) String() string {
	said := "not judged: too short"
	switch {
	case v.Flat:
		said = "flat"
	case v.Judged:
		said = "GROWS"
	}
	return fmt.Sprintf("%-10s %-10s first third %7.0f, last third %7.0f, most %7.0f: %s", v.Process, v.Figure, v.First, v.Last, v.Most, said)
}
