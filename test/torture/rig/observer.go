package rig

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"maps"

	"github.com/prometheus/client_golang/prometheus"

	"armor/internal/alertstream"
	"armor/test/torture/lines"
	"armor/test/torture/tally"
)

// observer is the durable consumer that sees every alert of the stream, in the order of the stream.
const observer = "torture"

// Observer reads the stream beside the indexer, in the stream's order, whatever order messages come in.
type Observer struct {
	conn *alertstream.Conn
	from *alertstream.Consumer
	into *tally.Tally

	next  uint64
	early map[uint64]*alertstream.Message
	seen  atomic.Uint64
}

// Observe begins before Armor starts, so that the janitor removes nothing unseen. It connects past the proxies.
func (r *Rig) Observe(ctx context.Context, into *tally.Tally) (*Observer, error) {
	cfg := alertstream.Config{URL: r.NATS.URL()}
	conn, err := alertstream.Connect(ctx, cfg, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		return nil, fmt.Errorf("observing the stream: %w", err)
	}
	from, err := conn.Consumer(ctx, alertstream.ConsumerConfig{Durable: observer})
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("observing the stream: %w", err)
	}
	return &Observer{conn: conn, from: from, into: into, next: 1, early: map[uint64]*alertstream.Message{}}, nil
}

// Seen is the number of alerts seen in the stream.
func (o *Observer) Seen() uint64 { return o.seen.Load() }

// Run reads until ctx ends; then what came before its turn is counted too.
func (o *Observer) Run(ctx context.Context) {
	defer o.conn.Close()
	for ctx.Err() == nil {
		messages, err := o.from.Fetch(ctx, 2000, time.Second)
		if err != nil {
			select {
			case <-time.After(time.Second): // NATS is away
			case <-ctx.Done():
			}
			continue
		}
		for _, m := range messages {
			if m.Sequence >= o.next {
				o.early[m.Sequence] = m
			}
			if err := m.Ack(ctx); err != nil {
				continue // it comes again
			}
		}
		for m := o.early[o.next]; m != nil; m = o.early[o.next] {
			o.take(m)
			delete(o.early, o.next)
			o.next++
		}
	}
	for _, sequence := range slices.Sorted(maps.Keys(o.early)) {
		o.take(o.early[sequence])
	}
}

func (o *Observer) take(m *alertstream.Message) {
	o.seen.Add(1)
	name, n, err := lines.Parse(m.Alert.GetFullLog())
	if err != nil {
		name, n = err.Error(), 0
	}
	o.into.Add(name, n)
}
