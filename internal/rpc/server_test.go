package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"armor/internal/rpc"
	armorv1 "armor/proto/armor/v1"
)

func TestPlainTextStaysOnThisMachine(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	for _, listen := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:7401", "manager.example:7401"} {
		_, err := rpc.NewServer(rpc.ServerConfig{Listen: listen, TokenFile: token}, quiet, nil)
		if err == nil || !strings.Contains(err.Error(), "set tls.certificate and tls.key") || !strings.Contains(err.Error(), listen) {
			t.Errorf("listen %s: %v", listen, err)
		}
	}
	for _, address := range []string{"manager.example:7401", "192.0.2.1:7401", "localhost.example:1"} {
		if _, err := rpc.Dial(rpc.ClientConfig{Address: address, TokenFile: token}, quiet); err == nil || !strings.Contains(err.Error(), "tls.ca") {
			t.Errorf("address %s: %v", address, err)
		}
	}
}

func TestSettingsThatMissSomething(t *testing.T) {
	for name, err := range map[string]error{
		"no token file":          rpc.ServerConfig{Listen: "127.0.0.1:0"}.Validate(),
		"no port":                rpc.ServerConfig{Listen: "127.0.0.1", TokenFile: "t"}.Validate(),
		"no address":             rpc.ClientConfig{}.Validate(),
		"client without CA":      rpc.ClientConfig{Address: "a:1", TLS: rpc.TLSConfig{Certificate: "c", Key: "k"}}.Validate(),
		"client key without crt": rpc.ClientConfig{Address: "a:1", TLS: rpc.TLSConfig{Key: "k", CA: "a"}}.Validate(),
	} {
		if err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestPortInUse(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	cfg := withToken(t)
	cfg.Listen = busy.Addr().String()
	_, err = rpc.NewServer(cfg, quiet, nil)
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), cfg.Listen) || !strings.Contains(err.Error(), "choose another port") {
		t.Errorf("error %v", err)
	}
}

func TestErrorsBecomeCodes(t *testing.T) {
	var next error
	s := &services{handle: func(context.Context) error { return next }}
	registry := prometheus.NewRegistry()
	server, err := rpc.NewServer(withToken(t), quiet, registry)
	if err != nil {
		t.Fatal(err)
	}
	armorv1.RegisterRulesetServiceServer(server, s)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx) }()
	conn, err := server.InProcess()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, test := range []struct {
		err  error
		want codes.Code
	}{
		{nil, codes.OK},
		{status.Error(codes.NotFound, "no such rule"), codes.NotFound},
		{fmt.Errorf("looking: %w", status.Error(codes.NotFound, "no such rule")), codes.NotFound},
		{fmt.Errorf("waiting: %w", context.DeadlineExceeded), codes.DeadlineExceeded},
		{fmt.Errorf("waiting: %w", context.Canceled), codes.Canceled},
		{errors.New("disk full"), codes.Internal},
	} {
		next = test.err
		_, err := caller(t, conn)
		wantCode(t, fmt.Sprint(test.err), err, test.want)
	}
	s.handle = func(context.Context) error { panic("secret value") }
	_, err = caller(t, conn)
	wantCode(t, "a panic", err, codes.Internal)
	if strings.Contains(err.Error(), "secret value") {
		t.Errorf("the panic's value left the server: %v", err)
	}
	if got := testutil.ToFloat64(counter(t, registry, "armor_rpc_handled_total")); got != 7 {
		t.Errorf("%v calls counted, want 7", got)
	}
	cancel()
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

// counter is the sum of a counter over its labels.
func counter(t *testing.T, g prometheus.Gatherer, name string) prometheus.Collector {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := prometheus.NewCounter(prometheus.CounterOpts{Name: "sum"})
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum.Add(m.GetCounter().GetValue())
			}
		}
	}
	return sum
}

func TestTooLargeIsRefused(t *testing.T) {
	server := serve(t, withToken(t), nil)
	conn, err := server.InProcess()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = armorv1.NewRulesetServiceClient(conn).Logtest(t.Context(), &armorv1.LogtestRequest{
		Logs: []string{strings.Repeat("x", rpc.MaxRequestBytes)},
	})
	wantCode(t, "a message over the limit", err, codes.ResourceExhausted)
}

// TestGracefulStop: an open stream ends by itself with UNAVAILABLE, so that its client connects elsewhere, and health turns first.
func TestGracefulStop(t *testing.T) {
	cfg := withToken(t)
	server, err := rpc.NewServer(cfg, quiet, nil)
	if err != nil {
		t.Fatal(err)
	}
	armorv1.RegisterIngestServiceServer(server, &services{})
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx) }()
	conn := dial(t, rpc.ClientConfig{Address: server.Addr(), TokenFile: cfg.TokenFile})
	watch, err := healthv1.NewHealthClient(conn).Watch(t.Context(), &healthv1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	stream, err := armorv1.NewIngestServiceClient(conn).Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&armorv1.StreamRequest{}); err != nil {
		t.Fatal(err)
	}
	for _, receive := range []func() error{
		func() error { _, err := watch.Recv(); return err },
		func() error { _, err := stream.Recv(); return err },
	} {
		if err := receive(); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if health, err := watch.Recv(); err != nil || health.GetStatus() != healthv1.HealthCheckResponse_NOT_SERVING {
		t.Errorf("health at the stop: %v, %v", health, err)
	}
	_, err = stream.Recv()
	wantCode(t, "the stream at the stop", err, codes.Unavailable)
	if !rpc.Retryable(err) {
		t.Error("a stopped server is not worth a retry")
	}
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func TestSetServing(t *testing.T) {
	server := serve(t, withToken(t), nil)
	conn, err := server.InProcess()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const name = "armor.v1.IngestService"
	for _, ok := range []bool{true, false, true} {
		server.SetServing(name, ok)
		resp, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{Service: name})
		if err != nil || (resp.GetStatus() == healthv1.HealthCheckResponse_SERVING) != ok {
			t.Errorf("set %v: %v, %v", ok, resp, err)
		}
	}
}

func TestClientWaitsForAServerThatComesLater(t *testing.T) {
	cfg := withToken(t)
	reserved, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Listen = reserved.Addr().String()
	reserved.Close()
	conn := dial(t, rpc.ClientConfig{Address: cfg.Listen, TokenFile: cfg.TokenFile})
	_, err = caller(t, conn)
	if err == nil || !strings.Contains(err.Error(), cfg.TokenFile) && status.Code(err) != codes.Unavailable {
		t.Errorf("without a server: %v", err)
	}
	serve(t, cfg, nil)
	deadline, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		if _, err = caller(t, conn); err == nil {
			return
		}
		if deadline.Err() != nil {
			t.Fatalf("with a server: %v", err)
		}
	}
}

func TestTokenIsMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "token")
	tokens := make([]string, 32)
	var all sync.WaitGroup
	for i := range tokens {
		all.Go(func() {
			token, err := rpc.LoadOrCreateToken(path)
			if err != nil {
				t.Error(err)
			}
			tokens[i] = token
		})
	}
	all.Wait()
	for _, token := range tokens {
		if token != tokens[0] || len(token) != 64 {
			t.Fatalf("tokens differ: %q and %q", tokens[0], token)
		}
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("left over: %v, %v", entries, err)
	}
}

func TestTokenFileWithoutAToken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	for _, content := range []string{"", "short", strings.Repeat("x", 600), strings.Repeat("a b ", 20), strings.Repeat("\x00", 64)} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if token, err := rpc.LoadOrCreateToken(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("content %.10q gave the token %q, %v", content, token, err)
		}
	}
}
