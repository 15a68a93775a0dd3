package indexer

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"armor/indexer/embedded"
	"armor/indexer/store"
	"armor/internal/alertstream"
	"armor/internal/testenv"
)

// The store is away for longer than the acknowledgement wait: NATS keeps the alerts, none is given out again, and when the
// store is back they are written in order of age, as nearly as writers that work at once can.
func TestStoredInOrderOfAge(t *testing.T) {
	const alerts, batch, writers = 3000, 100, 2
	r := newRig(t)
	var away atomic.Bool
	var tries atomic.Int64
	away.Store(true)
	var mu sync.Mutex
	var order []int64 // seconds of the event, as they were written
	f := &fickle{Store: r.store}
	f.ready = func() error {
		if away.Load() {
			return errAway
		}
		return nil
	}
	f.write = func(ctx context.Context, docs []store.Document) ([]store.Result, error) {
		if away.Load() {
			tries.Add(1)
			return nil, errAway
		}
		mu.Lock()
		defer mu.Unlock()
		for _, d := range docs {
			order = append(order, d.Time.Unix()-start.Unix())
		}
		return r.store.Write(ctx, docs)
	}
	x := r.indexer(f, Config{Consume: ConsumeConfig{Batch: batch, Writers: writers}})
	x.times.ackWait, x.times.extend = 4*time.Second, 100*time.Millisecond
	x.times.first, x.times.longest = 100*time.Millisecond, time.Hour // only the news that it is back ends a long wait
	away.Store(false)
	r.run(x)
	r.await("it runs", func() bool { return x.Ready() == nil })
	away.Store(true)
	r.publishNumbers(0, alerts)
	r.await("several tries by each writer", func() bool { return tries.Load() > 14 }) // the waits are 100 ms to 6 s
	if held := x.held.Load(); held > batch*(writers+1) {
		t.Errorf("%d alerts held", held)
	}
	away.Store(false)
	r.await("idle", x.Idle)
	if c := r.checkConservation(x); c["indexed"] != alerts || c["received"] != alerts {
		t.Errorf("counters %v: alerts were given out again", c)
	}
	for i, at := range order {
		if ahead := at - int64(i); ahead > batch*writers || ahead < -batch*writers {
			t.Fatalf("alert %d was written as number %d", at, i)
		}
	}
}

// A write without an answer makes readiness red, whatever other writers do, until it has ended.
func TestStoreThatDoesNotAnswer(t *testing.T) {
	r := newRig(t)
	var hang atomic.Bool
	release, hanging := make(chan struct{}), make(chan struct{})
	f := &fickle{Store: r.store}
	f.write = func(ctx context.Context, docs []store.Document) ([]store.Result, error) {
		if hang.CompareAndSwap(true, false) {
			close(hanging)
			<-release
		}
		return r.store.Write(ctx, docs)
	}
	x := r.indexer(f, Config{Consume: ConsumeConfig{Batch: 10, Writers: 2}})
	hang.Store(true)
	r.publishNumbers(0, 10)
	r.run(x)
	<-hanging
	r.await("red", func() bool {
		err := x.Ready()
		return err != nil && strings.Contains(err.Error(), "has not answered since")
	})
	r.publishNumbers(10, 100)
	r.await("the other writer writes", func() bool { return r.total() == 90 })
	if x.Ready() == nil {
		t.Error("ready because another write was answered")
	}
	close(release)
	r.await("idle", x.Idle)
	r.await("ready", func() bool { return x.Ready() == nil })
}

// A store whose readiness is not answered is red too, with nothing to write.
func TestStoreThatHangsAtRest(t *testing.T) {
	r := newRig(t)
	var hang atomic.Bool
	release := make(chan struct{})
	f := &fickle{Store: r.store, write: r.store.Write}
	f.ready = func() error {
		if hang.Load() {
			<-release
		}
		return nil
	}
	x := r.indexer(f, Config{})
	r.run(x)
	r.await("ready", func() bool { return x.Ready() == nil })
	hang.Store(true)
	r.await("red", func() bool {
		err := x.Ready()
		return err != nil && strings.Contains(err.Error(), "has not answered since")
	})
	hang.Store(false)
	close(release)
	r.await("ready again", func() bool { return x.Ready() == nil })
}

// After a restart of nats-server alerts are fetched as soon as the connection is there, however long the wait had become.
func TestFetchesAtOnceWhenNATSIsBack(t *testing.T) {
	node := testenv.NATSProcess(t)
	stream, err := alertstream.Connect(t.Context(), alertstream.Config{URL: node.URL()}, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stream.Close)
	raw, err := nats.Connect(node.URL(), nats.MaxReconnects(-1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(raw.Close)
	s, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	r := &rig{t: t, stream: stream, raw: raw, store: s, log: slog.New(slog.DiscardHandler)}
	x := r.indexer(nil, Config{})
	x.times.first, x.times.longest = time.Hour, time.Hour
	x.times.fetch = 30 * time.Second // a request that is lost with the connection is not waited for
	r.run(x)
	r.publishNumbers(0, 10)
	r.await("idle", x.Idle)
	for range 2 {
		node.Kill()
		r.await("the loss is told", func() bool { return x.Ready() != nil && strings.Contains(x.Ready().Error(), "consumer") })
		node.Start(t)
		r.await("connected", func() bool { return stream.Ready() == nil })
	}
	r.publishNumbers(10, 20)
	r.await("idle", x.Idle)
	if r.total() != 20 {
		t.Errorf("%d alerts in the store", r.total())
	}
	r.await("ready", func() bool { return x.Ready() == nil })
}
