// Package indexer takes alerts out of NATS and puts each into the store once: an alert is acknowledged when the store, or
// the dead-letter stream, has it, and never before.
package indexer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	"armor/indexer/alertservice"
	"armor/indexer/store"
	"armor/internal/alertstream"
	"armor/internal/sparselog"
	armorv1 "armor/proto/armor/v1"
)

// Durable is the name of the consumer that all indexers share.
const Durable = "indexer"

// Deps are an indexer's neighbours. It closes neither.
type Deps struct {
	// Stream is where alerts come from.
	Stream *alertstream.Conn
	// Store is where they go.
	Store store.Store
	// Now is the clock; nil: the machine's.
	Now func() time.Time
}

// Indexer moves alerts from the stream to the store.
type Indexer struct {
	cfg      Config
	deps     Deps
	log      *slog.Logger
	metrics  *metrics
	counters counters
	held     atomic.Int64 // alerts taken and not finished
	problems problems
	detected atomic.Int64 // when the manager decided on the alert that was finished last, Unix nanoseconds
	pending  atomic.Int64 // alerts that the consumer has not finished, as asked last; -1: unknown
	letters  atomic.Int64 // messages in the dead-letter stream, as asked last; -1: unknown
	running  atomic.Bool
	takes    news          // the store takes alerts again
	suspect  chan struct{} // told when a write fails: the store is to be asked soon; capacity 1

	setAside sparselog.Log // what may be said of every alert
	times    timing
}

// New makes an indexer. Nothing happens before Run.
func New(cfg Config, deps Deps, log *slog.Logger, reg prometheus.Registerer) (*Indexer, error) {
	cfg = cfg.WithDefaults()
	if deps.Stream == nil || deps.Store == nil {
		return nil, errors.New("an indexer needs a stream and a store")
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	x := &Indexer{cfg: cfg, deps: deps, log: log, times: usualTiming(), suspect: make(chan struct{}, 1)}
	x.pending.Store(-1)
	x.letters.Store(-1)
	x.problems.set("store", errors.New("the store was not asked yet"))
	x.metrics = newMetrics(reg, x)
	return x, nil
}

// Register adds AlertService to a server.
func (x *Indexer) Register(s grpc.ServiceRegistrar) {
	armorv1.RegisterAlertServiceServer(s, alertservice.New(x.deps.Store, x.deps.Stream, x.log))
}

// Run moves alerts until ctx ends, and then gives back what is not finished. While NATS or the store is away it waits and
// says so. It fails only with an error that waiting does not mend.
func (x *Indexer) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	x.running.Store(true)
	defer x.running.Store(false)

	if err := x.awaitStore(ctx); err != nil {
		return ended(ctx, err)
	}
	consumer, err := x.awaitConsumer(ctx)
	if err != nil {
		return ended(ctx, err)
	}
	defer consumer.Close()

	batches := make(chan []*alertstream.Message)
	var work sync.WaitGroup
	work.Go(func() { x.observe(ctx) })
	work.Go(func() { x.retain(ctx) })
	work.Go(func() { x.watchStore(ctx, cancel) })
	for n := range x.cfg.Consume.Writers {
		work.Go(func() {
			for batch := range batches {
				if err := x.finish(ctx, fmt.Sprintf("writer %d", n+1), batch); err != nil {
					cancel(err)
				}
			}
		})
	}
	err = x.pull(ctx, consumer, batches)
	close(batches)
	cancel(err)
	work.Wait()
	return ended(ctx, context.Cause(ctx))
}

// ended is nil where err is only the end of the context.
func ended(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("indexer: %w", err)
}

// awaitStore waits until the store works.
func (x *Indexer) awaitStore(ctx context.Context) error {
	for wait := x.newBackOff(); ; {
		err := x.askStore(ctx)
		if err == nil || store.IsPermanent(err) {
			if err == nil {
				wait.over(x.log, "the alert store is there")
			}
			return err
		}
		if !wait.sleep(ctx) {
			return ctx.Err()
		}
		wait.report(x.log, "waiting for the alert store", err)
	}
}

// askStore asks the store whether it works. One that has not answered for a while counts as not working, whatever it answers
// later.
func (x *Indexer) askStore(ctx context.Context) error {
	asking, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	answered := x.awaitAnswer("store")
	err := x.deps.Store.Ready(asking)
	answered()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	x.problems.set("store", err)
	return err
}

// awaitAnswer makes readiness red when the store does not answer for long, until the function that it returns is called;
// the caller then says how the part is.
func (x *Indexer) awaitAnswer(part string) (answered func()) {
	var mu sync.Mutex
	over, since := false, time.Now()
	timer := time.AfterFunc(x.times.slow, func() {
		mu.Lock()
		defer mu.Unlock()
		if !over {
			x.problems.set(part, fmt.Errorf("the store has not answered since %s", since.UTC().Format(time.RFC3339)))
		}
	})
	return func() {
		mu.Lock()
		defer mu.Unlock()
		over = true
		timer.Stop()
	}
}

// awaitConsumer waits until NATS has the consumer.
func (x *Indexer) awaitConsumer(ctx context.Context) (*alertstream.Consumer, error) {
	for wait := x.newBackOff(); ; {
		c, err := x.deps.Stream.Consumer(ctx, alertstream.ConsumerConfig{
			Durable: Durable, MaxAckPending: max(10_000, 4*x.cfg.Consume.Batch*x.cfg.Consume.Writers), AckWait: x.times.ackWait,
		})
		x.problems.set("consumer", err)
		if err == nil || alertstream.IsPermanent(err) {
			return c, err
		}
		if !wait.sleep(ctx) {
			return nil, ctx.Err()
		}
		wait.report(x.log, "waiting for NATS", err)
	}
}

// watchStore asks the store from time to time whether it works, so that readiness tells also when nothing is written; at once
// and more often while it does not. When it works again, the writers need not wait any longer.
func (x *Indexer) watchStore(ctx context.Context, fail context.CancelCauseFunc) {
	for away := false; sleep(ctx, x.times.probe); { // it is never asked more often
		if !away {
			timer := time.NewTimer(x.times.check)
			select {
			case <-timer.C:
			case <-x.suspect:
			case <-ctx.Done():
			}
			timer.Stop()
		}
		err := x.askStore(ctx)
		switch {
		case store.IsPermanent(err):
			fail(err)
		case err == nil && away:
			x.takes.tell()
		}
		away = err != nil
	}
}

// pull takes batches out of the stream. It waits while the writers have enough to do.
func (x *Indexer) pull(ctx context.Context, consumer *alertstream.Consumer, batches chan<- []*alertstream.Message) error {
	wait := x.newBackOff()
	for ctx.Err() == nil {
		again := x.deps.Stream.Reconnected()
		batch, err := consumer.Fetch(ctx, x.cfg.Consume.Batch, x.times.fetch)
		switch {
		case ctx.Err() != nil:
			x.giveBack(batch)
			return ctx.Err()
		case alertstream.IsPermanent(err):
			return err
		case err != nil:
			x.problems.set("consumer", err)
			wait.report(x.log, "fetching alerts", err)
			wait.sleepUntil(ctx, again)
			continue
		}
		x.problems.set("consumer", nil)
		wait.over(x.log, "alerts can be fetched again")
		wait = x.newBackOff()
		if len(batch) == 0 {
			continue
		}
		x.held.Add(int64(len(batch)))
		x.detected.CompareAndSwap(0, detected(batch[0]).UnixNano()) // until one is finished, the lag is the age of the first
		release := x.extend(batch)
		select {
		case batches <- batch:
			release()
		case <-ctx.Done():
			release()
			x.held.Add(-int64(len(batch)))
			x.giveBack(batch)
			return ctx.Err()
		}
	}
	return ctx.Err()
}

// Idle tells that everything in the stream is in the store.
func (x *Indexer) Idle() bool {
	if x.held.Load() > 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	n, err := x.deps.Stream.Pending(ctx, Durable)
	return err == nil && n == 0 && x.held.Load() == 0
}
