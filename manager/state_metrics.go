package manager

import (
	"github.com/prometheus/client_golang/prometheus"

	"armor/rules"
)

// stateBytes is about how much memory the engine's state takes for what has no fixed size.
func stateBytes(st *rules.StateStats) int { return st.Bytes + st.DiffBytes }

// evictions names the causes for which the engine forgets before its time.
func evictions(st *rules.StateStats) map[string]uint64 {
	e := &st.Evicted
	return map[string]uint64{
		"list_events": e.ListEvents, "list_bytes": e.ListBytes, "total_bytes": e.Bytes, "too_large": e.TooLarge,
		"first_seen": e.FirstSeen, "ignored": e.Masked, "diffs": e.Diffs, "accumulated": e.Accumulated,
	}
}

// stateCollector shows the engine's memory as metrics, all from one look at it.
type stateCollector struct {
	stats                              func() rules.StateStats
	events, bytes, keys, evicted, held *prometheus.Desc
}

func newStateCollector(stats func() rules.StateStats) *stateCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("armor_manager_state_"+name, help, labels, nil)
	}
	return &stateCollector{
		stats:   stats,
		events:  desc("events", "Events that rules remember for correlation."),
		bytes:   desc("bytes", "About how much memory they and the texts of check_diff take."),
		keys:    desc("keys", "Keys of if_fts and of <ignore> that are remembered."),
		evicted: desc("evicted_total", "What was forgotten before its time because a limit was reached, by cause.", "cause"),
		held:    desc("snapshot_held_seconds", "Longest time that a snapshot held evaluation up."),
	}
}

// Describe implements prometheus.Collector.
func (c *stateCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.events, c.bytes, c.keys, c.evicted, c.held} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *stateCollector) Collect(ch chan<- prometheus.Metric) {
	st := c.stats()
	gauge := func(d *prometheus.Desc, v float64) { ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	gauge(c.events, float64(st.Events))
	gauge(c.bytes, float64(stateBytes(&st)))
	gauge(c.keys, float64(st.Keys+st.Masked))
	gauge(c.held, st.Held.Seconds())
	for cause, n := range evictions(&st) {
		ch <- prometheus.MustNewConstMetric(c.evicted, prometheus.CounterValue, float64(n), cause)
	}
}
