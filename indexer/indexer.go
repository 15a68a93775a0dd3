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
	stored   atomic.Int64 // when the stream took the alert that was finished last, Unix nanoseconds
	pending  atomic.Int64 // alerts that the consumer has not finished, as asked last; -1: unknown
	running  atomic.Bool

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
	x := &Indexer{cfg: cfg, deps: deps, log: log, times: usualTiming()}
	x.pending.Store(-1)
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
	for range x.cfg.Consume.Writers {
		work.Go(func() {
			for batch := range batches {
				if err := x.finish(ctx, batch); err != nil {
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
	for wait := newBackOff(); ; {
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

func (x *Indexer) askStore(ctx context.Context) error {
	asking, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	err := x.deps.Store.Ready(asking)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	x.problems.set("store", err)
	return err
}

// awaitConsumer waits until NATS has the consumer.
func (x *Indexer) awaitConsumer(ctx context.Context) (*alertstream.Consumer, error) {
	for wait := newBackOff(); ; {
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

// watchStore asks the store from time to time whether it works, so that readiness tells also when nothing is written.
func (x *Indexer) watchStore(ctx context.Context, fail context.CancelCauseFunc) {
	for sleep(ctx, x.times.check) {
		if err := x.askStore(ctx); store.IsPermanent(err) {
			fail(err)
		}
	}
}

// pull takes batches out of the stream. It waits while the writers have enough to do.
func (x *Indexer) pull(ctx context.Context, consumer *alertstream.Consumer, batches chan<- []*alertstream.Message) error {
	wait := newBackOff()
	for ctx.Err() == nil {
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
			wait.sleep(ctx)
			continue
		}
		x.problems.set("consumer", nil)
		wait.over(x.log, "alerts can be fetched again")
		wait = newBackOff()
		if len(batch) == 0 {
			continue
		}
		x.held.Add(int64(len(batch)))
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
