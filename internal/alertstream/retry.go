package alertstream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// Headers of a letter that holds an event: whose it is.
const (
	headerAgentID   = "Armor-Agent"
	headerAgentName = "Armor-Agent-Name"
	headerAgentIP   = "Armor-Agent-IP"
	headerSpool     = "Armor-Spool"
)

const (
	// retrySubject is where managers are asked to evaluate the event of a dead letter again; they share the queue.
	retrySubject = "armor.retry.event"
	retryQueue   = "managers"
	// retryLimit is how long a manager may take.
	retryLimit = 30 * time.Second
)

// ErrNoManager says that no manager is there to evaluate an event again.
var ErrNoManager = errors.New("no manager is connected to NATS: start one, then retry")

// Origin says whose an event is.
type Origin struct {
	// AgentID, AgentName and AgentIP as alerts show them.
	AgentID, AgentName, AgentIP string
	// SpoolID of the agent.
	SpoolID string
}

func (o Origin) header() nats.Header {
	return nats.Header{
		headerAgentID: {headerText(o.AgentID)}, headerAgentName: {headerText(o.AgentName)}, headerAgentIP: {headerText(o.AgentIP)},
		headerSpool: {headerText(o.SpoolID)},
	}
}

// originOf reads an Origin; nil: the letter has none.
func originOf(h nats.Header) *Origin {
	if h.Get(headerAgentID) == "" {
		return nil
	}
	return &Origin{AgentID: h.Get(headerAgentID), AgentName: h.Get(headerAgentName), AgentIP: h.Get(headerAgentIP), SpoolID: h.Get(headerSpool)}
}

// DeadEvent is DeadLetter for an encoded armor.v1.Event, with whose it is, so that it can be evaluated again.
func (c *Conn) DeadEvent(ctx context.Context, reason string, event []byte, origin Origin, detail string) error {
	return c.writeLetter(ctx, reason, event, detail, origin.AgentID+"\x00"+origin.SpoolID, origin.header())
}

// RetryEvent asks a manager to evaluate the event of a letter again. Nil: it did, and the event's alert, if it raises one, is
// stored. The letter is still there.
func (c *Conn) RetryEvent(ctx context.Context, number uint64) error {
	if _, err := c.jetStream(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, retryLimit)
	defer cancel()
	answer, err := c.nc.RequestWithContext(ctx, retrySubject, []byte(strconv.FormatUint(number, 10)))
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return ErrNoManager
	case err != nil:
		return fmt.Errorf("asking a manager to evaluate the event again: %w", err)
	case len(answer.Data) > 0:
		return errors.New(headerText(string(answer.Data)))
	}
	return nil
}

// ServeRetries answers RetryEvent until ctx ends, one letter after the other: evaluate gets the letter, and returns nil when
// its event is finished. Several managers share the work.
func (c *Conn) ServeRetries(ctx context.Context, evaluate func(context.Context, *Letter) error) error {
	if _, err := c.jetStream(); err != nil {
		return err
	}
	sub, err := c.nc.QueueSubscribe(retrySubject, retryQueue, func(m *nats.Msg) {
		answer := ""
		if err := c.serveRetry(ctx, m.Data, evaluate); err != nil {
			answer = err.Error()
		}
		if err := m.Respond([]byte(answer)); err != nil {
			c.log.Debug("answering for a dead letter", "err", err) // who asked keeps the letter
		}
	})
	if err != nil {
		return fmt.Errorf("serving retries of dead letters: %w", err)
	}
	select {
	case <-ctx.Done():
	case <-c.life.Done():
	}
	_ = sub.Unsubscribe() // the connection may be gone, and its subscriptions with it
	return ctx.Err()
}

func (c *Conn) serveRetry(ctx context.Context, request []byte, evaluate func(context.Context, *Letter) error) error {
	ctx, cancel := context.WithTimeout(ctx, retryLimit)
	defer cancel()
	number, err := strconv.ParseUint(string(request), 10, 64)
	if err != nil {
		return fmt.Errorf("%q is not the number of a letter", request)
	}
	letter, err := c.Letter(ctx, number)
	switch {
	case err != nil:
		return err
	case letter.Kind() != EventLetter:
		return errors.New("the letter holds no event")
	case letter.Origin == nil:
		return errors.New("the letter does not say whose event it holds")
	case letter.Incomplete:
		return errors.New("parts of the letter are missing")
	}
	return evaluate(ctx, letter)
}
