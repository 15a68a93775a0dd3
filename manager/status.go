package manager

import (
	"github.com/prometheus/client_golang/prometheus"

	"armor/manager/pipeline"
	armorv1 "armor/proto/armor/v1"
	"armor/rules"
)

// Status tells how the manager is: the conservation counters accepted, alerted, silent, duplicate and failed (at rest the
// first is the sum of the others), and the gauges in_flight (events), publishing (alerts without acknowledgement) and agents
// (connected); of what those report agents_spooled (events), agents_lag_seconds (the age of the oldest), and, when not 0,
// agents_lost and agents_dropped (events); of the engine's memory the gauges state_events, state_bytes and state_keys, and by cause the counters
// state_evicted_<cause> of what was forgotten before its time. pattern_given_up counts events on which a pattern took too
// much work (they are among the alerted or silent ones). What journalStatus says of the journal comes on top. Counters beside
// the conservation ones are there when not 0.
func (m *Manager) Status() *armorv1.ComponentStatus {
	c := m.pipeline.Counts()
	st := m.ruleset.state.Stats()
	out := &armorv1.ComponentStatus{
		Name: "manager",
		Counters: map[string]uint64{
			"accepted": c.Accepted, "alerted": c.Alerted, "silent": c.Silent, "duplicate": c.Duplicate, "failed": c.Failed,
		},
		Gauges: map[string]float64{
			"in_flight": float64(c.InFlight()), "publishing": float64(m.publisher.InFlight()), "agents": float64(m.pipeline.Sessions()),
			"state_events": float64(st.Events), "state_bytes": float64(stateBytes(&st)), "state_keys": float64(st.Keys + st.Masked),
		},
	}
	agents := m.registry.Totals()
	out.Gauges["agents_spooled"], out.Gauges["agents_lag_seconds"] = float64(agents.Spooled), agents.Lag.Seconds()
	for name, n := range map[string]uint64{"agents_lost": agents.Lost, "agents_dropped": agents.Dropped} {
		if n > 0 {
			out.Gauges[name] = float64(n)
		}
	}
	js := m.journal.Stats()
	journalStatus(out, &js, m.ruleset.now())
	if n := m.pipeline.GivenUp(); n > 0 {
		out.Counters["pattern_given_up"] = n
	}
	for cause, n := range evictions(&st) {
		if n > 0 {
			out.Counters["state_evicted_"+cause] = n
		}
	}
	if err := m.Ready(); err != nil {
		out.Reason = err.Error()
	} else {
		out.Ready = true
	}
	return out
}

// measure registers the same figures as metrics.
func (m *Manager) measure(reg prometheus.Registerer) error {
	if reg == nil {
		return nil
	}
	counter := func(name, help string, get func(pipeline.Counts) uint64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "armor", Subsystem: "manager", Name: name + "_total", Help: help},
			func() float64 { return float64(get(m.pipeline.Counts())) })
	}
	gauge := func(name, help string, get func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "armor", Subsystem: "manager", Name: name, Help: help}, get)
	}
	for _, c := range []prometheus.Collector{
		counter("accepted", "Events taken from agents, resent ones included.", func(c pipeline.Counts) uint64 { return c.Accepted }),
		counter("alerted", "Events whose alert is stored.", func(c pipeline.Counts) uint64 { return c.Alerted }),
		counter("silent", "Events that raised no alert.", func(c pipeline.Counts) uint64 { return c.Silent }),
		counter("duplicate", "Events that were resent and not evaluated again.", func(c pipeline.Counts) uint64 { return c.Duplicate }),
		counter("failed", "Events that became dead letters.", func(c pipeline.Counts) uint64 { return c.Failed }),
		gauge("in_flight", "Events taken that have not ended yet.", func() float64 { return float64(m.pipeline.Counts().InFlight()) }),
		gauge("agents", "Agents with a stream.", func() float64 { return float64(m.pipeline.Sessions()) }),
		gauge("rules", "Rules in force.", func() float64 { return float64(len(m.ruleset.InForce().Rules.Rules())) }),
		gauge("ruleset_load_time_seconds", "When the ruleset was put in force.", func() float64 { return float64(m.ruleset.InForce().Loaded.Unix()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "armor", Subsystem: "manager", Name: "pattern_given_up_total",
			Help: "Events on which a pattern took too much work and counted as not matching."}, func() float64 { return float64(m.pipeline.GivenUp()) }),
		newJournalCollector(m.journal.Stats),
		newStateCollector(func() rules.StateStats { return m.ruleset.state.Stats() }),
	} {
		if err := reg.Register(c); err != nil {
			return err
		}
	}
	return nil
}
