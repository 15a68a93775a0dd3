// Package ingest takes events from agents. Its promise: a stream that keeps the contract loses nothing and is never held up by
// another; one that breaks it is closed with a status that says how.
package ingest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"armor/internal/rpc"
	"armor/manager/pipeline"
	armorv1 "armor/proto/armor/v1"
)

// Stream is the server's side of IngestService.Stream.
type Stream = armorv1.IngestService_StreamServer

// Registry remembers the agents.
type Registry interface {
	// Finished gives the last finished sequence of a spool, 0 if it is not known.
	Finished(ctx context.Context, agentID, spoolID string) (uint64, error)
	// Connected notes a session.
	Connected(hello *armorv1.Hello, ip string, finished uint64)
	// Disconnected notes its end.
	Disconnected(agentID string)
}

// Journal says who finishes an agent's events, and how far they are.
type Journal interface {
	// Claim makes this manager the one that finishes an agent's events, and gives the last finished sequence of a spool, if the
	// journal speaks of it.
	Claim(ctx context.Context, agentID, spoolID string) (c pipeline.Claim, finished uint64, known bool, err error)
}

const (
	helloTimeout = 30 * time.Second
	// drainTime is how long a stream stays for its last receipts when the manager shuts down; the server itself cuts streams off
	// after 2 seconds.
	drainTime = 1500 * time.Millisecond
)

// Service is IngestService.
type Service struct {
	armorv1.UnimplementedIngestServiceServer

	pipeline *pipeline.Pipeline
	registry Registry
	journal  Journal
	name     string
	window   uint32
	log      *slog.Logger
	refused  *prometheus.CounterVec

	once    sync.Once
	closing chan struct{}
}

// New makes the service of the manager of that name; window is what agents are told that they may have on the way.
func New(p *pipeline.Pipeline, r Registry, j Journal, name string, window int, log *slog.Logger, reg prometheus.Registerer) *Service {
	s := &Service{
		pipeline: p, registry: r, journal: j, name: name, window: uint32(window), log: log, closing: make(chan struct{}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "armor", Subsystem: "ingest", Name: "streams_refused_total", Help: "Streams that the manager ended, by status code.",
		}, []string{"code"}),
	}
	if reg != nil {
		if err := reg.Register(s.refused); err != nil {
			log.Warn("a metric is not shown", "err", err)
		}
	}
	return s
}

// Close ends all streams with UNAVAILABLE, after their last receipts as far as those come soon.
func (s *Service) Close() { s.once.Do(func() { close(s.closing) }) }

// Stream serves one agent.
func (s *Service) Stream(stream Stream) error {
	err := s.serve(stream)
	if err == nil || stream.Context().Err() != nil {
		return err
	}
	st := status.Convert(err)
	s.refused.WithLabelValues(st.Code().String()).Inc()
	if st.Code() != codes.Unavailable {
		s.log.Warn("stream ended by the manager", "peer", peerAddress(stream.Context()), "code", st.Code().String(), "reason", st.Message())
	}
	return err
}

func (s *Service) serve(stream Stream) error {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	incoming := receive(ctx, stream)
	hello, err := s.hello(ctx, incoming)
	if err != nil {
		return err
	}
	if err := permitted(ctx, hello.GetAgentId()); err != nil {
		return err
	}
	claim, known, err := s.standing(ctx, hello)
	if err != nil {
		return status.Errorf(codes.Unavailable, "it is not known what of this spool is finished: %v", err)
	}
	ip := hello.GetIp()
	if ip == "" {
		ip = peerIP(ctx)
	}
	agent := pipeline.Agent{ID: hello.GetAgentId(), Name: hello.GetAgentName(), IP: ip}
	session, finished, err := s.pipeline.Enter(agent, hello.GetSpoolId(), pipeline.Held{First: hello.GetFirstSequence(), Last: hello.GetLastSequence()}, known, claim)
	if err != nil {
		return status.Error(codes.Unavailable, err.Error())
	}
	s.registry.Connected(hello, ip, finished)
	log := s.log.With("agent", hello.GetAgentId(), "peer", peerAddress(ctx))
	log.Info("agent connected", "name", hello.GetAgentName(), "version", hello.GetVersion(), "spool", hello.GetSpoolId(), "finished", finished)
	defer func() {
		session.Leave()
		s.registry.Disconnected(hello.GetAgentId())
		log.Info("agent disconnected")
	}()
	welcome := &armorv1.Welcome{LastFinishedSequence: finished, Window: s.window, ManagerName: s.name}
	if err := stream.Send(&armorv1.StreamResponse{Message: &armorv1.StreamResponse_Welcome{Welcome: welcome}}); err != nil {
		return err
	}
	return s.converse(ctx, stream, session, incoming)
}

// standing takes the agent over and gives the last finished sequence of its spool: the journal's, else that of its record.
func (s *Service) standing(ctx context.Context, hello *armorv1.Hello) (pipeline.Claim, uint64, error) {
	claim, finished, known, err := s.journal.Claim(ctx, hello.GetAgentId(), hello.GetSpoolId())
	if err != nil || known {
		return claim, finished, err
	}
	finished, err = s.registry.Finished(ctx, hello.GetAgentId(), hello.GetSpoolId())
	return claim, finished, err
}

// converse takes batches and gives receipts until one side ends.
func (s *Service) converse(ctx context.Context, stream Stream, session *pipeline.Session, incoming <-chan received) error {
	sending, stopSending := context.WithCancel(ctx)
	defer stopSending()
	sent := make(chan error, 1)
	go s.guarded(sent, func() error { return sendReceipts(sending, stream, session) })
	taken := make(chan error, 1)
	go s.guarded(taken, func() error { return take(ctx, session, incoming) })

	var err error
	select {
	case err = <-taken:
	case err := <-sent:
		return s.statusOf(session.Explain(err))
	case <-session.Replaced():
		return s.statusOf(session.Cause())
	case <-s.closing:
		err = pipeline.ErrClosing
	}
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, pipeline.ErrClosing) {
		return s.statusOf(session.Explain(err))
	}
	// The agent has nothing more to say, or the manager stops: what was taken still gets its receipts.
	draining, stopDraining := context.WithCancel(ctx)
	defer stopDraining()
	go func() {
		select {
		case <-s.closing:
			time.AfterFunc(drainTime, stopDraining)
		case <-draining.Done():
		}
	}()
	drained := make(chan bool, 1)
	go func() { drained <- session.Drained(draining) }()
	select {
	case <-drained:
	case err := <-sent:
		return s.statusOf(session.Explain(err))
	case <-session.Replaced():
		return s.statusOf(session.Cause())
	}
	if sendErr := s.lastReceipt(draining, stream, session, stopSending, sent); sendErr != nil {
		return s.statusOf(sendErr)
	}
	select {
	case <-s.closing:
		return s.statusOf(pipeline.ErrClosing)
	default:
		return s.statusOf(err)
	}
}

// lastReceipt stops the sender and sends what it may have left.
func (s *Service) lastReceipt(ctx context.Context, stream Stream, session *pipeline.Session, stopSending func(), sent <-chan error) error {
	stopSending()
	select {
	case err := <-sent:
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	case <-ctx.Done():
		return nil // the agent does not read
	}
	if sequence, due := session.ReceiptDue(); due {
		return stream.Send(receipt(sequence))
	}
	return nil
}

func receipt(sequence uint64) *armorv1.StreamResponse {
	return &armorv1.StreamResponse{Message: &armorv1.StreamResponse_Receipt{Receipt: &armorv1.Receipt{Sequence: sequence}}}
}

// sendReceipts sends receipts as they become due. An agent that does not read holds up only this.
func sendReceipts(ctx context.Context, stream Stream, session *pipeline.Session) error {
	for {
		sequence, err := session.NextReceipt(ctx)
		if err != nil {
			return err
		}
		if err := stream.Send(receipt(sequence)); err != nil {
			return err
		}
	}
}

// take hands batches to the pipeline; it does not read on while the window is full, which holds the agent back.
func take(ctx context.Context, session *pipeline.Session, incoming <-chan received) error {
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
		batch := in.request.GetBatch()
		if batch == nil {
			return status.Error(codes.FailedPrecondition, "after the Hello only batches may come")
		}
		size, err := checkBatch(batch)
		if err != nil {
			return status.Error(codes.InvalidArgument, err.Error())
		}
		if err := session.Submit(ctx, batch, size); err != nil {
			return err
		}
	}
}

// statusOf turns an error into what the agent gets to see.
func (s *Service) statusOf(err error) error {
	var gap *pipeline.GapError
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return nil
	case errors.As(err, &gap):
		return status.Error(codes.InvalidArgument, err.Error())
	case errors.Is(err, pipeline.ErrReplaced):
		return status.Error(codes.Aborted, err.Error())
	case errors.Is(err, pipeline.ErrClosing):
		return status.Error(codes.Unavailable, err.Error())
	}
	return err
}

func peerAddress(ctx context.Context) string {
	if p, ok := peer.FromContext(ctx); ok && p.Addr != nil {
		return p.Addr.String()
	}
	return ""
}

// peerIP gives the caller's address without its port; empty when it is no IP address (in-process).
func peerIP(ctx context.Context) string {
	host, _, err := net.SplitHostPort(peerAddress(ctx))
	if err != nil {
		return ""
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return ""
	}
	return a.Unmap().WithZone("").String()
}

// permitted checks that the credentials carry the agent id.
func permitted(ctx context.Context, agentID string) error {
	id, ok := rpc.IdentityFrom(ctx)
	switch {
	case !ok:
		return status.Error(codes.Unauthenticated, "the caller is not known")
	case id.Role == rpc.RoleLocal:
		return nil
	case id.Role == rpc.RoleAgent && id.ID == agentID:
		return nil
	case id.Role == rpc.RoleAgent:
		return status.Errorf(codes.PermissionDenied, "the certificate is that of agent %q, it may not send as %q", id.ID, agentID)
	}
	return status.Errorf(codes.PermissionDenied, "%s is no agent", id)
}
