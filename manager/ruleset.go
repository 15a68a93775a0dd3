package manager

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"armor/manager/diagnostics"
	"armor/rules"
	"armor/rules/rulestest"
	"armor/rules/selection"
)

// keeper holds the ruleset in force and replaces it.
type keeper struct {
	load   func() (*rules.Ruleset, error)
	use    func(*rules.Engine)
	now    func() time.Time
	source string
	tests  func() ([]rulestest.Case, []error)
	limits rules.StateLimits
	events bool // windows go by the events' own times
	log    *slog.Logger

	state     rules.State // outlives reloads: rules that did not change go on with their memory
	reloading sync.Mutex  // one reload at a time

	mu      sync.Mutex
	inForce diagnostics.Ruleset
}

func sourceOf(c selection.Config) string {
	source := "built in"
	if c.Directory != "" {
		source = c.Directory
	}
	for _, overlay := range c.Overlays {
		source += " + " + overlay
	}
	return source
}

// first loads the ruleset at the start.
func (k *keeper) first() (*rules.Engine, error) {
	rs, err := k.load()
	if err != nil {
		return nil, fmt.Errorf("loading the ruleset (%s): %w", k.source, err)
	}
	k.state = rules.NewMemoryState(k.limits)
	k.set(rs)
	return k.engine(rs), nil
}

func (k *keeper) engine(rs *rules.Ruleset) *rules.Engine {
	return rules.NewEngine(rs, rules.EngineOptions{State: k.state, Now: k.now, EventTime: k.events})
}

func (k *keeper) set(rs *rules.Ruleset) {
	k.mu.Lock()
	k.inForce = diagnostics.Ruleset{Rules: rs, Loaded: k.now(), Source: k.source, Tests: sync.OnceValues(k.tests)}
	k.mu.Unlock()
	k.log.Info("ruleset in force", "source", k.source, "hash", rs.Hash(), "rules", len(rs.Rules()), "decoders", rs.DecoderCount(), "problems", len(rs.Problems()))
}

// InForce gives the ruleset in force.
func (k *keeper) InForce() diagnostics.Ruleset {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.inForce
}

// Reload loads the ruleset again and swaps it in. With errors the old one stays.
func (k *keeper) Reload(context.Context) (bool, error) {
	k.reloading.Lock()
	defer k.reloading.Unlock()
	rs, err := k.load()
	if err != nil {
		k.log.Error("the ruleset cannot be reloaded; the one in force stays", "source", k.source, "hash", k.InForce().Rules.Hash(), "err", err)
		return false, fmt.Errorf("reloading the ruleset (%s): %w", k.source, err)
	}
	k.use(k.engine(rs))
	k.set(rs)
	return true, nil
}
