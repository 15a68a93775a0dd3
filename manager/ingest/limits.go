package ingest

import (
	"errors"
	"fmt"
	"math"

	"golang.org/x/time/rate"
)

// Limits hold agents back that send too much. What an agent may not send yet stays in its spool.
type Limits struct {
	// EventsPerSecond is what one agent may send on average, for as long as it likes; 0: as much as it can.
	EventsPerSecond float64 `yaml:"events_per_second"`
	// Burst is how many events it may send at once beyond that; 0: those of 10 seconds, and at least 1,000.
	Burst int `yaml:"burst"`
	// Agents have other limits than the rest, by agent id; 0: none.
	Agents map[string]float64 `yaml:"agents"`
}

// leastBurst is a batch.
const leastBurst = 1000

// Validate reports everything that is wrong.
func (l Limits) Validate() error {
	var errs []error
	bad := func(v float64) bool { return v < 0 || math.IsNaN(v) || v > 0 && v < 1 }
	if bad(l.EventsPerSecond) {
		errs = append(errs, fmt.Errorf("limits: events_per_second is %g; it must be at least 1, or 0 for no limit", l.EventsPerSecond))
	}
	if l.Burst != 0 && l.Burst < leastBurst {
		errs = append(errs, fmt.Errorf("limits: burst is %d; it must be at least %d, which is a batch", l.Burst, leastBurst))
	}
	for id, v := range l.Agents {
		if bad(v) {
			errs = append(errs, fmt.Errorf("limits: agents: %s is %g; it must be at least 1, or 0 for no limit", id, v))
		}
	}
	return errors.Join(errs...)
}

// limiter makes the limiter of an agent's stream; nil: it has no limit.
func (l Limits) limiter(agentID string) *rate.Limiter {
	perSecond := l.EventsPerSecond
	if own, ok := l.Agents[agentID]; ok {
		perSecond = own
	}
	if perSecond == 0 {
		return nil
	}
	burst := l.Burst
	if burst == 0 {
		burst = int(max(10*perSecond, leastBurst))
	}
	return rate.NewLimiter(rate.Limit(perSecond), burst)
}
