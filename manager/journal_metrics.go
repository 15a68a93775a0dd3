package manager

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"armor/manager/journal"
	armorv1 "armor/proto/armor/v1"
)

// journalStatus adds the journal's figures to a status: the counters journal_records, journal_events and snapshots, and, when not
// 0, journal_unremembered (events too large for a record, which windows forget at a restart); the gauges snapshot_bytes and
// snapshot_age_seconds once there is one, and snapshot_failing (1) while they cannot be stored.
func journalStatus(to *armorv1.ComponentStatus, st *journal.Stats, now time.Time) {
	to.Counters["journal_records"], to.Counters["journal_events"], to.Counters["snapshots"] = st.Records, st.Events, st.Snapshots
	if st.Unremembered > 0 {
		to.Counters["journal_unremembered"] = st.Unremembered
	}
	if st.Snapshots > 0 {
		to.Gauges["snapshot_bytes"], to.Gauges["snapshot_age_seconds"] = float64(st.Bytes), snapshotAge(st, now)
	}
	if st.Failed != nil {
		to.Gauges["snapshot_failing"] = 1
	}
}

func snapshotAge(st *journal.Stats, now time.Time) float64 {
	return max(0, now.Sub(st.Taken).Seconds())
}

// journalCollector shows the same as metrics, all from one look at it.
type journalCollector struct {
	stats                                                           func() journal.Stats
	records, events, unremembered, snapshots, bytes, taken, failing *prometheus.Desc
}

func newJournalCollector(stats func() journal.Stats) *journalCollector {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("armor_manager_"+name, help, nil, nil)
	}
	return &journalCollector{
		stats:        stats,
		records:      desc("journal_records_total", "Records written to the journal."),
		events:       desc("journal_events_total", "Remembered events in those records."),
		unremembered: desc("journal_unremembered_total", "Events too large for a record: windows forget them at a restart."),
		snapshots:    desc("snapshots_total", "Snapshots stored of what rules remember."),
		bytes:        desc("snapshot_bytes", "Bytes of the last snapshot."),
		taken:        desc("snapshot_time_seconds", "When the last snapshot was taken, Unix time; 0: there was none."),
		failing:      desc("snapshot_failing", "1 if the last try to store a snapshot failed; the journal grows meanwhile."),
	}
}

// Describe implements prometheus.Collector.
func (c *journalCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.records, c.events, c.unremembered, c.snapshots, c.bytes, c.taken, c.failing} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *journalCollector) Collect(ch chan<- prometheus.Metric) {
	st := c.stats()
	show := func(d *prometheus.Desc, kind prometheus.ValueType, v float64) {
		ch <- prometheus.MustNewConstMetric(d, kind, v)
	}
	show(c.records, prometheus.CounterValue, float64(st.Records))
	show(c.events, prometheus.CounterValue, float64(st.Events))
	show(c.unremembered, prometheus.CounterValue, float64(st.Unremembered))
	show(c.snapshots, prometheus.CounterValue, float64(st.Snapshots))
	show(c.bytes, prometheus.GaugeValue, float64(st.Bytes))
	taken, failing := 0.0, 0.0
	if !st.Taken.IsZero() {
		taken = float64(st.Taken.Unix())
	}
	if st.Failed != nil {
		failing = 1
	}
	show(c.taken, prometheus.GaugeValue, taken)
	show(c.failing, prometheus.GaugeValue, failing)
}
