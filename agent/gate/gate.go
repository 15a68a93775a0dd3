// Package gate stands between an input and the spool. It knows when the input last gave an event, and decides what happens when the
// spool cannot take one: the input waits, or, if it is not to wait, the events are dropped, counted, and told with their range.
package gate

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	"armor/agent/notice"
	"armor/agent/spool"
	armorv1 "armor/proto/armor/v1"
)

// Reasons for which events are dropped here.
const (
	Full = "full" // the spool has no room
	Disk = "disk" // the disk does not take them
)

// Config is one input's.
type Config struct {
	// Name, Type and Path of the input.
	Name, Type, Path string
	// Drop what the spool cannot take at once. Otherwise the input waits.
	Drop bool
	// NoteLast keeps in the spool, about once a minute, when the input last gave an event.
	NoteLast bool
}

// Gate is the sink of one input. Append is called by one goroutine at a time, the other methods by any.
type Gate struct {
	cfg   Config
	spool *spool.Spool
	log   *slog.Logger

	// turn is held while something is given to the spool of an input that drops: positions must not overtake one another.
	turn  sync.Mutex
	owed  map[string]spool.Position // of dropped batches: how far the input is, which the spool does not know yet
	loss  map[string]*Loss          // by reason: dropped and not told
	told  map[string]time.Time      // by reason
	noted time.Time

	mu      sync.Mutex
	last    time.Time // of this process
	before  time.Time // of those before
	dropped map[string]uint64
}

const (
	lastPrefix = "last:"
	lossPrefix = "dropped:"
	noteEvery  = time.Minute
	tellEvery  = time.Minute
)

// New makes the gate of an input, and reads what is known of it from before.
func New(cfg Config, s *spool.Spool, log *slog.Logger) *Gate {
	g := &Gate{
		cfg: cfg, spool: s, log: log.With("input", cfg.Type, "path", cfg.Path), owed: map[string]spool.Position{}, loss: map[string]*Loss{},
		told: map[string]time.Time{}, dropped: map[string]uint64{},
	}
	known := s.Positions(notice.Input)
	if at, err := time.Parse(time.RFC3339Nano, string(known[lastPrefix+cfg.Name])); err == nil {
		g.before = at
	}
	for _, reason := range []string{Full, Disk} {
		if loss, ok := decodeLoss(known[g.lossKey(reason)]); ok {
			g.loss[reason] = &loss
		}
	}
	return g
}

func (g *Gate) lossKey(reason string) string { return lossPrefix + reason + ":" + g.cfg.Name }

// Config is what the gate was made with.
func (g *Gate) Config() Config { return g.cfg }

// Positions implements batch.Sink.
func (g *Gate) Positions(input string) map[string][]byte { return g.spool.Positions(input) }

// Append implements batch.Sink.
func (g *Gate) Append(ctx context.Context, events []*armorv1.Event, positions ...spool.Position) error {
	now := time.Now()
	if len(events) > 0 {
		g.mu.Lock()
		g.last = now
		g.mu.Unlock()
	}
	if g.cfg.NoteLast && len(events) > 0 && now.Sub(g.noted) >= noteEvery {
		g.noted = now
		positions = append(positions, spool.Position{Input: notice.Input, Key: lastPrefix + g.cfg.Name, Data: []byte(notice.Time(now))})
	}
	if !g.cfg.Drop {
		return g.spool.Append(ctx, events, positions...)
	}
	g.turn.Lock()
	defer g.turn.Unlock()
	// Of one key the last position counts: what is owed comes first.
	all := make([]spool.Position, 0, len(g.owed)+len(positions)+len(g.loss))
	for p := range maps.Values(g.owed) {
		all = append(all, p)
	}
	all = append(all, positions...)
	for reason, loss := range g.loss { // what was dropped before must not be forgotten when its positions are known
		all = append(all, spool.Position{Input: notice.Input, Key: g.lossKey(reason), Data: loss.encode()})
	}
	err := g.spool.Offer(ctx, events, all...)
	switch {
	case err == nil:
		clear(g.owed)
		return nil
	case ctx.Err() != nil, errors.Is(err, spool.ErrClosed), errors.Is(err, spool.ErrTooLarge):
		return err
	case errors.Is(err, spool.ErrFull):
		g.drop(Full, events, err)
	default:
		g.drop(Disk, events, err)
	}
	for _, p := range positions { // only now: a batch that was not dropped is read again after a restart
		g.owed[p.Input+"\x00"+p.Key] = p
	}
	return nil
}

// drop counts events that are lost. Their positions are owed.
func (g *Gate) drop(reason string, events []*armorv1.Event, err error) {
	if len(events) == 0 {
		return
	}
	loss := g.loss[reason]
	if loss == nil {
		g.log.Error("events are dropped", "reason", reason, "error", err)
		loss = &Loss{First: placeOf(events[0])}
		g.loss[reason] = loss
	}
	loss.Events += uint64(len(events))
	loss.Last = placeOf(events[len(events)-1])
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dropped[reason] += uint64(len(events))
}

// Seen notes that the input gave an event in another way than by Append.
func (g *Gate) Seen(ctx context.Context, at time.Time) error {
	g.mu.Lock()
	g.last = at
	g.mu.Unlock()
	if !g.cfg.NoteLast || at.Sub(g.noted) < noteEvery {
		return nil
	}
	g.noted = at
	return g.spool.Report(ctx, nil, spool.Position{Input: notice.Input, Key: lastPrefix + g.cfg.Name, Data: []byte(notice.Time(at))})
}

// Last is when the input last gave an event, in this process and in those before; zero: not yet.
func (g *Gate) Last() (here, before time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.last, g.before
}

// Dropped are the events dropped by this process, by reason.
func (g *Gate) Dropped() map[string]uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.dropped)
}

// Tell tells what was dropped, each reason at most once a minute; final tells all of it.
func (g *Gate) Tell(ctx context.Context, board *notice.Board, final bool) error {
	g.turn.Lock()
	defer g.turn.Unlock()
	for reason, loss := range g.loss {
		now := time.Now()
		if !final && now.Sub(g.told[reason]) < tellEvery {
			continue
		}
		positions := []spool.Position{{Input: notice.Input, Key: g.lossKey(reason)}}
		for p := range maps.Values(g.owed) {
			positions = append(positions, p)
		}
		for other, loss := range g.loss {
			if other != reason {
				positions = append(positions, spool.Position{Input: notice.Input, Key: g.lossKey(other), Data: loss.encode()})
			}
		}
		if err := board.Tell(ctx, loss.notice(reason, &g.cfg, now), positions...); err != nil {
			return err
		}
		g.log.Error("events were dropped", "reason", reason, "events", loss.Events, "from", loss.First.Time, "to", loss.Last.Time)
		delete(g.loss, reason)
		clear(g.owed)
		g.told[reason] = now
	}
	return nil
}
