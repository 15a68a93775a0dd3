package ingest

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"armor/manager/pipeline"
	armorv1 "armor/proto/armor/v1"
)

// sender is the way down to an agent; several goroutines use it.
type sender struct {
	pipeline *pipeline.Pipeline

	mu     sync.Mutex
	stream Stream
	credit uint32 // that the agent was told
}

func (s *sender) welcome(finished uint64, manager string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.credit = uint32(s.pipeline.Credit())
	return s.stream.Send(&armorv1.StreamResponse{Message: &armorv1.StreamResponse_Welcome{
		Welcome: &armorv1.Welcome{LastFinishedSequence: finished, Window: s.credit, ManagerName: manager},
	}})
}

// receipt sends a receipt, and with it the window where that has changed.
func (s *sender) receipt(sequence uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	receipt := &armorv1.Receipt{Sequence: sequence}
	if credit := uint32(s.pipeline.Credit()); credit != s.credit {
		s.credit, receipt.Window = credit, credit
	}
	return s.stream.Send(&armorv1.StreamResponse{Message: &armorv1.StreamResponse_Receipt{Receipt: receipt}})
}

func (s *sender) replay(order *armorv1.ReplayOrder) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stream.Send(&armorv1.StreamResponse{Message: &armorv1.StreamResponse_Replay{Replay: order}})
}

// conversation is a stream after the Welcome.
type conversation struct {
	s       *Service
	agentID string
	out     *sender
	session *pipeline.Session
	link    *link
	limiter *rate.Limiter // nil: no limit
}

// sendReceipts sends receipts as they become due. An agent that does not read holds up only this.
func (c *conversation) sendReceipts(ctx context.Context) error {
	for {
		sequence, err := c.session.NextReceipt(ctx)
		if err != nil {
			return err
		}
		if err := c.out.receipt(sequence); err != nil {
			return err
		}
	}
}

// take hands batches to the pipeline; it does not read on while the window is full, or faster than the agent's rate, which
// holds the agent back.
func (c *conversation) take(ctx context.Context, incoming <-chan received) error {
	for {
		var in received
		select {
		case <-ctx.Done():
			return ctx.Err()
		case in = <-incoming:
		}
		if in.err != nil {
			return in.err
		}
		switch message := in.request.GetMessage().(type) {
		case *armorv1.StreamRequest_Batch:
			if err := c.batch(ctx, message.Batch, in.size); err != nil {
				return err
			}
		case *armorv1.StreamRequest_Report:
			c.s.registry.Reported(c.agentID, message.Report)
		case *armorv1.StreamRequest_ReplayProgress:
			if err := c.progress(ctx, message.ReplayProgress); err != nil {
				return err
			}
		default:
			return status.Error(codes.FailedPrecondition, "after the Hello only batches, reports and the progress of replays may come")
		}
	}
}

func (c *conversation) batch(ctx context.Context, batch *armorv1.EventBatch, size int) error {
	if err := checkBatch(batch, size); err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	if c.limiter != nil {
		began := time.Now()
		if err := c.limiter.WaitN(ctx, len(batch.GetEvents())); err != nil {
			return err
		}
		c.s.limited.Add(time.Since(began).Seconds())
	}
	return c.session.Submit(ctx, batch, size)
}

// progress hands on how far a replay is; its end, when all of it is evaluated.
func (c *conversation) progress(ctx context.Context, p *armorv1.ReplayProgress) error {
	if p.GetDone() && !c.session.Replayed(ctx) {
		return ctx.Err()
	}
	c.link.progress(p)
	return nil
}
