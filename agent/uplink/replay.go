package uplink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"armor/agent/spool"
	armorv1 "armor/proto/armor/v1"
)

const (
	// progressEvery is how often the manager hears how far a replay is.
	progressEvery = time.Second
	// maxOrders wait for the one that is being carried out; a manager that sends more breaks the contract.
	maxOrders = 16
)

// order takes an order of the manager.
func (s *session) order(order *armorv1.ReplayOrder) error {
	select {
	case s.orders <- order:
		return nil
	default:
		return &Violation{fmt.Sprintf("more than %d replays are ordered at once", maxOrders)}
	}
}

// replays carries out one order after the other. An order ends with the session.
func (s *session) replays(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case order := <-s.orders:
			if err := s.replay(ctx, order); err != nil {
				return err
			}
		}
	}
}

// replay sends the finished events that are kept once more. Its error ends the session; what keeps the replay from being complete
// is told to the manager.
func (s *session) replay(ctx context.Context, order *armorv1.ReplayOrder) error {
	r := &replay{out: s.newSender(), progress: &armorv1.ReplayProgress{Id: order.GetId()}}
	var since time.Time
	if order.GetSince() != nil {
		since = order.GetSince().AsTime()
	}
	s.u.log.Info("the manager orders a replay of finished events", "order", order.GetId(), "since", since)
	err := s.resend(ctx, r, since)
	if err != nil && (ctx.Err() != nil || errors.Is(err, errEnded)) {
		return err
	}
	if err != nil {
		r.progress.Error = err.Error()
		s.u.log.Warn("a replay is not complete", "order", order.GetId(), "sent", r.progress.GetSent(), "of", r.progress.GetTotal(), "reason", err)
	} else {
		s.u.log.Info("a replay is complete", "order", order.GetId(), "events", r.progress.GetSent())
	}
	r.progress.Done = true
	return r.tell(ctx)
}

// replay is one order that is being carried out.
type replay struct {
	out      *sender
	progress *armorv1.ReplayProgress
	told     time.Time
}

func (r *replay) tell(ctx context.Context) error {
	r.told = time.Now()
	p := r.progress
	message := &armorv1.ReplayProgress{Id: p.GetId(), Sent: p.GetSent(), Total: p.GetTotal(), Done: p.GetDone(), Error: p.GetError()}
	return r.out.send(ctx, &armorv1.StreamRequest{Message: &armorv1.StreamRequest_ReplayProgress{ReplayProgress: message}})
}

// tellSometimes tells if it has not been told for a while.
func (r *replay) tellSometimes(ctx context.Context) error {
	if time.Since(r.told) < progressEvery {
		return nil
	}
	return r.tell(ctx)
}

func (s *session) resend(ctx context.Context, r *replay, since time.Time) error {
	kept, err := s.u.spool.NewReplay(s.id, since)
	if err != nil {
		return explainReplay(err)
	}
	defer kept.Close()
	r.progress.Total, err = kept.Count(ctx.Err)
	if err != nil {
		return explainReplay(err)
	}
	if err := r.tell(ctx); err != nil {
		return err
	}
	for {
		batch, err := kept.Next(maxEvents, maxBytes)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return explainReplay(err)
		}
		message := batch.Message()
		message.Replay = true
		if err := r.out.send(ctx, &armorv1.StreamRequest{Message: &armorv1.StreamRequest_Batch{Batch: message}}); err != nil {
			return err
		}
		r.progress.Sent += uint64(batch.Len())
		s.u.mu.Lock()
		s.u.status.Replayed += uint64(batch.Len())
		s.u.mu.Unlock()
		if err := r.tellSometimes(ctx); err != nil {
			return err
		}
	}
	if missing, why := kept.Missing(); missing > 0 {
		return fmt.Errorf("%d events could not be read again: %w", missing, why)
	}
	return nil
}

func explainReplay(err error) error {
	if errors.Is(err, spool.ErrRenewed) {
		return errors.New("the spool has a new id; what it keeps from before cannot be sent under it")
	}
	return fmt.Errorf("reading the spool: %w", err)
}
