package alertstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// fetchBytes bounds what one Fetch asks for, in bytes.
	fetchBytes = 32 << 20
	// fetchGrace is how long after its end a request is still waited for.
	fetchGrace  = 2 * time.Second
	longestWait = 30 * time.Second
)

// ConsumerConfig describes a durable consumer of the alert stream.
type ConsumerConfig struct {
	// Durable is its name, such as indexer: letters, digits, - and _.
	Durable string
	// MaxAckPending is how many alerts may be out without an acknowledgement, over all processes that share the consumer;
	// 0: 10,000.
	MaxAckPending int
	// AckWait is how long an alert may be out before it is given again; later times grow up to ten times as long. 0: 30
	// seconds.
	AckWait time.Duration
}

// Consumer takes alerts out of the stream. Several processes may share a durable name: each alert goes to one of them. Fetch
// may be called by one goroutine at a time; others wait.
type Consumer struct {
	conn *Conn
	cfg  ConsumerConfig

	mu    sync.Mutex
	inbox string
	sub   *nats.Subscription
	pulls uint64
}

// Consumer makes the durable consumer, or takes over the one that exists, adapting its limits.
func (c *Conn) Consumer(ctx context.Context, cfg ConsumerConfig) (*Consumer, error) {
	if string(appendToken(nil, cfg.Durable)) != cfg.Durable || cfg.Durable == "" {
		return nil, &PermanentError{fmt.Errorf("consumer name %q: use letters, digits, - and _", cfg.Durable)}
	}
	if cfg.MaxAckPending <= 0 {
		cfg.MaxAckPending = 10_000
	}
	if cfg.AckWait <= 0 {
		cfg.AckWait = 30 * time.Second
	}
	k := &Consumer{conn: c, cfg: cfg}
	if err := k.ensure(ctx); err != nil {
		return nil, err
	}
	return k, nil
}

func (k *Consumer) ensure(ctx context.Context) error {
	js, err := k.conn.jetStream()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	wait := k.cfg.AckWait
	_, err = js.CreateOrUpdateConsumer(ctx, AlertStream, jetstream.ConsumerConfig{
		Durable:       k.cfg.Durable,
		Description:   "Armor: alerts that " + k.cfg.Durable + " has not finished",
		DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy:     jetstream.AckExplicitPolicy,
		MaxDeliver:    -1,
		BackOff:       []time.Duration{wait, 2 * wait, 5 * wait, 10 * wait},
		MaxAckPending: k.cfg.MaxAckPending,
		MaxWaiting:    512,
	})
	return classify(fmt.Sprintf("making consumer %s of stream %s", k.cfg.Durable, AlertStream), err)
}

// Fetch gives up to most alerts (and up to 32 MiB): those that are there, or, when there are none, the first that come within
// wait (at most 30 seconds). None is no error. A consumer that was deleted is made again. Errors are retryable unless
// IsPermanent; the alerts of a Fetch that failed come again.
func (k *Consumer) Fetch(ctx context.Context, most int, wait time.Duration) ([]*Message, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	got, err := k.fetch(ctx, most, min(wait, longestWait))
	switch {
	case err == nil:
		return got, nil
	case ended(ctx, err):
		return nil, ctx.Err()
	case errors.Is(err, jetstream.ErrConsumerDeleted), errors.Is(err, nats.ErrNoResponders):
		if err := k.ensure(ctx); err != nil {
			return nil, err
		}
		k.conn.log.Warn("made a consumer again that was gone", "consumer", k.cfg.Durable, "stream", AlertStream)
		return nil, nil
	}
	return nil, fmt.Errorf("fetching alerts for %s: %w", k.cfg.Durable, err)
}

type pullRequest struct {
	Batch    int           `json:"batch"`
	MaxBytes int           `json:"max_bytes,omitempty"`
	NoWait   bool          `json:"no_wait,omitempty"`
	Expires  time.Duration `json:"expires,omitempty"`
}

// fetch asks for what is there; when nothing is, it waits for one alert and asks for what came with it. So no request outlives
// its Fetch and takes alerts that nobody reads.
func (k *Consumer) fetch(ctx context.Context, most int, wait time.Duration) ([]*Message, error) {
	if most <= 0 {
		return nil, nil
	}
	if err := k.subscribe(); err != nil {
		return nil, err
	}
	got, err := k.pull(ctx, pullRequest{Batch: most, MaxBytes: fetchBytes, NoWait: true})
	if err != nil || len(got) > 0 || wait < time.Millisecond {
		return got, err
	}
	started := time.Now()
	got, err = k.pull(ctx, pullRequest{Batch: 1, Expires: wait})
	if err != nil {
		return nil, err
	}
	if len(got) == 0 {
		k.breathe(ctx, started, wait)
		return nil, nil
	}
	if most > 1 {
		// An error here is no reason to hold back what there is: the next Fetch meets it again.
		more, _ := k.pull(ctx, pullRequest{Batch: most - 1, MaxBytes: fetchBytes, NoWait: true})
		got = append(got, more...)
	}
	return got, nil
}

// pull makes one request and reads until it ends.
func (k *Consumer) pull(ctx context.Context, request pullRequest) ([]*Message, error) {
	data, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	k.pulls++
	reply := k.inbox + strconv.FormatUint(k.pulls, 36)
	linked, release := k.conn.untilLost(ctx)
	defer release()
	if err := k.conn.nc.PublishRequest("$JS.API.CONSUMER.MSG.NEXT."+AlertStream+"."+k.cfg.Durable, reply, data); err != nil {
		return nil, err
	}
	deadline, cancel := context.WithTimeout(linked, request.Expires+fetchGrace)
	defer cancel()
	var got []*Message
	for len(got) < request.Batch {
		m, err := k.sub.NextMsgWithContext(deadline)
		switch {
		case err != nil && (len(got) > 0 || ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded)):
			return got, nil
		case err != nil && ctx.Err() == nil && linked.Err() != nil:
			return nil, errors.New("the connection was lost")
		case err != nil:
			return nil, err
		case strings.HasPrefix(m.Reply, "$JS.ACK."):
			got = append(got, newMessage(k.conn.nc, m))
		case m.Subject == reply:
			if err := endOfRequest(m); err != nil && len(got) == 0 {
				return nil, err
			}
			return got, nil
		} // else: the end of an earlier request
	}
	return got, nil
}

// breathe waits a little when the server ended a request at once without an alert, so that callers do not spin.
func (k *Consumer) breathe(ctx context.Context, started time.Time, wait time.Duration) {
	rest := min(20*time.Millisecond, wait) - time.Since(started)
	if rest <= 0 {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(rest):
	}
}

// endOfRequest reads a status message; nil: there is nothing more at present.
func endOfRequest(m *nats.Msg) error {
	status, text := m.Header.Get("Status"), m.Header.Get("Description")
	lower := strings.ToLower(text)
	switch {
	case status == "404", status == "408":
		return nil
	case status == "503":
		return nats.ErrNoResponders
	case strings.Contains(lower, "consumer deleted"):
		return jetstream.ErrConsumerDeleted
	case strings.Contains(lower, "message size exceeds maxbytes"), strings.Contains(lower, "batch completed"):
		return nil
	}
	return fmt.Errorf("the server ends the request: %s %s", status, text)
}

func (k *Consumer) subscribe() error {
	if _, err := k.conn.jetStream(); err != nil {
		return err
	}
	if !k.conn.nc.IsConnected() {
		return fmt.Errorf("not connected to %s", k.conn.cfg.where())
	}
	if k.sub != nil && k.sub.IsValid() {
		return nil
	}
	k.inbox = nats.NewInbox() + "."
	sub, err := k.conn.nc.SubscribeSync(k.inbox + "*")
	if err != nil {
		return fmt.Errorf("subscribing for alerts: %w", err)
	}
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return fmt.Errorf("subscribing for alerts: %w", err)
	}
	k.sub = sub
	return nil
}

// Close stops fetching; the durable consumer stays on the server. Alerts that were fetched and not acknowledged are given
// again after their time.
func (k *Consumer) Close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.sub != nil {
		_ = k.sub.Unsubscribe() // the connection may be gone, and its subscriptions with it
		k.sub = nil
	}
}

// Pending is how many alerts the durable consumer has not finished: not delivered yet, or not acknowledged. It is 0
// only when every alert whose publishing was acknowledged before the call is finished; a larger number may be behind by a few.
// For a consumer that does not exist it is everything in the stream.
func (c *Conn) Pending(ctx context.Context, durable string) (uint64, error) {
	js, err := c.jetStream()
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	stream, err := js.Stream(ctx, AlertStream)
	if err != nil {
		return 0, classify("asking for stream "+AlertStream, err)
	}
	consumer, err := stream.Consumer(ctx, durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return stream.CachedInfo().State.Msgs, nil
	}
	if err != nil {
		return 0, classify("asking for consumer "+durable, err)
	}
	info := consumer.CachedInfo()
	pending, last := info.NumPending, stream.CachedInfo().State.LastSeq
	if pending == 0 && last > info.Delivered.Stream && len(filters(info.Config)) == 0 {
		// The server counts what is pending a moment after it has acknowledged an alert: look for it.
		done, err := doneBefore(ctx, stream, []string{alertSubjects}, info.Delivered.Stream, last)
		if err != nil {
			return 0, classify("looking for what consumer "+durable+" has before it", err)
		}
		pending = last - done
	}
	return pending + uint64(info.NumAckPending), nil
}
