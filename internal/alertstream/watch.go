package alertstream

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/nats-io/nats.go"

	armorv1 "armor/proto/armor/v1"
)

// WatchFilter chooses alerts: all conditions must hold.
type WatchFilter struct {
	// MinLevel is the lowest level; 0: any.
	MinLevel int
	// RuleID is the rule; 0: any.
	RuleID int
	// AgentID is the agent; empty: any.
	AgentID string
}

// watchMemory is how many alert ids a Watch remembers to leave out what is published again.
const watchMemory = 4096

// Watch shows alerts as they are published, from its start on. It holds nobody up: what its reader is too slow for is counted
// as missed.
type Watch struct {
	conn   *Conn
	sub    *nats.Subscription
	filter WatchFilter
	alerts chan *armorv1.Alert
	done   chan struct{}
	once   sync.Once

	mu     sync.Mutex
	missed uint64
	seen   map[string]struct{}
	ring   []string // ids in seen, oldest at next
	next   int
}

// Watch starts watching, with room for buffer alerts that were not read yet (at least 1). Close it after use; it also ends
// with ctx.
func (c *Conn) Watch(ctx context.Context, filter WatchFilter, buffer int) (*Watch, error) {
	if _, err := c.jetStream(); err != nil {
		return nil, err
	}
	rule, agent := "*", "*"
	if filter.RuleID > 0 {
		rule = strconv.Itoa(filter.RuleID)
	}
	if filter.AgentID != "" {
		agent = string(appendToken(nil, filter.AgentID))
	}
	w := &Watch{
		conn: c, filter: filter, alerts: make(chan *armorv1.Alert, max(buffer, 1)), done: make(chan struct{}),
		seen: make(map[string]struct{}), ring: make([]string, 0, 64),
	}
	sub, err := c.nc.Subscribe(alertPrefix+"*."+rule+"."+agent, w.take)
	if err != nil {
		return nil, fmt.Errorf("watching alerts: %w", err)
	}
	w.sub = sub
	// The subscription counts from when the server knows it.
	if err := c.nc.FlushWithContext(boundedBy(ctx)); err != nil {
		w.Close()
		return nil, fmt.Errorf("watching alerts: %w", err)
	}
	notCtx, notLife := context.AfterFunc(ctx, w.Close), context.AfterFunc(c.life, w.Close)
	go func() { // a closed Watch is not kept by a context that lives on
		<-w.done
		notCtx()
		notLife()
	}()
	return w, nil
}

// take runs in the subscription's goroutine.
func (w *Watch) take(m *nats.Msg) {
	if level, ok := levelOf(m.Subject); !ok || level < w.filter.MinLevel {
		return
	}
	if id := m.Header.Get(headerMsgID); id != "" && w.known(id) {
		return
	}
	a, err := Decode(m.Data)
	if err != nil {
		w.miss()
		return
	}
	select {
	case w.alerts <- a:
	default:
		w.miss()
	}
}

func (w *Watch) miss() {
	w.conn.metrics.missed.Inc()
	w.mu.Lock()
	w.missed++
	w.mu.Unlock()
}

func (w *Watch) known(id string) bool {
	if _, ok := w.seen[id]; ok {
		return true
	}
	if len(w.ring) < watchMemory {
		w.ring = append(w.ring, id)
	} else {
		delete(w.seen, w.ring[w.next])
		w.ring[w.next] = id
		w.next = (w.next + 1) % watchMemory
	}
	w.seen[id] = struct{}{}
	return false
}

// Next waits for the next alert. missed is how many alerts were left out since the last call. It fails with ErrClosed after
// Close, or with the error of ctx.
func (w *Watch) Next(ctx context.Context) (alert *armorv1.Alert, missed uint64, err error) {
	select {
	case alert = <-w.alerts:
	default:
		select {
		case alert = <-w.alerts:
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		case <-w.done:
			return nil, 0, ErrClosed
		}
	}
	w.mu.Lock()
	missed, w.missed = w.missed, 0
	w.mu.Unlock()
	return alert, missed, nil
}

// Close ends the watch.
func (w *Watch) Close() {
	w.once.Do(func() {
		close(w.done)
		_ = w.sub.Unsubscribe() // the connection may be gone, and its subscriptions with it
	})
}
