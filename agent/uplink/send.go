package uplink

import (
	"context"
	"errors"
	"io"
	"sync"

	"armor/agent/spool"
	armorv1 "armor/proto/armor/v1"
)

// outgoing is a message on its way to the one goroutine that sends. done gets what became of it; until then what the message refers
// to must stay as it is.
type outgoing struct {
	request *armorv1.StreamRequest
	done    chan<- error
}

// sender hands messages to the goroutine that sends. Several of them take turns: whoever waits gets its turn after one message of
// each of the others.
type sender struct {
	s    *session
	done chan error
}

func (s *session) newSender() *sender { return &sender{s, make(chan error, 1)} }

// send returns when the message has been given to the stream.
func (w *sender) send(ctx context.Context, request *armorv1.StreamRequest) error {
	select {
	case w.s.outgoing <- outgoing{request, w.done}:
		return <-w.done
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// send sends events behind a sequence, reports and replays, until ctx or the stream ends. All of them go through this goroutine.
func (s *session) send(ctx, life context.Context, after uint64) error {
	both, stop := context.WithCancelCause(life)
	defer stop(nil)
	defer context.AfterFunc(ctx, func() { stop(context.Cause(ctx)) })()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop(nil)
	for _, work := range []func(context.Context) error{
		func(ctx context.Context) error { return s.feed(ctx, after) },
		s.reports,
		s.replays,
	} {
		wg.Go(func() { stop(work(both)) })
	}
	for {
		select {
		case <-both.Done():
			return context.Cause(both)
		case out := <-s.outgoing: // of several that wait one is taken at random, so none is left out
			err := s.stream.Send(out.request)
			if errors.Is(err, io.EOF) {
				err = errEnded // the receiving side knows why
			}
			out.done <- err
			if err != nil {
				return err
			}
		}
	}
}

// feed sends what is behind a sequence, as far as the window allows.
func (s *session) feed(ctx context.Context, after uint64) error {
	reader, err := s.u.spool.NewReader(s.id, after)
	if err != nil {
		return err
	}
	defer reader.Close()
	if reader.First() != after+1 {
		return spool.ErrDiscarded // since the Hello
	}
	out := s.newSender()
	request := &armorv1.StreamRequest_Batch{}
	for {
		room, err := s.room(ctx)
		if err != nil {
			return err
		}
		batch, err := reader.Next(ctx, room, maxBytes)
		if err != nil {
			return err
		}
		s.u.mu.Lock()
		s.sent = batch.Last
		s.u.status.Sent += uint64(batch.Len())
		s.u.mu.Unlock()
		s.u.handed.last = max(s.u.handed.last, batch.Last)
		request.Batch = batch.Message()
		if err := out.send(ctx, &armorv1.StreamRequest{Message: request}); err != nil {
			return err
		}
	}
}
