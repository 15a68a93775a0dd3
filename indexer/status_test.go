package indexer

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/indexer/store"
)

// gauge reads one figure as Prometheus would.
func gauge(t *testing.T, g prometheus.Gatherer, name string) float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no %s", name)
	return 0
}

// Status and Prometheus say how far behind the store is: since when the alert finished last was decided on, and how many wait.
func TestLag(t *testing.T) {
	r := newRig(t)
	var away atomic.Bool
	f := &fickle{Store: r.store}
	f.write = func(ctx context.Context, docs []store.Document) ([]store.Result, error) {
		if away.Load() {
			return nil, errAway
		}
		return r.store.Write(ctx, docs)
	}
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	reg := prometheus.NewRegistry()
	x, err := New(Config{DataDir: t.TempDir(), Consume: ConsumeConfig{Batch: 10}}, Deps{Stream: r.stream, Store: f, Now: func() time.Time { return now }}, r.log, reg)
	if err != nil {
		t.Fatal(err)
	}
	x.times = r.indexer(nil, Config{}).times
	away.Store(true) // at the start: the lag is the age of the first
	publish := func(from, to int, ago time.Duration) {
		for i := from; i < to; i++ {
			a := testAlert(i) // events of July: a backfill is no lag
			a.DetectedTime = timestamppb.New(now.Add(-ago))
			r.publish(a)
		}
	}
	publish(0, 10, 90*time.Second)
	stop := r.run(x)
	status := func() map[string]float64 { return x.Status().GetGauges() }
	r.await("90 s behind", func() bool { return status()["lag_seconds"] == 90 && status()["pending"] == 10 })
	away.Store(false)
	r.await("idle", x.Idle)
	r.await("not behind", func() bool { return status()["lag_seconds"] == 0 && status()["pending"] == 0 })
	away.Store(true)
	publish(10, 40, 60*time.Second)
	r.await("behind again, by what was finished last", func() bool {
		return status()["pending"] == 30 && gauge(t, reg, "armor_indexer_lag_seconds") == 90 && gauge(t, reg, "armor_indexer_pending") == 30
	})
	if err := r.stream.DeadLetter(t.Context(), "x", []byte("x"), ""); err != nil {
		t.Fatal(err)
	}
	r.await("a dead letter is counted", func() bool { return status()["dead_letters"] == 1 && gauge(t, reg, "armor_dead_letters") == 1 })
	away.Store(false)
	r.await("idle", x.Idle)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}
