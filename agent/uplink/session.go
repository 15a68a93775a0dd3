package uplink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	armorv1 "armor/proto/armor/v1"
)

type stream = grpc.BidiStreamingClient[armorv1.StreamRequest, armorv1.StreamResponse]

// session is one stream. sent and receipted are sequences; the receiving goroutine writes receipted and window, the feeding one sent.
type session struct {
	u      *Uplink
	stream stream
	id     string

	window    uint64        // guarded by u.mu
	sent      uint64        // guarded by u.mu
	receipted uint64        // guarded by u.mu
	progress  chan struct{} // holds one when receipted or window has changed
	outgoing  chan outgoing
	orders    chan *armorv1.ReplayOrder
}

// maxWindow bounds what a manager may ask for.
const maxWindow = 1 << 20

// session connects once and returns why it ended.
func (u *Uplink) session(ctx context.Context) error {
	// The stream outlives ctx by a moment, so that the receipts of what was sent still come.
	life, end := context.WithCancelCause(context.WithoutCancel(ctx))
	defer end(nil)
	stopped := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(drainTimeout, func() { end(context.Cause(ctx)) })
		context.AfterFunc(life, func() { timer.Stop() })
	})
	defer stopped()

	st, err := u.client.Stream(life)
	if err != nil {
		return err
	}
	s := &session{u: u, stream: st, progress: make(chan struct{}, 1), outgoing: make(chan outgoing), orders: make(chan *armorv1.ReplayOrder, maxOrders)}
	welcome, err := s.greet(life, end)
	if err != nil {
		return err
	}
	after, err := s.resume(welcome)
	if err != nil {
		return err
	}
	u.connected(welcome)
	received := make(chan error, 1)
	go func() {
		err := s.receive()
		end(errors.Join(errEnded, err))
		received <- err
	}()
	err = s.send(ctx, life, after)
	if ctx.Err() != nil {
		_ = st.CloseSend() // the manager finishes what it has and sends the last receipts
		_ = <-received     // ended by ctx
		return err
	}
	end(nil)
	if got := <-received; err == nil || errors.Is(err, errEnded) {
		// The sending stopped because the stream ended: the receiving side knows why.
		return got
	}
	return err
}

var errEnded = errors.New("the stream has ended")

// greet says Hello and waits for the Welcome.
func (s *session) greet(life context.Context, end context.CancelCauseFunc) (*armorv1.Welcome, error) {
	id, first, last := s.u.spool.Bounds()
	s.id = id
	if s.u.handed.id != id {
		s.u.handed = handed{id: id}
	}
	hello := &armorv1.Hello{
		AgentId: s.u.cfg.AgentID, AgentName: s.u.cfg.AgentName, Version: s.u.cfg.Version,
		SpoolId: id, FirstSequence: first, LastSequence: last,
	}
	if first > last {
		hello.FirstSequence = 0
	}
	// What was given up without ever being sent counts as sent: the manager may take it for finished.
	s.u.handed.last = max(s.u.handed.last, first-min(first, 1))
	late := fmt.Errorf("no answer to the Hello within %v", helloTimeout)
	timer := time.AfterFunc(helloTimeout, func() { end(late) })
	defer timer.Stop()
	err := s.stream.Send(&armorv1.StreamRequest{Message: &armorv1.StreamRequest_Hello{Hello: hello}})
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	response, err := s.stream.Recv()
	if err != nil {
		if errors.Is(context.Cause(life), late) {
			return nil, status.Error(codes.DeadlineExceeded, late.Error())
		}
		return nil, err
	}
	welcome := response.GetWelcome()
	if welcome == nil {
		return nil, &Violation{"its first message is no Welcome"}
	}
	return welcome, nil
}

// resume frees what the manager has finished and returns the sequence to go on behind.
func (s *session) resume(w *armorv1.Welcome) (uint64, error) {
	claim := w.GetLastFinishedSequence()
	if claim > s.u.handed.last {
		reason := fmt.Sprintf("it has finished sequence %d of spool %s, of which at most %d were sent", claim, s.id, s.u.handed.last)
		if err := s.u.spool.Renew(reason); err != nil {
			return 0, errors.Join(&Violation{reason}, err)
		}
		// Either the spool was put back from a copy, or the manager is wrong. Under a new id nothing is taken for finished.
		return 0, &Violation{reason + "; all events without a receipt are sent under a new spool id"}
	}
	if err := s.u.spool.Free(s.id, claim); err != nil {
		return 0, err
	}
	_, first, _ := s.u.spool.Bounds()
	s.window = min(max(uint64(w.GetWindow()), 1), maxWindow)
	s.sent = max(claim, first-1)
	s.receipted = s.sent
	return s.sent, nil
}

// receive takes receipts and orders until the stream ends.
func (s *session) receive() error {
	for {
		response, err := s.stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch message := response.GetMessage().(type) {
		case *armorv1.StreamResponse_Receipt:
			err = s.receipt(message.Receipt)
		case *armorv1.StreamResponse_Replay:
			err = s.order(message.Replay)
		case *armorv1.StreamResponse_Welcome:
			err = &Violation{"a second Welcome"}
		default:
			// A newer manager says something that this agent does not know.
			s.u.log.Debug("a message of the manager is not known to this version")
		}
		if err != nil {
			return err
		}
	}
}

// receipt frees what is finished, and changes the window.
func (s *session) receipt(receipt *armorv1.Receipt) error {
	s.u.mu.Lock()
	sent, news := s.sent, receipt.GetSequence() > s.receipted
	if news && receipt.GetSequence() <= sent {
		s.receipted = receipt.GetSequence()
	}
	if window := min(uint64(receipt.GetWindow()), maxWindow); window > 0 && window != s.window {
		s.window = window
		defer s.moved()
	}
	s.u.mu.Unlock()
	if receipt.GetSequence() > sent {
		return &Violation{fmt.Sprintf("a receipt for sequence %d, but the last one sent is %d", receipt.GetSequence(), sent)}
	}
	if !news {
		return nil
	}
	defer s.moved()
	return s.u.spool.Free(s.id, receipt.GetSequence())
}

// moved wakes the feed.
func (s *session) moved() {
	select {
	case s.progress <- struct{}{}:
	default:
	}
}

// room waits until a fair part of the window is free, so that batches do not become small, and returns how many events may go.
func (s *session) room(ctx context.Context) (int, error) {
	for {
		s.u.mu.Lock()
		fair := max(min(s.window/4, maxEvents), 1)
		free := s.window - min(s.sent-s.receipted, s.window)
		s.u.mu.Unlock()
		if free >= fair {
			return int(min(free, maxEvents)), nil
		}
		select {
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		case <-s.progress:
		}
	}
}
