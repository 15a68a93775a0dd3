package rpc

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
)

// metrics counts calls. Only registered methods reach interceptors, so the labels are bounded.
type metrics struct {
	handled *prometheus.CounterVec
	seconds *prometheus.HistogramVec
	open    *prometheus.GaugeVec
}

// newMetrics registers with reg, which may be nil. A second server of the process shares the metrics of the first.
func newMetrics(reg prometheus.Registerer) *metrics {
	return &metrics{
		handled: register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "armor_rpc_handled_total", Help: "Calls that ended, by method and status code.",
		}, []string{"method", "code"})),
		seconds: register(reg, prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "armor_rpc_unary_seconds", Help: "Duration of unary calls.", Buckets: prometheus.ExponentialBuckets(0.0005, 4, 9),
		}, []string{"method"})),
		open: register(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "armor_rpc_streams_open", Help: "Streams that are open now.",
		}, []string{"method"})),
	}
}

func register[C prometheus.Collector](reg prometheus.Registerer, collector C) C {
	if reg == nil {
		return collector
	}
	if err := reg.Register(collector); err != nil {
		var already prometheus.AlreadyRegisteredError
		if errors.As(err, &already) {
			if existing, ok := already.ExistingCollector.(C); ok {
				return existing
			}
		}
	}
	return collector
}

func (m *metrics) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	start := time.Now()
	resp, err := handler(ctx, req)
	m.seconds.WithLabelValues(info.FullMethod).Observe(time.Since(start).Seconds())
	m.handled.WithLabelValues(info.FullMethod, status.Code(err).String()).Inc()
	return resp, err
}

func (m *metrics) stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	open := m.open.WithLabelValues(info.FullMethod)
	open.Inc()
	defer open.Dec()
	err := handler(srv, stream)
	m.handled.WithLabelValues(info.FullMethod, status.Code(err).String()).Inc()
	return err
}
