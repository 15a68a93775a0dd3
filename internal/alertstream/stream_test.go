package alertstream

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/internal/alertstream/embedded"
	armorv1 "armor/proto/armor/v1"
)

var silent = slog.New(slog.DiscardHandler)

// deadline is how long a test waits for what must happen; it is no assertion on time.
const deadline = 30 * time.Second

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	t.Cleanup(cancel)
	return ctx
}

func startServer(t testing.TB, cfg embedded.Config) *embedded.Server {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	s, err := embedded.Start(cfg, silent)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Shutdown)
	return s
}

func connect(t testing.TB, cfg Config) *Conn {
	t.Helper()
	c, err := Connect(within(t), cfg, silent, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func connected(t testing.TB) *Conn {
	t.Helper()
	return connect(t, Config{InProcess: startServer(t, embedded.Config{}).InProcess()})
}

// alertN is an alert with an id, agent and log of its own.
func alertN(n int) *armorv1.Alert {
	return &armorv1.Alert{
		Id:       fmt.Sprintf("%032x", n),
		Time:     timestamppb.New(time.Unix(1700000000+int64(n), 0)),
		Rule:     &armorv1.AlertRule{Id: 80301, Level: 2, Description: "Amazon-ec2: Run instances", Groups: []string{"amazon-ec2", "amazon"}},
		Agent:    &armorv1.AlertAgent{Id: "001", Name: "web-1"},
		FullLog:  []byte(fmt.Sprintf(`{"integration":"aws","aws":{"eventName":"RunInstances","n":%d}}`, n)),
		Sequence: uint64(n),
	}
}

// outcome collects what became of published alerts.
type outcome struct {
	mu   sync.Mutex
	errs map[string][]error
	left sync.WaitGroup
}

func (o *outcome) done(id string) func(error) {
	o.left.Add(1)
	return func(err error) {
		o.mu.Lock()
		if o.errs == nil {
			o.errs = map[string][]error{}
		}
		o.errs[id] = append(o.errs[id], err)
		again := len(o.errs[id]) > 1
		o.mu.Unlock()
		if !again {
			o.left.Done()
		}
	}
}

// check waits until all are done and fails unless each was done once, without error.
func (o *outcome) check(t testing.TB, want int) {
	t.Helper()
	all := make(chan struct{})
	go func() {
		o.left.Wait()
		close(all)
	}()
	select {
	case <-all:
	case <-time.After(deadline):
		t.Fatal("not all alerts were acknowledged")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.errs) != want {
		t.Errorf("%d alerts were done, want %d", len(o.errs), want)
	}
	for id, errs := range o.errs {
		if len(errs) != 1 || errs[0] != nil {
			t.Errorf("alert %s: done was called with %v, want nil once", id, errs)
		}
	}
}

func publish(t testing.TB, p *Publisher, from, to int) *outcome {
	t.Helper()
	o := &outcome{}
	for n := from; n < to; n++ {
		a := alertN(n)
		if err := p.Publish(context.Background(), a, o.done(a.Id)); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// drain fetches and acknowledges until the consumer has nothing left.
func drain(t testing.TB, c *Conn, k *Consumer, each func(*Message)) {
	t.Helper()
	ctx := within(t)
	for {
		batch, err := k.Fetch(ctx, 500, 100*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range batch {
			each(m)
			if err := m.Ack(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if len(batch) == 0 {
			left, err := c.Pending(ctx, k.cfg.Durable)
			if err != nil {
				t.Fatal(err)
			}
			if left == 0 {
				return
			}
		}
	}
}

func consumer(t testing.TB, c *Conn, durable string) *Consumer {
	t.Helper()
	k, err := c.Consumer(within(t), ConsumerConfig{Durable: durable})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

func messages(t testing.TB, c *Conn, stream string) uint64 {
	t.Helper()
	s, err := c.js.Stream(within(t), stream)
	if err != nil {
		t.Fatal(err)
	}
	return s.CachedInfo().State.Msgs
}

// eventually waits until cond holds.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	until := time.After(deadline)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-until:
			t.Fatalf("waited in vain for: %s", what)
		case <-tick.C:
		}
	}
}

func editStream(t testing.TB, c *Conn, name string, edit func(*jetstream.StreamConfig)) {
	t.Helper()
	s, err := c.js.Stream(within(t), name)
	if err != nil {
		t.Fatal(err)
	}
	cfg := s.CachedInfo().Config
	edit(&cfg)
	if _, err := c.js.UpdateStream(within(t), cfg); err != nil {
		t.Fatal(err)
	}
}
