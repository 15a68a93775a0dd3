package indexer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/indexer/store"
	"armor/internal/alertstream"
)

func TestEveryAlertOnce(t *testing.T) {
	r := newRig(t)
	r.publishNumbers(0, 1500)
	x := r.indexer(nil, Config{Consume: ConsumeConfig{Batch: 100}})
	stop := r.run(x)
	r.publishNumbers(1500, 3000)
	r.await("idle", func() bool { return x.Idle() })
	if got := r.total(); got != 3000 {
		t.Errorf("%d alerts in the store, want 3000", got)
	}
	if s := x.Status(); !s.GetReady() {
		t.Errorf("not ready: %s", s.GetReason())
	}
	if err := stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	c := r.checkConservation(x)
	if c["indexed"] != 3000 {
		t.Errorf("counters %v", c)
	}
	if x.Ready() == nil {
		t.Error("ready after the end")
	}
}

// An alert that comes again under another message id, as from a second manager, is a duplicate.
func TestDuplicate(t *testing.T) {
	r := newRig(t)
	r.publishNumbers(0, 10)
	data, _, err := alertstream.Encode(testAlert(3))
	if err != nil {
		t.Fatal(err)
	}
	r.publishRaw("armor.alerts.3.100.001", data)
	x := r.indexer(nil, Config{})
	r.run(x)
	r.await("idle", func() bool { return x.Idle() })
	c := r.checkConservation(x)
	if c["indexed"] != 10 || c["duplicate"] != 1 || r.total() != 10 {
		t.Errorf("counters %v, %d in the store", c, r.total())
	}
}

func (r *rig) publishRaw(subject string, data []byte) {
	r.t.Helper()
	js, err := r.raw.JetStream()
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := js.PublishMsg(&nats.Msg{Subject: subject, Data: data}); err != nil {
		r.t.Fatal(err)
	}
}

// Whatever a store does with writes that do not succeed, every alert ends in it once.
func TestFickleStore(t *testing.T) {
	const alerts = 600
	for name, fault := range map[string]func(*rig, int, context.Context, []store.Document) ([]store.Result, error){
		"error": func(r *rig, n int, ctx context.Context, docs []store.Document) ([]store.Result, error) {
			if n%3 != 0 {
				return nil, errAway
			}
			return r.store.Write(ctx, docs)
		},
		"applied, then lost": func(r *rig, n int, ctx context.Context, docs []store.Document) ([]store.Result, error) {
			results, err := r.store.Write(ctx, docs)
			if n%3 != 0 {
				return nil, errAway
			}
			return results, err
		},
		"half is to be retried": func(r *rig, n int, ctx context.Context, docs []store.Document) ([]store.Result, error) {
			half := len(docs) / 2
			if n%3 == 0 {
				half = len(docs)
			}
			results, err := r.store.Write(ctx, docs[:half])
			for range docs[half:] {
				results = append(results, store.Result{Outcome: store.Retry, Reason: "later"})
			}
			return results, err
		},
		"wrong number of results": func(r *rig, n int, ctx context.Context, docs []store.Document) ([]store.Result, error) {
			results, err := r.store.Write(ctx, docs)
			if n%2 == 1 {
				return results[1:], err
			}
			return results, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			var calls atomic.Int64
			f := &fickle{Store: r.store}
			f.write = func(ctx context.Context, docs []store.Document) ([]store.Result, error) {
				return fault(r, int(calls.Add(1)), ctx, docs)
			}
			r.publishNumbers(0, alerts)
			x := r.indexer(f, Config{Consume: ConsumeConfig{Batch: 100}})
			r.run(x)
			r.await("idle", func() bool { return x.Idle() })
			if got := r.total(); got != alerts {
				t.Errorf("%d alerts in the store, want %d", got, alerts)
			}
			if c := r.checkConservation(x); c["indexed"] != alerts {
				t.Errorf("counters %v", c)
			}
			if len(r.letters()) > 0 {
				t.Error("dead letters")
			}
		})
	}
}

// While the store takes nothing, alerts are held and not given out again, and readiness says why.
func TestStoreAway(t *testing.T) {
	r := newRig(t)
	var away atomic.Bool
	var tries atomic.Int64
	away.Store(true)
	f := &fickle{Store: r.store}
	f.write = func(ctx context.Context, docs []store.Document) ([]store.Result, error) {
		if away.Load() {
			tries.Add(1)
			return nil, errAway
		}
		return r.store.Write(ctx, docs)
	}
	r.publishNumbers(0, 1000)
	x := r.indexer(f, Config{Consume: ConsumeConfig{Batch: 50, Writers: 2}})
	x.times.ackWait, x.times.extend = 3*time.Second, 200*time.Millisecond
	r.run(x)
	r.await("a refused write is told", func() bool {
		s := x.Status()
		return !s.GetReady() && strings.Contains(s.GetReason(), errAway.Error())
	})
	r.await("several times the acknowledgement wait", func() bool { return tries.Load() > 14 })
	if held := x.held.Load(); held > 50*3 {
		t.Errorf("%d alerts held: pulling did not stop", held)
	}
	if x.Idle() {
		t.Error("idle while the store is away")
	}
	away.Store(false)
	r.await("idle", func() bool { return x.Idle() })
	r.await("ready again", func() bool { return x.Ready() == nil })
	c := r.checkConservation(x)
	if c["indexed"] != 1000 || c["received"] != 1000 {
		t.Errorf("counters %v: alerts were given out again", c)
	}
}

// A store that is not there at the start is waited for.
func TestStoreAbsentAtStart(t *testing.T) {
	r := newRig(t)
	var there atomic.Bool
	f := &fickle{Store: r.store, write: r.store.Write}
	f.ready = func() error {
		if there.Load() {
			return nil
		}
		return errAway
	}
	r.publishNumbers(0, 10)
	x := r.indexer(f, Config{})
	r.run(x)
	r.await("the reason is told", func() bool { return strings.Contains(fmt.Sprint(x.Ready()), errAway.Error()) })
	if r.total() != 0 {
		t.Error("alerts were written before the store was ready")
	}
	there.Store(true)
	r.await("idle", func() bool { return x.Idle() })
	if r.total() != 10 {
		t.Errorf("%d alerts in the store", r.total())
	}
}

// What waiting does not mend ends Run with the reason.
func TestPermanentErrors(t *testing.T) {
	r := newRig(t)
	bad := store.Permanent("index_period is month, the cluster says day")
	x := r.indexer(&fickle{Store: r.store, ready: func() error { return bad }}, Config{})
	if err := x.Run(t.Context()); !errors.Is(err, bad) {
		t.Errorf("Run: %v", err)
	}
	r.publishNumbers(0, 10)
	x = r.indexer(&fickle{Store: r.store, write: func(context.Context, []store.Document) ([]store.Result, error) { return nil, bad }}, Config{})
	if err := x.Run(t.Context()); !errors.Is(err, bad) {
		t.Errorf("Run: %v", err)
	}
	r.checkConservation(x)
	x = r.indexer(nil, Config{})
	r.run(x)
	r.await("idle", func() bool { return x.Idle() })
	if r.total() != 10 {
		t.Errorf("%d alerts in the store after the repair", r.total())
	}
}

// Alerts that no store can take, and bytes that are no alert, go to the dead letters, whole.
func TestDeadLetters(t *testing.T) {
	r := newRig(t)
	garbage := bytes.Repeat([]byte{0xff, 0, 7}, 1000)
	r.publishRaw("armor.alerts.3.100.001", garbage)
	noID := testAlert(1)
	noID.Id = "no id at all!"
	encoded, _, err := alertstream.Encode(noID)
	if err != nil {
		t.Fatal(err)
	}
	r.publishRaw("armor.alerts.3.100.001", encoded)
	r.publishNumbers(10, 20)
	x := r.indexer(nil, Config{})
	r.run(x)
	r.await("idle", func() bool { return x.Idle() })
	c := r.checkConservation(x)
	if c["dead_letter"] != 2 || c["indexed"] != 10 {
		t.Errorf("counters %v", c)
	}
	found := map[string][]byte{}
	for _, m := range r.letters() {
		found[m.Header.Get(alertstream.HeaderReason)] = m.Data
		if m.Header.Get(alertstream.HeaderDetail) == "" {
			t.Error("a dead letter without detail")
		}
	}
	if !bytes.Equal(found[alertstream.ReasonUndecodable], garbage) || !bytes.Equal(found[alertstream.ReasonRejected], encoded) {
		t.Errorf("dead letters %v", found)
	}
}

// Data that the store cannot map is set aside; an alert that it cannot map even so is a dead letter.
func TestDemote(t *testing.T) {
	r := newRig(t)
	f := &fickle{Store: r.store}
	f.write = func(ctx context.Context, docs []store.Document) ([]store.Result, error) {
		var fit []store.Document
		results := make([]store.Result, len(docs))
		for i, d := range docs {
			aside := bytes.Contains(d.JSON, []byte(`"unmapped_data":{"bad"`))
			switch {
			case bytes.Contains(d.JSON, []byte("hopeless")), bytes.Contains(d.JSON, []byte(`"bad"`)) && !aside:
				results[i] = store.Result{Outcome: store.Demote, Reason: "mapper_parsing_exception"}
			default:
				results[i] = store.Result{Outcome: store.Created}
				fit = append(fit, d)
			}
		}
		if _, err := r.store.Write(ctx, fit); err != nil {
			return nil, err
		}
		return results, nil
	}
	bad, hopeless := testAlert(1), testAlert(2)
	bad.Data = []byte(`{"bad":{"a":1}}`)
	hopeless.FullLog = []byte("hopeless")
	r.publish(testAlert(0), bad, hopeless, testAlert(3))
	x := r.indexer(f, Config{})
	r.run(x)
	r.await("idle", func() bool { return x.Idle() })
	c := r.checkConservation(x)
	if c["indexed"] != 3 || c["dead_letter"] != 1 {
		t.Errorf("counters %v", c)
	}
	letters := r.letters()
	if len(letters) != 1 || letters[0].Header.Get(alertstream.HeaderReason) != alertstream.ReasonUnmappable {
		t.Fatalf("dead letters %v", letters)
	}
	if a, err := alertstream.Decode(letters[0].Data); err != nil || a.GetId() != hopeless.GetId() {
		t.Errorf("the dead letter is %v, %v", a, err)
	}
}

// An indexer that is stopped while it holds alerts gives them back at once, and another one finishes them.
func TestStopAndGoOn(t *testing.T) {
	r := newRig(t)
	r.publishNumbers(0, 500)
	var once sync.Once
	blocked := make(chan struct{})
	f := &fickle{Store: r.store}
	f.write = func(ctx context.Context, docs []store.Document) ([]store.Result, error) {
		if _, err := r.store.Write(ctx, docs[:len(docs)/2]); err != nil { // applied, but never told
			return nil, err
		}
		once.Do(func() { close(blocked) })
		<-ctx.Done()
		return nil, ctx.Err()
	}
	first := r.indexer(f, Config{Consume: ConsumeConfig{Batch: 100}})
	first.times.ackWait = time.Hour // only giving back brings them again
	stop := r.run(first)
	<-blocked
	if err := stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	r.checkConservation(first)
	if first.held.Load() != 0 {
		t.Errorf("%d alerts held after the end", first.held.Load())
	}
	second := r.indexer(nil, Config{Consume: ConsumeConfig{Batch: 100}})
	r.run(second)
	r.await("idle", func() bool { return second.Idle() })
	c := r.checkConservation(second)
	if r.total() != 500 || c["redelivered"] == 0 || c["duplicate"] != 0 {
		t.Errorf("%d alerts in the store, counters %v", r.total(), c)
	}
}

// Two indexers share the alerts.
func TestTwoIndexers(t *testing.T) {
	r := newRig(t)
	a, b := r.indexer(nil, Config{Consume: ConsumeConfig{Batch: 50}}), r.indexer(nil, Config{Consume: ConsumeConfig{Batch: 50}})
	r.run(a)
	r.run(b)
	r.publishNumbers(0, 2000)
	r.await("idle", func() bool { return a.Idle() && b.Idle() })
	n := r.checkConservation(a)["indexed"] + r.checkConservation(b)["indexed"]
	if n != 2000 || r.total() != 2000 {
		t.Errorf("indexed %d, %d in the store", n, r.total())
	}
}

func TestRetention(t *testing.T) {
	r := newRig(t)
	old := testAlert(1)
	old.Time = timestamppb.New(time.Now().AddDate(-1, 0, 0))
	fresh := testAlert(2)
	fresh.Time = timestamppb.Now()
	r.publish(old, fresh)
	x := r.indexer(nil, Config{})
	stop := r.run(x)
	r.await("idle", func() bool { return x.Idle() })
	if r.total() != 2 {
		t.Fatalf("%d alerts: retention is on without being configured", r.total())
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	x = r.indexer(nil, Config{Retention: Age(90 * day)})
	r.run(x)
	r.await("the old month is deleted", func() bool { return r.total() == 1 })
}

func TestConsumerDeleted(t *testing.T) {
	r := newRig(t)
	r.publishNumbers(0, 100)
	x := r.indexer(nil, Config{})
	r.run(x)
	r.await("idle", func() bool { return x.Idle() })
	js, err := r.raw.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteConsumer(alertstream.AlertStream, Durable); err != nil {
		t.Fatal(err)
	}
	r.publishNumbers(100, 200)
	r.await("all are there", func() bool { return r.total() == 200 })
	r.await("idle", func() bool { return x.Idle() })
	r.checkConservation(x)
}
