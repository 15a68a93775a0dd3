package ingest

import (
	"context"
	"runtime/debug"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	armorv1 "armor/proto/armor/v1"
)

// received is a message of the agent, or the end of its stream.
type received struct {
	request *armorv1.StreamRequest
	size    int // of the events of a batch, encoded
	err     error
}

// receive reads the stream, one message ahead of who takes them, until it ends or ctx does.
func receive(ctx context.Context, stream Stream) <-chan received {
	out := make(chan received)
	go func() {
		for {
			in := receiveRequest(stream)
			select {
			case out <- in:
			case <-ctx.Done():
				return
			}
			if in.err != nil {
				return
			}
		}
	}()
	return out
}

// hello waits for the first message.
func (s *Service) hello(ctx context.Context, incoming <-chan received) (*armorv1.Hello, error) {
	timer := time.NewTimer(helloTimeout)
	defer timer.Stop()
	select {
	case in := <-incoming:
		if in.err != nil {
			return nil, s.statusOf(in.err)
		}
		hello := in.request.GetHello()
		if hello == nil {
			return nil, status.Error(codes.FailedPrecondition, "the first message must be a Hello")
		}
		if err := checkHello(hello); err != nil {
			return nil, status.Error(codes.InvalidArgument, err.Error())
		}
		if hello.GetAgentName() == "" {
			hello.AgentName = hello.GetAgentId()
		}
		return hello, nil
	case <-timer.C:
		return nil, status.Errorf(codes.DeadlineExceeded, "no Hello within %s", helloTimeout)
	case <-s.closing:
		return nil, status.Error(codes.Unavailable, "the manager is shutting down")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// guarded sends what f returns; a panic becomes an error of this stream alone.
func (s *Service) guarded(out chan<- error, f func() error) {
	defer func() {
		if r := recover(); r != nil {
			s.log.Error("panic while serving an agent", "panic", r, "stack", string(debug.Stack()))
			out <- status.Error(codes.Internal, "the manager failed on this stream; its log says why")
		}
	}()
	out <- f()
}
