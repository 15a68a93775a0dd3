package alertstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// JanitorConfig says how finished alerts leave the stream.
type JanitorConfig struct {
	// Interval between two looks; 0: 5 seconds.
	Interval time.Duration `yaml:"interval"`
	// History is how many of the newest finished alerts stay in the stream, however old they are.
	History uint64 `yaml:"history"`
	// HistoryBytes is how much of the stream may be taken by finished alerts that are younger than the duplicates window, at
	// most an eighth of its size. nats-server reads the ids that it recognises out of the stream when it starts, so what is
	// published again after a restart is recognised as far as this history goes. 0: 64 MiB; negative: none.
	HistoryBytes int64 `yaml:"history_bytes"`
	// Require names durable consumers that must exist before anything is removed, so that one that was never started or was
	// deleted misses nothing; absent: indexer.
	Require []string `yaml:"require"`
}

func (c JanitorConfig) withDefaults() JanitorConfig {
	if c.Interval == 0 {
		c.Interval = 5 * time.Second
	}
	if c.HistoryBytes == 0 {
		c.HistoryBytes = 64 << 20
	}
	if c.Require == nil {
		c.Require = []string{"indexer"}
	}
	return c
}

// RunJanitor removes finished alerts from the stream until ctx ends: those that every durable consumer has acknowledged, less
// the history. Without a durable consumer nothing is removed. Several processes may run one at once.
func (c *Conn) RunJanitor(ctx context.Context) error {
	ticker := time.NewTicker(c.cfg.Janitor.Interval)
	defer ticker.Stop()
	for failures := 0; ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.life.Done():
			return ErrClosed
		case <-ticker.C:
		}
		removed, err := c.Tidy(ctx)
		if err != nil && ctx.Err() == nil {
			if failures++; failures == 3 || failures%100 == 0 {
				c.log.Warn("finished alerts cannot be removed from the stream", "failures", failures, "err", err)
			}
			continue
		}
		failures = 0
		if removed > 0 {
			c.log.Debug("removed finished alerts", "alerts", removed, "stream", AlertStream)
		}
	}
}

// Tidy removes finished alerts once and tells how many.
func (c *Conn) Tidy(ctx context.Context) (uint64, error) {
	js, err := c.jetStream()
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	doing := "removing finished alerts from stream " + AlertStream
	stream, err := js.Stream(ctx, AlertStream)
	if err != nil {
		return 0, classify(doing, err)
	}
	state := stream.CachedInfo().State // before the consumers are asked: they may be further by then, never less far
	if state.Msgs == 0 {
		return 0, nil
	}
	floor, err := c.finished(ctx, stream, state.LastSeq)
	if err != nil {
		return 0, classify(doing, err)
	}
	if floor <= c.cfg.Janitor.History || floor < state.FirstSeq {
		return 0, nil
	}
	young, err := c.youngFrom(ctx, stream, floor)
	if err != nil {
		return 0, classify(doing, err)
	}
	keepFrom := min(floor-c.cfg.Janitor.History+1, young)
	if keepFrom <= state.FirstSeq {
		return 0, nil
	}
	if err := stream.Purge(ctx, jetstream.WithPurgeSequence(keepFrom)); err != nil {
		return 0, classify(doing, err)
	}
	removed := min(keepFrom-state.FirstSeq, state.Msgs)
	c.metrics.purged.Add(float64(removed))
	return removed, nil
}

// youngFrom gives the first sequence of the finished alerts, those up to floor, that stay because they are young: no more than
// the history's size. floor+1: none does.
func (c *Conn) youngFrom(ctx context.Context, stream jetstream.Stream, floor uint64) (uint64, error) {
	info := stream.CachedInfo()
	state, size := info.State, c.cfg.Janitor.HistoryBytes
	if info.Config.MaxBytes > 0 {
		size = min(size, info.Config.MaxBytes/8)
	}
	if size <= 0 || info.Config.Duplicates <= 0 {
		return floor + 1, nil
	}
	// All alerts are taken to be of the average size.
	most := uint64(size) / max(1, state.Bytes/state.Msgs)
	low, high := state.FirstSeq, floor+1 // the answer lies in between
	if most < high-low {
		low = high - most
	}
	now := time.Now()
	if state.LastTime.After(now) { // by the server's clock
		now = state.LastTime
	}
	for young := now.Add(-info.Config.Duplicates); low < high; {
		middle := low + (high-low)/2
		m, err := stream.GetMsg(ctx, middle, jetstream.WithGetMsgSubject(alertSubjects))
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound): // nothing from there on
			high = middle
		case err != nil:
			return 0, err
		case m.Time.Before(young):
			low = middle + 1
		default:
			high = middle
		}
	}
	return low, nil
}

// finished gives the last sequence that all durable consumers have acknowledged; 0: none.
func (c *Conn) finished(ctx context.Context, stream jetstream.Stream, last uint64) (floor uint64, err error) {
	floor = last
	found := false
	missing := make(map[string]bool, len(c.cfg.Janitor.Require))
	for _, name := range c.cfg.Janitor.Require {
		missing[name] = true
	}
	consumers := stream.ListConsumers(ctx)
	for info := range consumers.Info() {
		if info.Config.Durable == "" {
			continue
		}
		found = true
		delete(missing, info.Config.Durable)
		done := info.AckFloor.Stream
		if wants := filters(info.Config); len(wants) > 0 {
			if done, err = doneBefore(ctx, stream, wants, done, last); err != nil {
				return 0, fmt.Errorf("looking for what consumer %s wants: %w", info.Config.Durable, err)
			}
		}
		floor = min(floor, done)
	}
	if err := consumers.Err(); err != nil && !errors.Is(err, jetstream.ErrEndOfData) {
		return 0, fmt.Errorf("listing consumers: %w", err)
	}
	if !found || len(missing) > 0 {
		return 0, nil
	}
	return floor, nil
}

func filters(c jetstream.ConsumerConfig) []string {
	if c.FilterSubject != "" {
		return []string{c.FilterSubject}
	}
	return c.FilterSubjects
}

// doneBefore gives the last sequence, at most last, up to which the stream has nothing after floor that a consumer with these
// filters wants: its own floor stays at the last alert that it wanted, and would hold everything back.
func doneBefore(ctx context.Context, stream jetstream.Stream, wants []string, floor, last uint64) (uint64, error) {
	done := last
	for _, subject := range wants {
		next, err := stream.GetMsg(ctx, floor+1, jetstream.WithGetMsgSubject(subject))
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound):
		case err != nil:
			return 0, err
		default:
			done = min(done, next.Sequence-1)
		}
	}
	return done, nil
}
