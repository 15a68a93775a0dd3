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
	// Reported notes what an agent says about itself.
	Reported(agentID string, report *armorv1.AgentReport)
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
	limits   Limits
	log      *slog.Logger
	refused  *prometheus.CounterVec
	limited  prometheus.Counter
	replays  replays

	once    sync.Once
	closing chan struct{}
}

// New makes the service of the manager of that name.
func New(p *pipeline.Pipeline, r Registry, j Journal, name string, limits Limits, log *slog.Logger, reg prometheus.Registerer) *Service {
	s := &Service{
		pipeline: p, registry: r, journal: j, name: name, limits: limits, log: log, closing: make(chan struct{}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "armor", Subsystem: "ingest", Name: "streams_refused_total", Help: "Streams that the manager ended, by status code.",
		}, []string{"code"}),
		limited: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "armor", Subsystem: "ingest", Name: "rate_limited_seconds_total", Help: "Time for which agents were held back by their rate limits.",
		}),
		replays: replays{links: map[string]*link{}},
	}
	if reg != nil {
		if err := errors.Join(reg.Register(s.refused), reg.Register(s.limited)); err != nil {
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
	out := &sender{stream: stream, pipeline: s.pipeline}
	if err := out.welcome(finished, s.name); err != nil {
		return err
	}
	link := s.replays.enter(hello.GetAgentId(), out)
	defer s.replays.leave(hello.GetAgentId(), link)
	c := &conversation{s: s, agentID: hello.GetAgentId(), out: out, session: session, link: link, limiter: s.limits.limiter(hello.GetAgentId())}
	return s.converse(ctx, c, incoming)
}

// standing takes the agent over and gives the last finished sequence of its spool: the journal's, else that of its record.
func (s *Service) standing(ctx context.Context, hello *armorv1.Hello) (pipeline.Claim, uint64, error) {
	claim, finished, known, err := s.journal.Claim(ctx, hello.GetAgentId(), hello.GetSpoolId())
	if err != nil {
		return nil, 0, err
	}
	recorded, err := s.registry.Finished(ctx, hello.GetAgentId(), hello.GetSpoolId())
	if !known {
		finished = recorded
	}
	return claim, finished, err
}

// converse takes batches and gives receipts until one side ends.
func (s *Service) converse(ctx context.Context, c *conversation, incoming <-chan received) error {
	session := c.session
	sending, stopSending := context.WithCancel(ctx)
	defer stopSending()
	sent := make(chan error, 1)
	go s.guarded(sent, func() error { return c.sendReceipts(sending) })
	taken := make(chan error, 1)
	go s.guarded(taken, func() error { return c.take(ctx, incoming) })

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
	if sendErr := s.lastReceipt(draining, c, stopSending, sent); sendErr != nil {
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
func (s *Service) lastReceipt(ctx context.Context, c *conversation, stopSending func(), sent <-chan error) error {
	stopSending()
	select {
	case err := <-sent:
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	case <-ctx.Done():
		return nil // the agent does not read
	}
	if sequence, due := c.session.ReceiptDue(); due {
		return c.out.receipt(sequence)
	}
	return nil
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
