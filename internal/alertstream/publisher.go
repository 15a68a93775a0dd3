package alertstream

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/semaphore"

	armorv1 "armor/proto/armor/v1"
)

// windowBytes bounds the encoded alerts of one Publisher that are on their way, besides their number.
const windowBytes = 64 << 20

// Publisher hands alerts over to JetStream. Many may be on their way at once, bounded by the window: when it is full, Publish
// blocks. An alert whose acknowledgement fails or does not come is sent again, in order, with jittered back-off, and new ones
// wait behind it; the server recognises an alert by its id, so it is stored once. It is safe for concurrent use; what one
// goroutine publishes is stored in that order, save where an acknowledgement of an earlier alert failed.
type Publisher struct {
	conn  *Conn
	inbox string // reply subjects are inbox + number of the flight
	sub   *nats.Subscription
	slots *semaphore.Weighted
	bytes *semaphore.Weighted

	mu         sync.Mutex
	flights    []*flight // in order of their number; nil: landed
	first      uint64    // number of flights[0]
	recovering bool
	cause      error
	closed     bool

	kick   chan struct{} // wakes the recovery, capacity 1
	landed chan struct{} // told when a flight is answered during a recovery, capacity 1
	done   chan struct{}
}

// flight is one alert on its way.
type flight struct {
	ctx     context.Context
	number  uint64
	subject string
	id      string
	data    []byte
	done    func(error)
	sent    time.Time // zero: not sent, or its last try failed
}

// NewPublisher makes a Publisher with at most window alerts (and 64 MiB) on their way.
func (c *Conn) NewPublisher(window int) *Publisher {
	window = max(window, 1)
	p := &Publisher{
		conn: c, inbox: nats.NewInbox() + ".",
		slots: semaphore.NewWeighted(int64(window)), bytes: semaphore.NewWeighted(windowBytes),
		kick: make(chan struct{}, 1), landed: make(chan struct{}, 1), done: make(chan struct{}),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		p.closed = true
		close(p.done)
		return p
	}
	c.publishers = append(c.publishers, p)
	c.work.Go(p.run)
	return p
}

// Publish takes an alert; it blocks while the window is full. When it returns nil, done is called exactly once, from any
// goroutine: with nil when JetStream has stored the alert (or had it), with an error when ctx ended first, the Conn was closed
// (ErrClosed), or the alert can never be stored (PermanentError). When Publish returns an error itself, the alert was not taken
// and done is not called. done must not block. The alert may be changed as soon as Publish returns.
func (p *Publisher) Publish(ctx context.Context, a *armorv1.Alert, done func(error)) error {
	data, cut, err := Encode(a)
	if err != nil {
		p.conn.metrics.refused.Inc()
		return err
	}
	if cut != "" {
		p.conn.metrics.cut.WithLabelValues(cut).Inc()
	}
	size := int64(len(data))
	if err := p.slots.Acquire(ctx, 1); err != nil {
		return fmt.Errorf("publishing alert %s: %w", a.GetId(), err)
	}
	if err := p.bytes.Acquire(ctx, size); err != nil {
		p.slots.Release(1)
		return fmt.Errorf("publishing alert %s: %w", a.GetId(), err)
	}
	f := &flight{ctx: ctx, subject: Subject(a), id: a.GetId(), data: data, done: done}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		p.slots.Release(1)
		p.bytes.Release(size)
		return ErrClosed
	}
	f.number = p.first + uint64(len(p.flights))
	p.flights = append(p.flights, f)
	p.conn.metrics.published.Inc()
	p.conn.metrics.inFlight.Inc()
	if !p.recovering {
		err = p.send(f)
	}
	p.mu.Unlock()
	if err != nil {
		p.answered(f.number, err)
	}
	return nil
}

// InFlight is how many alerts wait for their acknowledgement.
func (p *Publisher) InFlight() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, f := range p.flights {
		if f != nil {
			n++
		}
	}
	return n
}

// send sends a flight; p.mu is held, which keeps the order.
func (p *Publisher) send(f *flight) error {
	nc, err := p.connection()
	if err != nil {
		return err
	}
	f.sent = time.Now()
	return nc.PublishMsg(&nats.Msg{
		Subject: f.subject,
		Reply:   p.inbox + strconv.FormatUint(f.number, 36),
		Header:  nats.Header{headerMsgID: {f.id}, headerExpectedStream: expectedAlertStream},
		Data:    f.data,
	})
}

var expectedAlertStream = []string{AlertStream}

const (
	headerMsgID          = "Nats-Msg-Id"
	headerExpectedStream = "Nats-Expected-Stream"
)

// connection gives the connection with the answers subscribed to; p.mu is held.
func (p *Publisher) connection() (*nats.Conn, error) {
	if _, err := p.conn.jetStream(); err != nil {
		return nil, err
	}
	nc := p.conn.nc
	if !nc.IsConnected() {
		return nil, fmt.Errorf("not connected to %s", p.conn.cfg.where())
	}
	if p.sub == nil {
		sub, err := nc.Subscribe(p.inbox+"*", p.answer)
		if err != nil {
			return nil, fmt.Errorf("subscribing to acknowledgements: %w", err)
		}
		if err := sub.SetPendingLimits(-1, -1); err != nil {
			return nil, fmt.Errorf("subscribing to acknowledgements: %w", err)
		}
		p.sub = sub
	}
	return nc, nil
}

// answer handles what JetStream says about one flight.
func (p *Publisher) answer(m *nats.Msg) {
	number, err := strconv.ParseUint(strings.TrimPrefix(m.Subject, p.inbox), 36, 64)
	if err != nil {
		return
	}
	duplicate, err := parseAck(m)
	if duplicate {
		p.conn.metrics.duplicates.Inc()
	}
	p.answered(number, err)
}

// answered ends a flight, or lets the recovery send it again.
func (p *Publisher) answered(number uint64, err error) {
	p.mu.Lock()
	if number < p.first || number-p.first >= uint64(len(p.flights)) || p.flights[number-p.first] == nil {
		p.mu.Unlock()
		return // a second answer
	}
	f := p.flights[number-p.first]
	if err != nil && !IsPermanent(err) {
		f.sent = time.Time{}
		p.recoverLocked(err)
		p.mu.Unlock()
		return
	}
	p.land(f)
	p.mu.Unlock()
	if err == nil {
		p.conn.metrics.stored.Inc()
	} else {
		p.conn.metrics.refused.Inc()
	}
	p.finish(f, err)
}

// land takes a flight out; p.mu is held.
func (p *Publisher) land(f *flight) {
	p.flights[f.number-p.first] = nil
	n := 0
	for n < len(p.flights) && p.flights[n] == nil {
		n++
	}
	p.first += uint64(n)
	p.flights = p.flights[n:]
	if p.recovering {
		signal(p.landed)
	}
}

// finish gives a flight's window back and calls done.
func (p *Publisher) finish(f *flight, err error) {
	p.conn.metrics.inFlight.Dec()
	p.slots.Release(1)
	p.bytes.Release(int64(len(f.data)))
	f.done(err)
}

// Close gives back every alert on its way with ErrClosed.
func (p *Publisher) Close() {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	p.closed = true
	flights, sub := p.flights, p.sub
	p.first += uint64(len(p.flights))
	p.flights = nil
	p.mu.Unlock()
	close(p.done)
	if sub != nil {
		_ = sub.Unsubscribe() // the connection may be gone, and its subscriptions with it
	}
	for _, f := range flights {
		if f != nil {
			p.finish(f, ErrClosed)
		}
	}
	p.conn.setProblem(p.part(), nil)
	p.conn.forget(p)
}

func (p *Publisher) part() string { return "publish " + p.inbox }

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
