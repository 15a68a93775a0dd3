package rpc_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"armor/internal/rpc"
	"armor/internal/rpc/certs"
	armorv1 "armor/proto/armor/v1"
)

var quiet = slog.New(slog.DiscardHandler)

// authority makes the certificates of a test: manager, indexer, agent web-1 and the operator anna.
func authority(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	issue(t, dir, time.Now, rpc.Identity{Role: rpc.RoleService, ID: "manager"}, "localhost", "127.0.0.1")
	issue(t, dir, time.Now, rpc.Identity{Role: rpc.RoleService, ID: "indexer"}, "localhost")
	issue(t, dir, time.Now, rpc.Identity{Role: rpc.RoleAgent, ID: "web-1"})
	issue(t, dir, time.Now, rpc.Identity{Role: rpc.RoleOperator, ID: "anna"})
	return dir
}

func issue(t *testing.T, dir string, now func() time.Time, id rpc.Identity, hosts ...string) {
	t.Helper()
	a, _, err := certs.Open(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Issue(certs.Subject{Identity: id, Hosts: hosts}, time.Hour); err != nil {
		t.Fatal(err)
	}
}

// files are the TLS settings of one holder in a folder of certificates.
func files(dir, name string) rpc.TLSConfig {
	return rpc.TLSConfig{
		Certificate: filepath.Join(dir, name+".crt"), Key: filepath.Join(dir, name+".key"), CA: filepath.Join(dir, "ca.crt"),
	}
}

// services answers every service of a manager, and tells who called.
type services struct {
	armorv1.UnimplementedIngestServiceServer
	armorv1.UnimplementedRulesetServiceServer
	armorv1.UnimplementedFleetServiceServer
	armorv1.UnimplementedEnrollmentServiceServer
	handle func(context.Context) error
}

func (s *services) GetStatus(ctx context.Context, _ *armorv1.GetStatusRequest) (*armorv1.GetStatusResponse, error) {
	if s.handle != nil {
		if err := s.handle(ctx); err != nil {
			return nil, err
		}
	}
	id, _ := rpc.IdentityFrom(ctx)
	return &armorv1.GetStatusResponse{Source: id.String()}, nil
}

func (s *services) Stream(stream grpc.BidiStreamingServer[armorv1.StreamRequest, armorv1.StreamResponse]) error {
	id, ok := rpc.IdentityFrom(stream.Context())
	if !ok {
		return errors.New("no identity")
	}
	if _, err := stream.Recv(); err != nil {
		return err
	}
	if err := stream.Send(&armorv1.StreamResponse{Message: &armorv1.StreamResponse_Welcome{Welcome: &armorv1.Welcome{ManagerName: id.String()}}}); err != nil {
		return err
	}
	<-stream.Context().Done()
	return context.Cause(stream.Context())
}

// serve starts a server of all services and stops it at the end of the test.
func serve(t *testing.T, cfg rpc.ServerConfig, s *services) *rpc.Server {
	t.Helper()
	server, err := rpc.NewServer(cfg, quiet, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	if s == nil {
		s = &services{}
	}
	armorv1.RegisterIngestServiceServer(server, s)
	armorv1.RegisterRulesetServiceServer(server, s)
	armorv1.RegisterFleetServiceServer(server, s)
	armorv1.RegisterEnrollmentServiceServer(server, s)
	rpc.RegisterStatus(server, "1.2.3", time.Unix(1, 0), func() *armorv1.ComponentStatus {
		return &armorv1.ComponentStatus{Name: "manager", Ready: true, Counters: map[string]uint64{"accepted": 1}}
	})
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return server
}

func withToken(t *testing.T) rpc.ServerConfig {
	t.Helper()
	return rpc.ServerConfig{Listen: "127.0.0.1:0", TokenFile: filepath.Join(t.TempDir(), "token")}
}

func dial(t *testing.T, cfg rpc.ClientConfig) *grpc.ClientConn {
	t.Helper()
	conn, err := rpc.Dial(cfg, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// caller asks RulesetService who it takes the connection for.
func caller(t *testing.T, conn *grpc.ClientConn) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	resp, err := armorv1.NewRulesetServiceClient(conn).GetStatus(ctx, &armorv1.GetStatusRequest{})
	return resp.GetSource(), err
}

func wantCode(t *testing.T, what string, err error, want codes.Code) {
	t.Helper()
	if got := status.Code(err); got != want {
		t.Errorf("%s: %s (%v), want %s", what, got, err, want)
	}
}
