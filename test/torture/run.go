package torture

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"armor/test/torture/lines"
	"armor/test/torture/plot"
	"armor/test/torture/rig"
	"armor/test/torture/soak"
	"armor/test/torture/tally"
)

// Config says how long and how hard.
type Config struct {
	// Seed of every choice. Times of arrival are the machine's: the same seed gives the same plan, not the same run.
	Seed uint64
	// Duration during which lines are offered.
	Duration time.Duration
	// Kills over that time.
	Kills int
	// Long: millions of alerts will be stored.
	Long bool
	// Rate of lines a second, over all sources.
	Rate float64
	// Agents and the sources of each.
	Agents, Sources int
	// Quiet lines that come with each line that raises an alert; Rate counts only these.
	Quiet int
	// Outage is how long first NATS and then all managers are away, instead of kills and broken links.
	Outage time.Duration
	// DrainLimit is how long the store may lag behind at the end.
	DrainLimit time.Duration
}

// Summary is the outcome of a run.
type Summary struct {
	Began    time.Time      `json:"began"`
	Seed     uint64         `json:"seed"`
	Duration string         `json:"duration"`
	Drained  string         `json:"drained_after"`
	Offered  uint64         `json:"offered"`
	Kills    int            `json:"kills"`
	Faults   map[string]int `json:"faults"`
	// Store is the ledger over the alert store; its order is that of the search, so out of order is not counted there.
	Store tally.Report `json:"store"`
	// Stream is the ledger over the alert stream in its order; a line may stand there twice, the store has it once.
	Stream tally.Report `json:"stream"`
	// Outages say how those went.
	Outages []Outage `json:"outages,omitempty"`
	// Soak says of each process whether memory, goroutines and open files stayed flat.
	Soak     []soak.Verdict `json:"soak"`
	Problems []string       `json:"problems,omitempty"`
}

// run is one run.
type run struct {
	t    testing.TB
	cfg  Config
	rig  *rig.Rig
	data *plot.Data

	neighbours sync.Mutex
	sources    []*lines.Source
	observer   *rig.Observer

	mu      sync.Mutex
	summary Summary
}

func (r *run) problem(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.summary.Problems = append(r.summary.Problems, fmt.Sprintf(format, args...))
}

// Run makes a run and says what came out. It returns when the store has caught up, or has not within the limit.
func Run(t testing.TB, cfg Config) (Summary, *plot.Data) {
	t.Helper()
	r := &run{t: t, cfg: cfg, rig: rig.New(t, cfg.Agents, cfg.Seed, cfg.Long), data: &plot.Data{}}
	r.summary = Summary{Began: time.Now().UTC(), Seed: cfg.Seed, Duration: cfg.Duration.String(), Faults: map[string]int{}}
	if cfg.Outage > 0 {
		r.summary.Duration = "two outages of " + cfg.Outage.String()
	}
	names := make([]string, 0, cfg.Agents*cfg.Sources)
	for i := range cfg.Agents {
		for j := range cfg.Sources {
			name := fmt.Sprintf("a%d-s%d", i+1, j+1)
			names = append(names, name)
			s := lines.NewSource(r.rig.Folder(i), name, cfg.Seed+uint64(len(names)))
			s.Quiet = cfg.Quiet
			r.sources = append(r.sources, s)
		}
	}
	stream, store := tally.New(true, names...), tally.New(false, names...)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var err error
	if r.observer, err = r.rig.Observe(ctx, stream); err != nil {
		t.Fatal(err)
	}
	if err := r.rig.Start(); err != nil {
		t.Fatal(err)
	}
	var watching, offering, lanes sync.WaitGroup
	watch, stopWatch := context.WithCancel(ctx)
	watching.Go(func() { r.observer.Run(watch) })
	watching.Go(func() { r.sample(watch) })
	offer, stopOffer := context.WithCancel(ctx)
	for _, s := range r.sources {
		offering.Go(func() {
			if err := s.Run(offer, cfg.Rate/float64(len(r.sources)), 0); err != nil {
				r.problem("%v", err)
			}
		})
	}
	if cfg.Outage > 0 {
		lanes.Go(func() { r.outages(ctx) })
	} else {
		lanes.Go(func() { r.lane("kills", 1, func(rng *rand.Rand) []Step { return Kills(rng, cfg.Kills, cfg.Duration) }) })
		lanes.Go(func() { r.lane("links", 2, func(rng *rand.Rand) []Step { return Links(rng, cfg.Duration) }) })
	}
	select {
	case <-time.After(cfg.Duration):
	case <-ctx.Done():
	}
	lanes.Wait() // lines are offered until the last fault is over
	stopOffer()
	offering.Wait()
	r.drain(ctx)
	stopWatch()
	watching.Wait()
	r.summary.Soak = r.judge()
	return r.close(ctx, stream, store), r.data
}

// lane carries one plan out. Steps that come late, because the one before took longer than planned, follow at once.
func (r *run) lane(name string, stream uint64, plan func(*rand.Rand) []Step) {
	rng := rand.New(rand.NewPCG(r.cfg.Seed, stream))
	steps := plan(rng)
	due := time.Now()
	for i, s := range steps {
		due = due.Add(s.Wait)
		time.Sleep(time.Until(due))
		due = due.Add(s.Hold)
		r.t.Logf("%s %d/%d: %s", name, i+1, len(steps), s)
		r.mark(s)
		if err := r.inflict(s, rng); err != nil {
			r.problem("%s: %v", s.Name, err)
		}
	}
}

func (r *run) mark(s Step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.summary.Faults[s.Name]++
	if isKill(s.Name) {
		r.summary.Kills++
	}
	r.data.Mark(time.Since(r.summary.Began), s.Hold, s.Name)
}

func (r *run) offered() (total uint64, by map[string]uint64) {
	by = map[string]uint64{}
	for _, s := range r.sources {
		by[s.Name] = s.Offered()
		total += by[s.Name]
	}
	return total, by
}

// drain waits until everything is in the store and every process is at rest.
func (r *run) drain(ctx context.Context) {
	began := time.Now()
	total, _ := r.offered()
	for last := began; ; {
		stored, err := r.rig.Stored(ctx)
		if err == nil && stored < total {
			err = fmt.Errorf("%d of %d alerts are stored", stored, total)
		}
		if err == nil {
			err = r.rig.Balanced(ctx)
		}
		if err == nil && r.observer.Seen() < total {
			err = fmt.Errorf("%d of %d alerts were seen in the stream", r.observer.Seen(), total)
		}
		if err == nil || time.Since(began) > r.cfg.DrainLimit {
			if err != nil {
				r.problem("not at rest after %s: %v", r.cfg.DrainLimit, err)
			}
			r.summary.Drained = time.Since(began).Round(time.Second).String()
			return
		}
		if time.Since(last) > 5*time.Second {
			last = time.Now()
			r.t.Logf("draining: %v", err)
		}
		time.Sleep(250 * time.Millisecond)
	}
}

// close reads the store and makes the ledgers.
func (r *run) close(ctx context.Context, stream, store *tally.Tally) Summary {
	if err := r.rig.ReadStore(ctx, r.summary.Began, store); err != nil {
		r.problem("%v", err)
	}
	if err := r.rig.Stop(); err != nil {
		r.problem("%v", err)
	}
	total, by := r.offered()
	r.summary.Offered = total
	r.summary.Store, r.summary.Stream = store.Close(by), stream.Close(by)
	return r.summary
}
