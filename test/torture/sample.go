package torture

import (
	"context"
	"sync"
	"time"

	"armor/test/torture/plot"
	"armor/test/torture/soak"
)

const (
	sampleEvery = time.Second
	tellEvery   = 10 * time.Second
)

// sample measures the run once a second and tells progress.
func (r *run) sample(ctx context.Context) {
	ticker := time.NewTicker(sampleEvery)
	defer ticker.Stop()
	last := make([]uint64, len(r.rig.Agents))  // receipted, as the agent said last
	spool := make([]uint64, len(r.rig.Agents)) // spooled, likewise
	var receipted, stored uint64
	for told := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for i := range r.rig.Agents {
			counters, err := r.rig.AgentCounters(ctx, i)
			if err != nil {
				continue // it is down: what it said last stands
			}
			if counters["receipted"] < last[i] {
				last[i] = 0 // it was started again
			}
			receipted += counters["receipted"] - last[i]
			last[i], spool[i] = counters["receipted"], counters["spooled"]
		}
		if n, err := r.rig.Stored(ctx); err == nil {
			stored = n
		}
		p := plot.Point{At: time.Since(r.summary.Began), Receipted: receipted, Published: r.observer.Seen(), Stored: stored, Usage: r.usage(ctx)}
		p.Offered, _ = r.offered()
		for _, n := range spool {
			p.Spooled += n
		}
		r.mu.Lock()
		r.data.Points = append(r.data.Points, p)
		kills := r.summary.Kills
		r.mu.Unlock()
		if time.Since(told) > tellEvery {
			told = time.Now()
			r.t.Logf("%s: offered %d, in the stream %d, stored %d, spooled %d, kills %d",
				p.At.Round(time.Second), p.Offered, p.Published, p.Stored, p.Spooled, kills)
		}
	}
}

// usage asks every process at once what it uses: one that is stopped answers late.
func (r *run) usage(ctx context.Context) map[string]soak.Usage {
	var mu sync.Mutex
	var asked sync.WaitGroup
	out := map[string]soak.Usage{}
	for _, process := range r.rig.Processes() {
		asked.Go(func() {
			if u, ok := process.Usage(ctx); ok {
				mu.Lock()
				defer mu.Unlock()
				out[process.Name] = u
			}
		})
	}
	asked.Wait()
	return out
}

// judge says whether what the processes used stayed flat.
func (r *run) judge() []soak.Verdict {
	r.mu.Lock()
	defer r.mu.Unlock()
	samples := make([]soak.Sample, 0, len(r.data.Points))
	for _, p := range r.data.Points {
		samples = append(samples, soak.Sample{At: p.At, Usage: p.Usage})
	}
	return soak.Judge(samples)
}
