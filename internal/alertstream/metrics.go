package alertstream

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	published   prometheus.Counter
	stored      prometheus.Counter
	duplicates  prometheus.Counter
	retries     prometheus.Counter
	refused     prometheus.Counter
	inFlight    prometheus.Gauge
	cut         *prometheus.CounterVec
	deadLetters *prometheus.CounterVec
	missed      prometheus.Counter
	reconnects  prometheus.Counter
	purged      prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return register(reg, prometheus.NewCounter(prometheus.CounterOpts{Namespace: "armor", Subsystem: "alertstream", Name: name, Help: help}))
	}
	vec := func(name, help, label string) *prometheus.CounterVec {
		return register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "armor", Subsystem: "alertstream", Name: name, Help: help}, []string{label}))
	}
	return &metrics{
		published:   counter("published_total", "Alerts handed over for publishing."),
		stored:      counter("acknowledged_total", "Alerts that JetStream acknowledged, duplicates included."),
		duplicates:  counter("duplicates_total", "Acknowledged alerts that JetStream had already."),
		retries:     counter("retries_total", "Alerts sent again."),
		refused:     counter("refused_total", "Alerts that could not be published for good."),
		inFlight:    register(reg, prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "armor", Subsystem: "alertstream", Name: "in_flight", Help: "Alerts without an acknowledgement."})),
		cut:         vec("cut_total", "Alerts over the size limit, by what was given up.", "part"),
		deadLetters: vec("dead_letters_total", "Dead letters written, by reason.", "reason"),
		missed:      counter("watch_missed_total", "Alerts that watchers missed because they read too slowly."),
		reconnects:  counter("reconnects_total", "Connections to NATS after the first."),
		purged:      counter("purged_total", "Finished alerts that the janitor removed from the stream."),
	}
}

// register registers a collector, or gives the one that has its name already.
func register[C prometheus.Collector](reg prometheus.Registerer, c C) C {
	if reg == nil {
		return c
	}
	var there prometheus.AlreadyRegisteredError
	if err := reg.Register(c); errors.As(err, &there) {
		if existing, ok := there.ExistingCollector.(C); ok {
			return existing
		}
	}
	return c
}
