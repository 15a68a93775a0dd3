package indexer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/indexer/embedded"
	"armor/indexer/store"
	"armor/internal/alertstream"
	"armor/internal/testenv"
	armorv1 "armor/proto/armor/v1"
)

var start = time.Date(2026, 7, 10, 10, 0, 0, 0, time.UTC)

// rig is a NATS server with a connection, and a store.
type rig struct {
	t      *testing.T
	stream *alertstream.Conn
	raw    *nats.Conn
	store  *embedded.Store
	log    *slog.Logger
}

func newRig(t *testing.T) *rig {
	t.Helper()
	server := testenv.NATS(t)
	log := slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	conn, err := alertstream.Connect(t.Context(), alertstream.Config{InProcess: server}, log, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	raw, err := nats.Connect("", nats.InProcessServer(server))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(raw.Close)
	s, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &rig{t: t, stream: conn, raw: raw, store: s, log: log}
}

func testAlert(i int) *armorv1.Alert {
	return &armorv1.Alert{
		Id: fmt.Sprintf("%032x", i), Time: timestamppb.New(start.Add(time.Duration(i) * time.Second)),
		Rule:  &armorv1.AlertRule{Id: uint32(100 + i%3), Level: uint32(i % 16), Description: fmt.Sprintf("rule %d", i%3), Groups: []string{"g"}},
		Agent: &armorv1.AlertAgent{Id: "001", Name: "web"}, Data: []byte(`{"n":"1"}`), FullLog: []byte("a log line"),
	}
}

// publish publishes alerts and waits until the stream has them.
func (r *rig) publish(alerts ...*armorv1.Alert) {
	r.t.Helper()
	p := r.stream.NewPublisher(256)
	defer p.Close()
	var open sync.WaitGroup
	for _, a := range alerts {
		open.Add(1)
		if err := p.Publish(r.t.Context(), a, func(err error) {
			if err != nil {
				r.t.Errorf("publishing: %v", err)
			}
			open.Done()
		}); err != nil {
			r.t.Fatal(err)
		}
	}
	open.Wait()
}

func (r *rig) publishNumbers(from, to int) {
	r.t.Helper()
	var alerts []*armorv1.Alert
	for i := from; i < to; i++ {
		alerts = append(alerts, testAlert(i))
	}
	r.publish(alerts...)
}

// indexer makes an indexer over a store; nil: the rig's.
func (r *rig) indexer(s store.Store, cfg Config) *Indexer {
	r.t.Helper()
	if s == nil {
		s = r.store
	}
	cfg.DataDir = r.t.TempDir()
	x, err := New(cfg, Deps{Stream: r.stream, Store: s}, r.log, prometheus.NewRegistry())
	if err != nil {
		r.t.Fatal(err)
	}
	x.times = timing{ackWait: 2 * time.Second, extend: 200 * time.Millisecond, fetch: 200 * time.Millisecond,
		check: 50 * time.Millisecond, probe: 50 * time.Millisecond, slow: 100 * time.Millisecond, first: 100 * time.Millisecond, longest: 10 * time.Second}
	return x
}

// run runs an indexer until the returned function is called, which gives Run's error.
func (r *rig) run(x *Indexer) (stop func() error) {
	ctx, cancel := context.WithCancel(r.t.Context())
	done := make(chan error, 1)
	go func() { done <- x.Run(ctx) }()
	stopped := false
	stop = func() error {
		stopped = true
		cancel()
		return <-done
	}
	r.t.Cleanup(func() {
		if !stopped {
			_ = stop()
		}
		r.checkConservation(x) // at rest, after every test
	})
	return stop
}

// await waits until a condition holds; the test's own deadline ends it.
func (r *rig) await(what string, holds func() bool) {
	r.t.Helper()
	for tick := time.NewTicker(5 * time.Millisecond); !holds(); {
		select {
		case <-tick.C:
		case <-time.After(time.Minute):
			r.t.Fatalf("waited in vain: %s", what)
		}
	}
}

// checkConservation checks the equation of the counters and gives them.
func (r *rig) checkConservation(x *Indexer) map[string]uint64 {
	r.t.Helper()
	c := x.Status().GetCounters()
	if sum := c["indexed"] + c["duplicate"] + c["redelivered"] + c["dead_letter"]; c["received"] != sum {
		r.t.Errorf("received %d, but indexed + duplicate + redelivered + dead_letter = %d: %v", c["received"], sum, c)
	}
	return c
}

func (r *rig) total() uint64 {
	r.t.Helper()
	page, err := r.store.Search(r.t.Context(), store.Search{})
	if err != nil {
		r.t.Fatal(err)
	}
	return page.Total
}

// letters reads all dead letters.
func (r *rig) letters() []*nats.Msg {
	r.t.Helper()
	js, err := r.raw.JetStream()
	if err != nil {
		r.t.Fatal(err)
	}
	sub, err := js.SubscribeSync("armor.deadletters.>", nats.OrderedConsumer())
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	info, err := js.StreamInfo(alertstream.DeadLetterStream)
	if err != nil {
		r.t.Fatal(err)
	}
	var list []*nats.Msg
	for range info.State.Msgs {
		m, err := sub.NextMsg(10 * time.Second)
		if err != nil {
			r.t.Fatal(err)
		}
		list = append(list, m)
	}
	return list
}

// fickle is a store whose writes go through a function first.
type fickle struct {
	store.Store
	write func(ctx context.Context, docs []store.Document) ([]store.Result, error)
	ready func() error
}

func (f *fickle) Write(ctx context.Context, docs []store.Document) ([]store.Result, error) {
	return f.write(ctx, docs)
}

func (f *fickle) Ready(ctx context.Context) error {
	if f.ready != nil {
		return f.ready()
	}
	return f.Store.Ready(ctx)
}

var errAway = errors.New("the store is away")
