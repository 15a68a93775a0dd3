package rpc_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"

	"armor/internal/rpc"
	armorv1 "armor/proto/armor/v1"
)

func TestTokenOpensTheServer(t *testing.T) {
	cfg := withToken(t)
	server := serve(t, cfg, nil)
	conn := dial(t, rpc.ClientConfig{Address: server.Addr(), TokenFile: cfg.TokenFile})
	if who, err := caller(t, conn); err != nil || who != "local" {
		t.Errorf("with the token: %q, %v", who, err)
	}
	info, err := os.Stat(cfg.TokenFile)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("token file: %v, %v", info.Mode(), err)
	}
}

func TestWithoutTheTokenOnlyProbesAnswer(t *testing.T) {
	cfg := withToken(t)
	server := serve(t, cfg, nil)
	conn := dial(t, rpc.ClientConfig{Address: server.Addr()})
	token, err := rpc.ReadToken(cfg.TokenFile)
	if err != nil {
		t.Fatal(err)
	}
	ruleset := armorv1.NewRulesetServiceClient(conn)
	for name, values := range map[string][]string{
		"nothing":     nil,
		"wrong token": {"Bearer " + strings.Repeat("0", 64)},
		"no scheme":   {token},
		"basic":       {"Basic " + token},
		"empty":       {""},
		"scheme only": {"Bearer "},
		"longer":      {"Bearer " + token + "0"},
		"two":         {"Bearer " + token, "Bearer " + token},
	} {
		ctx := t.Context()
		for _, v := range values {
			ctx = metadata.AppendToOutgoingContext(ctx, "authorization", v)
		}
		_, err := ruleset.GetStatus(ctx, &armorv1.GetStatusRequest{})
		wantCode(t, name, err, codes.Unauthenticated)
	}
	stream, err := armorv1.NewIngestServiceClient(conn).Stream(t.Context())
	if err == nil {
		_, err = stream.Recv()
	}
	wantCode(t, "a stream", err, codes.Unauthenticated)

	if resp, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{}); err != nil ||
		resp.GetStatus() != healthv1.HealthCheckResponse_SERVING {
		t.Errorf("health: %v, %v", resp, err)
	}
	names := listed(t, conn)
	for _, want := range []string{"armor.v1.IngestService", "armor.v1.StatusService", "grpc.channelz.v1.Channelz", "grpc.health.v1.Health"} {
		if !strings.Contains(names, want) {
			t.Errorf("reflection lists %s, not %s", names, want)
		}
	}
}

func listed(t *testing.T, conn *grpc.ClientConn) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := reflectionv1.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&reflectionv1.ServerReflectionRequest{
		MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{},
	}); err != nil {
		t.Fatal(err)
	}
	resp, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range resp.GetListServicesResponse().GetService() {
		names = append(names, s.GetName())
	}
	return strings.Join(names, " ")
}

func TestRolesReachTheirServices(t *testing.T) {
	dir := authority(t)
	server := serve(t, rpc.ServerConfig{Listen: "127.0.0.1:0", TLS: files(dir, "manager")}, nil)
	for holder, test := range map[string]struct {
		who                                 string
		ruleset, fleet, ingest, enroll, sta codes.Code
	}{
		"agent-web-1": {"", codes.PermissionDenied, codes.PermissionDenied, codes.OK, codes.Unimplemented, codes.PermissionDenied},
		"indexer":     {"service/indexer", codes.OK, codes.Unimplemented, codes.PermissionDenied, codes.PermissionDenied, codes.OK},
		"anna":        {"operator/anna", codes.OK, codes.Unimplemented, codes.PermissionDenied, codes.Unimplemented, codes.OK},
	} {
		t.Run(holder, func(t *testing.T) {
			conn := dial(t, rpc.ClientConfig{Address: server.Addr(), TLS: files(dir, holder)})
			who, err := caller(t, conn)
			wantCode(t, "ruleset", err, test.ruleset)
			if who != test.who {
				t.Errorf("taken for %q, want %q", who, test.who)
			}
			_, err = armorv1.NewFleetServiceClient(conn).ListAgents(t.Context(), &armorv1.ListAgentsRequest{})
			wantCode(t, "fleet", err, test.fleet)
			_, err = armorv1.NewEnrollmentServiceClient(conn).Enroll(t.Context(), &armorv1.EnrollRequest{})
			wantCode(t, "enrollment", err, test.enroll)
			_, err = armorv1.NewStatusServiceClient(conn).GetProcessStatus(t.Context(), &armorv1.GetProcessStatusRequest{})
			wantCode(t, "status", err, test.sta)
			wantCode(t, "ingest", hello(t, conn), test.ingest)
			_, err = healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{})
			wantCode(t, "health", err, codes.OK)
		})
	}
}

// hello opens a stream and gives its first failure.
func hello(t *testing.T, conn *grpc.ClientConn) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := armorv1.NewIngestServiceClient(conn).Stream(ctx)
	if err != nil {
		return err
	}
	if err := stream.Send(&armorv1.StreamRequest{}); err != nil {
		_, err = stream.Recv()
		return err
	}
	_, err = stream.Recv()
	return err
}

func TestInProcessNeedsNothing(t *testing.T) {
	dir := authority(t)
	for name, cfg := range map[string]rpc.ServerConfig{
		"token":  withToken(t),
		"mutual": {Listen: "127.0.0.1:0", TLS: files(dir, "manager")},
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, cfg, nil)
			conn, err := server.InProcess()
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if who, err := caller(t, conn); err != nil || who != "local" {
				t.Errorf("taken for %q, %v", who, err)
			}
			agent, err := server.InProcessAs(rpc.Identity{Role: rpc.RoleAgent, ID: "web-2"})
			if err != nil {
				t.Fatal(err)
			}
			defer agent.Close()
			_, err = caller(t, agent)
			wantCode(t, "as an agent", err, codes.PermissionDenied)
			wantCode(t, "as an agent, ingest", hello(t, agent), codes.OK)
		})
	}
}

func TestStatusService(t *testing.T) {
	server := serve(t, withToken(t), nil)
	conn, err := server.InProcess()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	resp, err := armorv1.NewStatusServiceClient(conn).GetProcessStatus(t.Context(), &armorv1.GetProcessStatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if resp.GetVersion() != "1.2.3" || resp.GetStartTime().GetSeconds() != 1 || resp.GetComponents()[0].GetCounters()["accepted"] != 1 {
		t.Errorf("status %v", resp)
	}
}
