// Package rpc makes Armor's gRPC servers and clients, and promises that no call reaches a service before its caller is
// known: by a client certificate, by the token of the data directory, or by being in the same process.
//
// Every server has health, reflection, channelz, keepalive, panic recovery, message limits and metrics.
package rpc

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	channelz "google.golang.org/grpc/channelz/service"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"
)

// Limits of a connection. Docs/decisions says why they are as they are.
const (
	// MaxRequestBytes is the largest message that a server takes: a batch is at most 2 MiB, a single event a little over 1 MiB.
	MaxRequestBytes = 8 << 20
	// MaxResponseBytes is the largest message that a client takes: a page of alert documents.
	MaxResponseBytes = 64 << 20

	maxStreams       = 1000             // calls at once on one connection
	maxHeaderBytes   = 64 << 10         // of one call
	handshakeTimeout = 20 * time.Second // from the connection to the end of the TLS handshake

	keepaliveTime    = 30 * time.Second // a silent peer is asked after this time
	keepaliveTimeout = 10 * time.Second // and given up after this one
	keepaliveMinimum = 10 * time.Second // a client that asks more often is disconnected

	streamGrace = 2 * time.Second  // streams have this long to end by themselves when the server stops
	stopGrace   = 10 * time.Second // and everything has this long
)

// ErrStopping is the cause of a stream's cancelled context when its server stops.
var ErrStopping = errors.New("the server is stopping")

// Server is a gRPC server with everything that Armor's servers always have. Register services, then call Serve once.
type Server struct {
	log      *slog.Logger
	grpc     *grpc.Server
	health   *health.Server
	listener net.Listener
	auth     *authenticator

	streams    context.Context // ends when streams must
	endStreams context.CancelCauseFunc

	mu        sync.Mutex
	inProcess []net.Listener
	serving   bool
}

// NewServer binds the address and prepares the server. The token file is made when it is missing. The errors say which
// setting or file is at fault; an address that cannot be bound gives the *net.OpError of the system, wrapped.
func NewServer(cfg ServerConfig, log *slog.Logger, reg prometheus.Registerer) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	auth, err := newAuthenticator(cfg, log)
	if err != nil {
		return nil, err
	}
	creds, err := serverCredentials(cfg.TLS, log)
	if err != nil {
		return nil, err
	}
	listener, err := listen(cfg)
	if err != nil {
		return nil, err
	}
	s := &Server{log: log, health: health.NewServer(), listener: listener, auth: auth}
	s.streams, s.endStreams = context.WithCancelCause(context.Background())
	m := newMetrics(reg)
	s.grpc = grpc.NewServer(
		grpc.Creds(creds),
		grpc.MaxRecvMsgSize(MaxRequestBytes),
		grpc.MaxSendMsgSize(MaxResponseBytes),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxHeaderListSize(maxHeaderBytes),
		grpc.ConnectionTimeout(handshakeTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: keepaliveTime, Timeout: keepaliveTimeout}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: keepaliveMinimum, PermitWithoutStream: true}),
		grpc.ChainUnaryInterceptor(m.unary, recovery{log}.unary, auth.unary, edge{log}.unary),
		grpc.ChainStreamInterceptor(m.stream, recovery{log}.stream, auth.stream, s.stopping, edge{log}.stream),
	)
	healthv1.RegisterHealthServer(s.grpc, s.health)
	reflection.Register(s.grpc)
	channelz.RegisterChannelzServiceToServer(s.grpc)
	if !cfg.TLS.Enabled() {
		log.Info("no certificate is configured: serving this machine only, in plain text, with the token",
			"listen", s.Addr(), "token_file", cfg.TokenFile)
	}
	return s, nil
}

// RegisterService adds a service, which makes *Server a grpc.ServiceRegistrar. Its health is serving until SetServing says
// otherwise. Call it before Serve.
func (s *Server) RegisterService(desc *grpc.ServiceDesc, impl any) {
	s.grpc.RegisterService(desc, impl)
	s.SetServing(desc.ServiceName, true)
}

// Addr is the address that the server is bound to, with the port it got.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// SetServing sets what grpc.health.v1 answers for a service; the empty name is the whole process.
func (s *Server) SetServing(service string, ok bool) {
	state := healthv1.HealthCheckResponse_NOT_SERVING
	if ok {
		state = healthv1.HealthCheckResponse_SERVING
	}
	s.health.SetServingStatus(service, state)
}

// Serve answers calls until ctx ends, then stops gracefully: health turns to not serving, no new call is taken, streams have
// 2 s and everything has 10 s to end. It returns nil after such a stop.
func (s *Server) Serve(ctx context.Context) error {
	failed := make(chan error, 1)
	s.mu.Lock()
	s.serving = true
	for _, l := range s.inProcess {
		go s.grpc.Serve(l) //nolint:errcheck // ends with the server; an in-process listener has no failure of its own
	}
	s.mu.Unlock()
	go func() { failed <- s.grpc.Serve(s.listener) }()

	select {
	case err := <-failed:
		s.endStreams(ErrStopping)
		s.grpc.Stop()
		return err
	case <-ctx.Done():
	}
	s.health.Shutdown()
	streams := time.AfterFunc(streamGrace, func() { s.endStreams(ErrStopping) })
	all := time.AfterFunc(stopGrace, func() {
		s.log.Warn("calls did not end in time: cutting them off", "after", stopGrace)
		s.grpc.Stop()
	})
	s.grpc.GracefulStop()
	streams.Stop()
	all.Stop()
	s.endStreams(ErrStopping)
	return <-failed
}

// Close stops a server at once, also one that was never served.
func (s *Server) Close() {
	s.endStreams(ErrStopping)
	s.grpc.Stop()
	s.listener.Close() // a server that was served has closed it already
}

// stopping ends the context of a stream when the server wants streams to end.
func (s *Server) stopping(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	ctx, cancel := context.WithCancelCause(stream.Context())
	defer cancel(nil)
	stop := context.AfterFunc(s.streams, func() { cancel(context.Cause(s.streams)) })
	defer stop()
	err := handler(srv, &contextStream{stream, ctx})
	if err != nil && errors.Is(context.Cause(ctx), ErrStopping) {
		return errStopping
	}
	return err
}
