package cloudtrail

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"armor/agent/cloudtrail/cloudtest"
	"armor/internal/testenv"
)

// The long form: go test ./agent/cloudtrail -run TestVisibility -args -stall 3m
var stallFor = flag.Duration("stall", 12*time.Second, "how long the manager gives no receipt")

// TestVisibility: on a queue that keeps its time-outs, a message is kept from others while the manager is slow, is deleted after the receipt
// and not before, and comes back when the agent dies.
func TestVisibility(t *testing.T) {
	l := newListing(t)
	queues := cloudtest.New(t, testenv.ElasticMQ(t).URL())
	now := time.Now()
	var keys []string
	for n := range 10 {
		key := keyOf("", account1, "us-east-1", now, fmt.Sprint(n))
		l.put(key, zip(file1(n*10, n*10+9)), now)
		keys = append(keys, key)
	}
	start := func(r *cloudRig, queue string) *Queue {
		src := Source{Queue: queue, Options: cloudtest.Options(l.url)}
		src.Endpoints.SQS = queues.URL()
		cfg := r.config(src)
		cfg.Source.VisibilityTimeout = 3 * time.Second // less than the settings allow
		return NewQueue(cfg, r.intake, r.logger())
	}
	tell := func(queue string) {
		for _, key := range keys {
			queues.Tell(queue, "trail", key, etagOf(l.data[key])[1:17])
		}
	}
	waiting := func(queue string) [2]string {
		visible, inFlight := queues.Waiting(queue)
		return [2]string{visible, inFlight}
	}
	t.Run("a manager that stalls", func(t *testing.T) {
		queue := queues.Queue("stall", 3)
		r, other := rigOn(t, l), rigOn(t, l)
		q := start(r, queue)
		run(t, q.Run)
		tell(queue)
		eventually(t, "all is read", func() bool { return r.spool.Stats().Spooled == 100 && q.Idle() })
		second := start(other, queue) // another agent gets none of them
		run(t, second.Run)
		for end := time.Now().Add(*stallFor); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			if got := waiting(queue); got != [2]string{"0", "10"} {
				t.Fatalf("visible and in flight: %v", got)
			}
		}
		if f := q.Figures(); f["cloudtrail_messages_deleted"] != 0 || f["cloudtrail_messages_extended"] < 10 || f["cloudtrail_messages_received"] != 10 {
			t.Errorf("%v", f)
		}
		if n := second.Figures()["cloudtrail_messages_received"]; n != 0 {
			t.Errorf("the other agent got %v messages", n)
		}
		if got := numbers(ids(r.events())); !slices.Equal(got, numbers(want(0, 99))) {
			t.Errorf("%d events", len(got))
		}
		eventually(t, "they are deleted after the receipt", func() bool { return waiting(queue) == [2]string{"0", "0"} })
	})
	t.Run("an agent that dies", func(t *testing.T) {
		queue := queues.Queue("dies", 3)
		r := rigOn(t, l)
		ctx, die := context.WithCancel(t.Context())
		q := start(r, queue)
		done := make(chan struct{})
		go func() { _ = q.Run(ctx); close(done) }()
		tell(queue)
		eventually(t, "all is read", func() bool { return r.spool.Stats().Spooled == 100 && q.Idle() })
		die()
		<-done
		if f := q.Figures(); f["cloudtrail_messages_deleted"] != 0 {
			t.Errorf("%v", f)
		}
		r.reopen()
		q = start(r, queue)
		run(t, q.Run)
		eventually(t, "the messages come again", func() bool { return q.Figures()["cloudtrail_messages_received"] >= 10 && q.Idle() })
		if f := q.Figures(); f["cloudtrail_objects"] != 0 || f["cloudtrail_messages_deleted"] != 0 {
			t.Errorf("they are read again, or deleted before the receipt: %v", f)
		}
		if got := numbers(ids(r.events())); !slices.Equal(got, numbers(want(0, 99))) {
			t.Errorf("%d events", len(got))
		}
		eventually(t, "they are deleted after the receipt", func() bool { return waiting(queue) == [2]string{"0", "0"} })
	})
}
