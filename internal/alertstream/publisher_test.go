package alertstream

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/testing/protocmp"

	"armor/internal/alertstream/embedded"
	armorv1 "armor/proto/armor/v1"
)

func TestPublishedAlertsComeOutInOrder(t *testing.T) {
	c := connected(t)
	p := c.NewPublisher(100)
	publish(t, p, 0, 3000).check(t, 3000)
	if n := p.InFlight(); n != 0 {
		t.Errorf("%d alerts in flight", n)
	}
	next := 0
	drain(t, c, consumer(t, c, "indexer"), func(m *Message) {
		if m.Err != nil {
			t.Fatal(m.Err)
		}
		if diff := cmp.Diff(alertN(next), m.Alert, protocmp.Transform()); diff != "" {
			t.Fatalf("alert %d:\n%s", next, diff)
		}
		if m.Deliveries != 1 || m.Sequence != uint64(next+1) || m.Stored.IsZero() {
			t.Fatalf("alert %d: deliveries %d, sequence %d, stored %s", next, m.Deliveries, m.Sequence, m.Stored)
		}
		next++
	})
	if next != 3000 {
		t.Errorf("%d alerts came out, want 3000", next)
	}
}

func TestPublishingAgainStoresOnce(t *testing.T) {
	c := connected(t)
	p := c.NewPublisher(1000)
	publish(t, p, 0, 200).check(t, 200)
	publish(t, p, 0, 300).check(t, 300)
	if n := messages(t, c, AlertStream); n != 300 {
		t.Errorf("the stream has %d alerts, want 300", n)
	}
}

func TestPublisherSurvivesRestartOfServerOnItsData(t *testing.T) {
	dir := t.TempDir()
	first := startServer(t, embedded.Config{Dir: dir, Listen: "127.0.0.1:0"})
	url := first.ClientURL()
	c := connect(t, Config{URL: url, AckTimeout: time.Second})
	p := c.NewPublisher(500)
	done := make(chan *outcome)
	restart := make(chan struct{})
	go func() {
		o := &outcome{}
		for n := range 5000 {
			if n == 2000 {
				close(restart)
			}
			a := alertN(n)
			if err := p.Publish(context.Background(), a, o.done(a.Id)); err != nil {
				t.Error(err)
			}
		}
		done <- o
	}()
	<-restart
	first.Shutdown()
	eventually(t, "readiness red", func() bool { return c.Ready() != nil })
	startServer(t, embedded.Config{Dir: dir, Listen: url[len("nats://"):]})
	o := <-done
	o.check(t, 5000)
	eventually(t, "readiness green", func() bool { return c.Ready() == nil })
	seen := map[string]int{}
	drain(t, c, consumer(t, c, "indexer"), func(m *Message) { seen[m.Alert.GetId()]++ })
	if len(seen) != 5000 {
		t.Errorf("%d different alerts, want 5000", len(seen))
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("alert %s is in the stream %d times", id, n)
		}
	}
}

func TestFullStreamPushesBackAndRecovers(t *testing.T) {
	c := connect(t, Config{InProcess: startServer(t, embedded.Config{}).InProcess(), MaxBytes: 1 << 20, Janitor: JanitorConfig{Interval: 20 * time.Millisecond}})
	p := c.NewPublisher(100)
	o := &outcome{}
	const total = 400
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		for n := range total {
			a := alertN(n)
			a.FullLog = make([]byte, 10_000) // 4 MB into 1 MiB
			if err := p.Publish(context.Background(), a, o.done(a.Id)); err != nil {
				t.Error(err)
			}
		}
	}()
	eventually(t, "the reason in the readiness", func() bool { return c.Ready() != nil })
	select {
	case <-finished:
		t.Fatal("a full stream did not hold the publisher back")
	default:
	}
	k := consumer(t, c, "indexer")
	go c.RunJanitor(t.Context())
	seen := map[string]bool{}
	until := within(t)
	for len(seen) < total {
		batch, err := k.Fetch(until, 50, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range batch {
			seen[m.Alert.GetId()] = true
			if err := m.Ack(until); err != nil {
				t.Fatal(err)
			}
		}
	}
	<-finished
	o.check(t, total)
	eventually(t, "readiness green", func() bool { return c.Ready() == nil })
}

func TestPublishEndsWithItsContext(t *testing.T) {
	c := connected(t)
	if err := c.js.DeleteStream(within(t), AlertStream); err != nil {
		t.Fatal(err)
	}
	p := c.NewPublisher(2)
	ctx, cancel := context.WithCancel(context.Background())
	results := make(chan error, 10)
	for n := range 2 {
		if err := p.Publish(ctx, alertN(n), func(err error) { results <- err }); err != nil {
			t.Fatal(err)
		}
	}
	blocked := make(chan error)
	go func() {
		blocked <- p.Publish(ctx, alertN(2), func(error) { t.Error("done of an alert that was not taken") })
	}()
	eventually(t, "the reason in the readiness", func() bool { return c.Ready() != nil })
	cancel()
	if err := <-blocked; !errors.Is(err, context.Canceled) {
		t.Errorf("blocked Publish: %v", err)
	}
	for range 2 {
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("done: %v, want the error of the context", err)
		}
	}
	if n := p.InFlight(); n != 0 {
		t.Errorf("%d alerts in flight", n)
	}
}

func TestMissingStreamIsWaitedFor(t *testing.T) {
	c := connected(t)
	if err := c.js.DeleteStream(within(t), AlertStream); err != nil {
		t.Fatal(err)
	}
	o := publish(t, c.NewPublisher(100), 0, 50)
	eventually(t, "the reason in the readiness", func() bool { return c.Ready() != nil })
	if err := c.ensure(within(t)); err != nil {
		t.Fatal(err)
	}
	o.check(t, 50)
	next := uint64(0)
	drain(t, c, consumer(t, c, "indexer"), func(m *Message) {
		if m.Alert.GetSequence() != next {
			t.Errorf("alert %d where %d was due", m.Alert.GetSequence(), next)
		}
		next++
	})
}

func TestClosedConnGivesAlertsBack(t *testing.T) {
	c := connected(t)
	if err := c.js.DeleteStream(within(t), AlertStream); err != nil {
		t.Fatal(err)
	}
	p := c.NewPublisher(10)
	result := make(chan error, 1)
	if err := p.Publish(context.Background(), alertN(1), func(err error) { result <- err }); err != nil {
		t.Fatal(err)
	}
	c.Close()
	if err := <-result; !errors.Is(err, ErrClosed) {
		t.Errorf("done: %v, want ErrClosed", err)
	}
	if err := p.Publish(context.Background(), alertN(2), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("Publish after Close: %v, want ErrClosed", err)
	}
}

func TestUnpublishableAlertIsRefusedAtOnce(t *testing.T) {
	p := connected(t).NewPublisher(1)
	a := alertN(1)
	a.Rule.Description = "\xff"
	for range 3 { // the window of one is not used up
		if err := p.Publish(context.Background(), a, nil); !IsPermanent(err) {
			t.Errorf("invalid UTF-8: %v, want a PermanentError", err)
		}
	}
	publish(t, p, 5, 6).check(t, 1)
}

func TestStreamLimitIsPermanentForTheAlert(t *testing.T) {
	c := connected(t)
	editStream(t, c, AlertStream, func(s *jetstream.StreamConfig) { s.MaxMsgSize = 1000 })
	result := make(chan error, 1)
	a := alertN(1)
	a.FullLog = make([]byte, 5000)
	p := c.NewPublisher(10)
	if err := p.Publish(context.Background(), a, func(err error) { result <- err }); err != nil {
		t.Fatal(err)
	}
	if err := <-result; !IsPermanent(err) {
		t.Errorf("done: %v, want a PermanentError", err)
	}
	publish(t, p, 2, 3).check(t, 1)
}

func BenchmarkPublish(b *testing.B) {
	for _, sync := range []bool{false, true} {
		b.Run(fmt.Sprintf("sync=%v", sync), func(b *testing.B) {
			c := connect(b, Config{InProcess: startServer(b, embedded.Config{Sync: sync}).InProcess()})
			p := c.NewPublisher(4000)
			alerts := make([]*armorv1.Alert, b.N)
			for n := range alerts {
				alerts[n] = alertN(n)
				alerts[n].FullLog = make([]byte, 1300)
			}
			o := &outcome{}
			b.ReportAllocs()
			b.ResetTimer()
			for n := range alerts {
				if err := p.Publish(context.Background(), alerts[n], o.done(alerts[n].Id)); err != nil {
					b.Fatal(err)
				}
			}
			o.left.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "alerts/s")
		})
	}
}
