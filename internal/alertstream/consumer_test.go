package alertstream

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"armor/internal/alertstream/embedded"
)

func TestAlertComesAgainUntilItIsAcknowledged(t *testing.T) {
	c := connected(t)
	publish(t, c.NewPublisher(10), 0, 3).check(t, 3)
	k, err := c.Consumer(within(t), ConsumerConfig{Durable: "indexer", AckWait: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	fetch := func(want int) []*Message {
		t.Helper()
		ctx := within(t)
		for {
			got, err := k.Fetch(ctx, 10, time.Second)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) > 0 {
				if len(got) != want {
					t.Fatalf("%d alerts, want %d", len(got), want)
				}
				return got
			}
		}
	}
	first := fetch(3)
	if err := first[0].Ack(within(t)); err != nil {
		t.Fatal(err)
	}
	if err := first[1].Term("cannot be\nhandled"); err != nil {
		t.Fatal(err)
	}
	if err := first[2].Nak(0); err != nil {
		t.Fatal(err)
	}
	second := fetch(1) // given back
	if second[0].Alert.GetId() != alertN(2).Id || second[0].Deliveries != 2 {
		t.Errorf("got alert %s, delivery %d", second[0].Alert.GetId(), second[0].Deliveries)
	}
	if err := second[0].InProgress(); err != nil {
		t.Fatal(err)
	}
	third := fetch(1) // its time is over
	if third[0].Deliveries != 3 {
		t.Errorf("delivery %d, want 3", third[0].Deliveries)
	}
	if err := third[0].Ack(within(t)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "nothing pending", func() bool {
		n, err := c.Pending(within(t), "indexer")
		return err == nil && n == 0
	})
}

func TestUndecodableMessageComesWithItsBytes(t *testing.T) {
	c := connected(t)
	if _, err := c.js.PublishMsg(within(t), &nats.Msg{Subject: "armor.alerts.1.2.003", Data: []byte("\xffno alert")}); err != nil {
		t.Fatal(err)
	}
	got, err := consumer(t, c, "indexer").Fetch(within(t), 10, time.Second)
	if err != nil || len(got) != 1 {
		t.Fatalf("%d messages, %v", len(got), err)
	}
	if got[0].Err == nil || !IsPermanent(got[0].Err) || got[0].Alert != nil || !bytes.Equal(got[0].Data, []byte("\xffno alert")) {
		t.Errorf("got %+v", got[0])
	}
}

func TestDeletedConsumerIsMadeAgainAndMissesNothing(t *testing.T) {
	c := connected(t)
	p := c.NewPublisher(10)
	k := consumer(t, c, "indexer")
	publish(t, p, 0, 5).check(t, 5)
	if err := c.js.DeleteConsumer(within(t), AlertStream, "indexer"); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Pending(within(t), "indexer"); err != nil || n != 5 {
		t.Errorf("pending %d, %v; want all 5", n, err)
	}
	seen := map[string]bool{}
	ctx := within(t)
	for len(seen) < 5 {
		batch, err := k.Fetch(ctx, 10, 100*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range batch {
			seen[m.Alert.GetId()] = true
		}
	}
}

func TestFetchEndsWithItsContextAndItsWait(t *testing.T) {
	c := connected(t)
	k := consumer(t, c, "indexer")
	if got, err := k.Fetch(within(t), 10, 50*time.Millisecond); err != nil || len(got) != 0 {
		t.Errorf("nothing there: %d alerts, %v", len(got), err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	failed := make(chan error)
	go func() {
		_, err := k.Fetch(ctx, 10, time.Minute)
		failed <- err
	}()
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	// An alert that arrives during a long wait is given at once.
	p := c.NewPublisher(1)
	go func() {
		if err := p.Publish(context.Background(), alertN(0), func(error) {}); err != nil {
			t.Error(err)
		}
	}()
	if got, err := k.Fetch(within(t), 10, 20*time.Second); err != nil || len(got) != 1 {
		t.Errorf("%d alerts, %v", len(got), err)
	}
}

func TestTwoProcessesShareAConsumer(t *testing.T) {
	s := connected(t)
	publish(t, s.NewPublisher(100), 0, 500).check(t, 500)
	one, two := consumer(t, s, "indexer"), consumer(t, s, "indexer")
	seen := map[string]int{}
	ctx := within(t)
	for len(seen) < 500 {
		for _, k := range []*Consumer{one, two} {
			batch, err := k.Fetch(ctx, 20, 50*time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range batch {
				seen[m.Alert.GetId()]++
				if err := m.Ack(ctx); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("alert %s was given %d times", id, n)
		}
	}
}

func TestJanitorKeepsWhatIsNotFinished(t *testing.T) {
	s := connected(t)
	c := connect(t, Config{InProcess: s.cfg.InProcess, Janitor: JanitorConfig{History: 3, HistoryBytes: -1}})
	tidy := func(want uint64) {
		t.Helper()
		if _, err := c.Tidy(within(t)); err != nil {
			t.Fatal(err)
		}
		if got := messages(t, c, AlertStream); got != want {
			t.Errorf("%d alerts are left, want %d", got, want)
		}
	}
	publish(t, c.NewPublisher(100), 0, 100).check(t, 100)
	tidy(100) // nobody has finished anything
	other := consumer(t, c, "siem")
	drain(t, c, other, func(*Message) {})
	tidy(100) // the indexer was never there
	k := consumer(t, c, "indexer")
	batch, err := k.Fetch(within(t), 40, time.Second)
	if err != nil || len(batch) != 40 {
		t.Fatalf("%d alerts, %v", len(batch), err)
	}
	for i, m := range batch {
		if i == 30 {
			continue // this one is not finished
		}
		if err := m.Ack(within(t)); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the acknowledgements arrive", func() bool {
		n, err := c.Pending(within(t), "indexer")
		return err == nil && n == 61
	})
	tidy(100 - 30 + 3)
	if err := batch[30].Ack(within(t)); err != nil {
		t.Fatal(err)
	}
	drain(t, c, k, func(*Message) {})
	tidy(3)
	tidy(3)
}

func TestPendingIsNeverZeroForWhatWasJustAcknowledged(t *testing.T) {
	c := connected(t)
	k := consumer(t, c, "indexer")
	p := c.NewPublisher(1)
	for n := range 300 {
		publish(t, p, n, n+1).check(t, 1)
		if got, err := c.Pending(within(t), "indexer"); err != nil || got == 0 {
			t.Fatalf("pending %d after alert %d, %v", got, n, err)
		}
		if n%20 == 19 {
			drain(t, c, k, func(*Message) {})
		}
	}
	publish(t, p, 300, 301).check(t, 1)
	s, err := c.js.Stream(within(t), AlertStream)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteMsg(within(t), 301); err != nil { // by an operator
		t.Fatal(err)
	}
	eventually(t, "nothing is pending", func() bool {
		n, err := c.Pending(within(t), "indexer")
		return err == nil && n == 0
	})
}

func TestJanitorIsNotHeldBackByAConsumerThatWantsLittle(t *testing.T) {
	c := connect(t, Config{InProcess: startServer(t, embedded.Config{}).InProcess(), Janitor: JanitorConfig{Require: []string{}, HistoryBytes: -1}})
	filtered := jetstream.ConsumerConfig{Durable: "some", AckPolicy: jetstream.AckExplicitPolicy, FilterSubjects: []string{"armor.alerts.*.99.*", "armor.alerts.*.98.*"}}
	if _, err := c.js.CreateConsumer(within(t), AlertStream, filtered); err != nil {
		t.Fatal(err)
	}
	p := c.NewPublisher(10)
	publish(t, p, 0, 20).check(t, 20)
	if n, err := c.Tidy(within(t)); err != nil || n != 20 {
		t.Errorf("removed %d, %v; want all 20, which it does not want", n, err)
	}
	publish(t, p, 20, 25).check(t, 5)
	wanted := alertN(25)
	wanted.Rule.Id = 98
	o := &outcome{}
	if err := p.Publish(t.Context(), wanted, o.done(wanted.GetId())); err != nil {
		t.Fatal(err)
	}
	o.check(t, 1)
	publish(t, p, 26, 30).check(t, 4)
	if n, err := c.Tidy(within(t)); err != nil || n != 5 {
		t.Errorf("removed %d, %v; want the 5 before what it has not finished", n, err)
	}
	if got := messages(t, c, AlertStream); got != 5 {
		t.Errorf("%d alerts are left, want 5", got)
	}
}
