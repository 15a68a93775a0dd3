package torture

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// managersAway is the step that leaves no manager.
const managersAway = "away managers"

// Outage is a part that was away for a time, and what came of it.
type Outage struct {
	Name string `json:"name"`
	// Spooled is how many events the agents held when it ended.
	Spooled uint64 `json:"spooled"`
	// CaughtUp is how long it then took until they held no more than they do while all is well.
	CaughtUp string `json:"caught_up_after"`
}

const (
	// settle is the time before the first outage.
	settle = 10 * time.Second
	// behind is how many seconds of lines the agents may hold while all is well.
	behind = 2
	// catchUpLimit is how long catching up may take.
	catchUpLimit = 5 * time.Minute
)

// outages takes NATS away, and then the managers. Each time what the agents read must stay in their spools, and be handed over
// within five minutes after, while lines go on.
func (r *run) outages(ctx context.Context) {
	rng := rand.New(rand.NewPCG(r.cfg.Seed, 3))
	time.Sleep(settle)
	for _, name := range []string{killNATS, managersAway} {
		s := Step{Hold: r.cfg.Outage, Name: name}
		r.t.Logf("outage: %s", s)
		r.mark(s)
		if err := r.inflict(s, rng); err != nil {
			r.problem("%s: %v", name, err)
		}
		o := Outage{Name: s.String(), Spooled: r.spooled(ctx)}
		began := time.Now()
		for r.spooled(ctx) > uint64(behind*r.cfg.Rate)*uint64(r.cfg.Quiet+1) {
			if time.Since(began) > catchUpLimit {
				r.problem("%s: not caught up after %s", name, catchUpLimit)
				break
			}
			time.Sleep(250 * time.Millisecond)
		}
		o.CaughtUp = time.Since(began).Round(100 * time.Millisecond).String()
		r.t.Logf("outage: %s: %d events in the spools, caught up after %s", s, o.Spooled, o.CaughtUp)
		if least := uint64(r.cfg.Rate * r.cfg.Outage.Seconds() / 2); o.Spooled < least {
			r.problem("%s: only %d events were in the spools: the outage was none", name, o.Spooled)
		}
		r.mu.Lock()
		r.summary.Outages = append(r.summary.Outages, o)
		r.mu.Unlock()
	}
}

// spooled is how many events the agents hold.
func (r *run) spooled(ctx context.Context) (n uint64) {
	for i := range r.rig.Agents {
		counters, err := r.rig.AgentCounters(ctx, i)
		if err != nil {
			r.problem("asking an agent for its counters: %v", fmt.Errorf("agent %d: %w", i+1, err))
			continue
		}
		n += counters["spooled"]
	}
	return n
}
