package indexer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"armor/indexer/document"
	"armor/indexer/store"
	"armor/internal/alertstream"
)

// timing is how long things may take.
type timing struct {
	ackWait time.Duration // how long an alert may be out
	extend  time.Duration // how often more time is asked for, well before
	fetch   time.Duration // how long one fetch waits for alerts
	check   time.Duration // how often the store is asked whether it works
	probe   time.Duration // how often while it does not
	slow    time.Duration // how long the store may take to answer before readiness says so
	first   time.Duration // the wait after a first failure
	longest time.Duration // the longest wait between two tries
}

func usualTiming() timing {
	// The alerts of an indexer that was killed come again after ackWait; one that lives asks for more time well before.
	return timing{ackWait: 10 * time.Second, extend: 3 * time.Second, fetch: 5 * time.Second,
		check: 10 * time.Second, probe: time.Second, slow: 8 * time.Second, first: 100 * time.Millisecond, longest: 10 * time.Second}
}

// item is an alert on its way to the store.
type item struct {
	message  *alertstream.Message
	ingested time.Time
	doc      store.Document
	setAside bool
	tried    bool // an earlier try may have stored it unnoticed
}

// finish brings every alert of a batch to its end: into the store or to the dead letters, then acknowledged. It tries until
// ctx ends; what is left then is given back. An error is one that waiting does not mend. part names the writer in readiness.
func (x *Indexer) finish(ctx context.Context, part string, batch []*alertstream.Message) error {
	defer x.held.Add(-int64(len(batch)))
	defer x.extend(batch)()
	items := x.render(ctx, batch)
	wait := x.newBackOff()
	defer func() {
		if len(items) == 0 {
			wait.over(x.log, "the store takes alerts again")
		}
	}()
	for len(items) > 0 && ctx.Err() == nil {
		started, takes := time.Now(), x.takes.next()
		answered := x.awaitAnswer(part)
		left, reason, err := x.attempt(ctx, items)
		answered()
		x.metrics.writeSeconds.Observe(time.Since(started).Seconds())
		items = left
		switch {
		case err != nil && store.IsPermanent(err):
			x.problems.set(part, err)
			x.returnAll(items)
			return err
		case err != nil && ctx.Err() == nil:
			reason = err.Error()
		}
		if reason == "" {
			x.problems.set(part, nil)
			if wait.tries > 0 && len(items) == 0 {
				x.takes.tell()
			}
			continue // what is left was changed, and may be tried at once
		}
		x.metrics.retries.Inc()
		err = errors.New(reason)
		x.problems.set(part, err)
		wait.report(x.log, "the store does not take alerts", err)
		select {
		case x.suspect <- struct{}{}:
		default:
		}
		wait.sleepUntil(ctx, takes)
	}
	x.returnAll(items)
	return nil
}

// render makes the documents. What is no alert goes to the dead letters.
func (x *Indexer) render(ctx context.Context, batch []*alertstream.Message) []*item {
	items := make([]*item, 0, len(batch))
	now := x.deps.Now()
	size := 0
	for _, m := range batch {
		size += len(m.Data)*2 + 512
	}
	buffer := make([]byte, 0, size)
	for _, m := range batch {
		if m.Err != nil {
			x.deadLetter(ctx, m, alertstream.ReasonUndecodable, m.Err.Error())
			continue
		}
		start := len(buffer)
		buffer = document.Append(buffer, m.Alert, now)
		items = append(items, &item{message: m, ingested: now, doc: store.Document{
			ID: m.Alert.GetId(), Time: document.Time(m.Alert), Alert: m.Alert, JSON: buffer[start:len(buffer):len(buffer)],
		}})
	}
	return items
}

// attempt writes once. It returns what is not finished yet, and why the store wants to be asked again later; without a
// reason what is left may be tried at once.
func (x *Indexer) attempt(ctx context.Context, items []*item) (left []*item, reason string, err error) {
	docs := make([]store.Document, len(items))
	for i, it := range items {
		docs[i] = it.doc
	}
	results, err := x.deps.Store.Write(ctx, docs)
	if err == nil && len(results) != len(items) {
		err = fmt.Errorf("the store gave %d results for %d documents", len(results), len(items))
	}
	if err != nil {
		for _, it := range items {
			it.tried = true
		}
		return items, "", err
	}
	for i, r := range results {
		it := items[i]
		switch r.Outcome {
		case store.Created:
			x.done(it.message, &x.counters.indexed)
		case store.Duplicate:
			switch {
			case it.message.Deliveries > 1:
				x.done(it.message, &x.counters.redelivered)
			case it.tried:
				x.done(it.message, &x.counters.indexed)
			default:
				x.done(it.message, &x.counters.duplicate)
			}
		case store.Demote:
			if it.setAside {
				x.deadLetter(ctx, it.message, alertstream.ReasonUnmappable, r.Reason)
				continue
			}
			x.setAside.Say(x.log, slog.LevelWarn, "alert's data set aside: the store cannot map it", "alert", it.doc.ID, "reason", r.Reason)
			x.metrics.setAside.Inc()
			it.setAside = true
			it.doc.JSON = document.AppendSetAside(nil, it.doc.Alert, it.ingested)
			left = append(left, it)
		case store.DeadLetter:
			x.deadLetter(ctx, it.message, alertstream.ReasonRejected, r.Reason)
		default:
			reason = r.Reason
			if reason == "" {
				reason = "the store wants the alert later"
			}
			it.tried = true
			left = append(left, it)
		}
	}
	return left, reason, nil
}

// done acknowledges an alert and counts it. A lost acknowledgement brings the alert again, as a duplicate.
func (x *Indexer) done(m *alertstream.Message, counter *counter) {
	x.counters.received.inc()
	counter.inc()
	x.detected.Store(detected(m).UnixNano())
	if err := m.Ack(context.Background()); err != nil {
		x.log.Debug("acknowledging an alert", "error", err)
	}
}

// detected is when the manager decided on an alert; where it does not say, when the stream took it.
func detected(m *alertstream.Message) time.Time {
	if t := m.Alert.GetDetectedTime(); t != nil && t.IsValid() {
		return t.AsTime()
	}
	return m.Stored
}

// deadLetter keeps the original bytes in the dead-letter stream, and acknowledges the alert when they are there. When ctx
// ends before, the alert is given back.
func (x *Indexer) deadLetter(ctx context.Context, m *alertstream.Message, reason, detail string) {
	detail = fmt.Sprintf("alert %s, stream sequence %d: %s", m.Alert.GetId(), m.Sequence, detail)
	for wait := x.newBackOff(); ; {
		err := x.deps.Stream.DeadLetterOf(ctx, m, reason, detail)
		if err == nil {
			x.problems.set("dead letters", nil)
			x.done(m, &x.counters.deadLetter)
			return
		}
		if ctx.Err() != nil {
			x.giveBackCounted(m)
			return
		}
		x.problems.set("dead letters", err)
		wait.report(x.log, "writing a dead letter", err)
		wait.sleep(ctx)
	}
}

func (x *Indexer) returnAll(items []*item) {
	for _, it := range items {
		x.giveBackCounted(it.message)
	}
}

func (x *Indexer) giveBack(batch []*alertstream.Message) {
	for _, m := range batch {
		x.giveBackCounted(m)
	}
}

// giveBackCounted gives an alert back: it will be delivered again.
func (x *Indexer) giveBackCounted(m *alertstream.Message) {
	x.counters.received.inc()
	x.counters.redelivered.inc()
	if err := m.Nak(0); err != nil {
		x.log.Debug("giving an alert back", "error", err)
	}
}

// extend asks for more time for a batch from time to time, until the function that it returns is called. Those that are
// finished meanwhile are asked for too, which the server ignores.
func (x *Indexer) extend(batch []*alertstream.Message) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() {
		for sleep(ctx, x.times.extend) {
			for _, m := range batch {
				if err := m.InProgress(); err != nil {
					x.log.Debug("asking for more time", "error", err)
					break
				}
			}
		}
	})
	return func() { cancel(); ended.Wait() }
}
