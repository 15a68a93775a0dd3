package indexer

import (
	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the indexer's figures for Prometheus.
type metrics struct {
	retries      prometheus.Counter
	setAside     prometheus.Counter
	writeSeconds prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer, x *Indexer) *metrics {
	m := &metrics{
		retries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "armor_indexer_write_retries_total", Help: "Writes that the store did not take and that were tried again."}),
		setAside: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "armor_indexer_data_set_aside_total", Help: "Alerts whose data the store could not map and keeps without indexing it."}),
		writeSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "armor_indexer_write_seconds", Help: "Seconds that one write to the store took.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 9)}),
	}
	if reg == nil {
		return m
	}
	collectors := []prometheus.Collector{m.retries, m.setAside, m.writeSeconds,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "armor_indexer_held", Help: "Alerts taken from NATS and not finished."},
			func() float64 { return float64(x.held.Load()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "armor_indexer_pending", Help: "Alerts in NATS that are not finished; -1: unknown."},
			func() float64 { return float64(x.pending.Load()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "armor_dead_letters", Help: "Dead letters that are kept, of managers and indexers (one of more than 768 KiB counts for each part); -1: unknown."},
			func() float64 { return float64(x.letters.Load()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "armor_indexer_lag_seconds", Help: "Seconds since the manager decided on the alert finished last, while any is pending."}, x.lag),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "armor_indexer_ready", Help: "1 while alerts move to the store."}, func() float64 {
			if x.Ready() != nil {
				return 0
			}
			return 1
		}),
	}
	x.counters.each(func(name string, n *counter) {
		collectors = append(collectors, prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "armor_indexer_" + name + "_total", Help: "Conservation counter: received = indexed + duplicate + redelivered + dead_letter."},
			func() float64 { return float64(n.value()) }))
	})
	reg.MustRegister(collectors...)
	return m
}
