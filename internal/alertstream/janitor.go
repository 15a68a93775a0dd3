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
	// History is how many of the newest finished alerts stay in the stream.
	History uint64 `yaml:"history"`
	// Require names durable consumers that must exist before anything is removed, so that one that was never started or was
	// deleted misses nothing; absent: indexer.
	Require []string `yaml:"require"`
}

func (c JanitorConfig) withDefaults() JanitorConfig {
	if c.Interval == 0 {
		c.Interval = 5 * time.Second
	}
	if c.Require == nil {
		c.Require = []string{"indexer"}
	}
	return c
}

// RunJanitor removes finished alerts from the stream until ctx ends: those that every durable consumer has acknowledged, less
// the configured history. Without a durable consumer nothing is removed. Several processes may run one at once.
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
	if floor <= c.cfg.Janitor.History {
		return 0, nil
	}
	keepFrom := floor - c.cfg.Janitor.History + 1
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
