package console

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/timestamppb"

	armorv1 "armor/proto/armor/v1"
)

// managerStandIn answers with a fleet of its own; the real manager may not be imported here.
type managerStandIn struct {
	armorv1.UnimplementedFleetServiceServer
	armorv1.UnimplementedRulesetServiceServer
	armorv1.UnimplementedStatusServiceServer
	fleet int
}

func (m *managerStandIn) ListAgents(_ context.Context, r *armorv1.ListAgentsRequest) (*armorv1.ListAgentsResponse, error) {
	from := 0
	if r.GetPageToken() != "" {
		if _, err := fmt.Sscan(r.GetPageToken(), &from); err != nil {
			return nil, status.Error(codes.InvalidArgument, err.Error())
		}
	}
	out := &armorv1.ListAgentsResponse{}
	for i := from; i < m.fleet; i++ {
		if len(out.Agents) == int(r.GetPageSize()) {
			out.NextPageToken = fmt.Sprint(i)
			break
		}
		state := armorv1.AgentState_AGENT_STATE_CONNECTED
		if i%3 == 2 {
			state = armorv1.AgentState_AGENT_STATE_DISCONNECTED
		}
		out.Agents = append(out.Agents, &armorv1.Agent{
			Id: fmt.Sprintf("%03d", i), Name: []string{"audit-eu", "cloud-collector", "<b>web</b>"}[i%3], Ip: "192.0.2.10", Version: "1.0.0", State: state,
			LastSeen: timestamppb.New(testNow), LastFinishedSequence: 120, LastKnownSequence: uint64(120 + i*17), ManagerName: "manager-1",
		})
	}
	return out, nil
}

func (m *managerStandIn) GetRule(_ context.Context, r *armorv1.GetRuleRequest) (*armorv1.GetRuleResponse, error) {
	if r.GetId() != 80309 {
		return nil, status.Errorf(codes.NotFound, "there is no rule %d in the ruleset in force", r.GetId())
	}
	return &armorv1.GetRuleResponse{
		Rule: &armorv1.RuleSummary{Id: 80309, Level: 5, Description: "Amazon-ec2: Stop instance unauthorized", Groups: []string{"amazon-ec2", "amazon"}, File: "rules/0350-amazon-ec2.xml", Line: 42, Parents: []uint32{80308}, MitreIds: []string{"T1489"}},
		Xml:  "<rule id=\"80309\" level=\"5\">\n  <if_sid>80308</if_sid>\n  <match>\"errorCode\":\"Client.UnauthorizedOperation\"</match>\n  <description>Amazon-ec2: Stop instance unauthorized</description>\n</rule>",
	}, nil
}

func (m *managerStandIn) GetProcessStatus(context.Context, *armorv1.GetProcessStatusRequest) (*armorv1.GetProcessStatusResponse, error) {
	return &armorv1.GetProcessStatusResponse{Version: "1.0.0", StartTime: timestamppb.New(testNow), Components: []*armorv1.ComponentStatus{
		{Name: "agent", Ready: true, Counters: map[string]uint64{"read": 4106, "receipted": 4106, "spooled": 0}, Gauges: map[string]float64{"spool_bytes": 16384}},
		{Name: "manager", Ready: true, Counters: map[string]uint64{"accepted": 4106, "alerted": 412, "silent": 3694, "duplicate": 0, "failed": 0}, Gauges: map[string]float64{"agents": 2}},
		{Name: "indexer", Ready: false, Reason: "Elasticsearch answers 503: no master", Counters: map[string]uint64{"received": 412, "indexed": 400, "dead_letter": 1}, Gauges: map[string]float64{"pending": 12}},
	}}, nil
}

// dialManager serves the stand-in over real gRPC in memory.
func dialManager(t testing.TB, m *managerStandIn) *grpc.ClientConn {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer()
	armorv1.RegisterFleetServiceServer(server, m)
	armorv1.RegisterRulesetServiceServer(server, m)
	armorv1.RegisterStatusServiceServer(server, m)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient("passthrough:///manager", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestManagerAnswers(t *testing.T) {
	c := newHandler(t, Config{}, Deps{Store: &memory{}, Manager: dialManager(t, &managerStandIn{fleet: 2500})})
	fleet := getJSON[struct {
		Agents []struct{ ID, State string }
	}](t, c, "/api/v1/agents")
	if len(fleet.Agents) != 2500 || fleet.Agents[2].State != "AGENT_STATE_DISCONNECTED" {
		t.Errorf("%d agents", len(fleet.Agents))
	}
	rule := getJSON[struct{ XML string }](t, c, "/api/v1/rules/80309")
	if !strings.HasPrefix(rule.XML, "<rule") {
		t.Errorf("%+v", rule)
	}
	if e := getError(t, c, "/api/v1/rules/1", http.StatusNotFound); e.Kind != kindMissing || !strings.Contains(e.Message, "no rule 1") {
		t.Errorf("%+v", e)
	}
	if e := getError(t, c, "/api/v1/rules/abc", http.StatusBadRequest); e.Kind != kindQuery {
		t.Errorf("%+v", e)
	}
	state := getJSON[struct{ Components []struct{ Name string } }](t, c, "/api/v1/status")
	if len(state.Components) != 3 {
		t.Errorf("%+v", state)
	}
}

func TestManagerMissingOrAway(t *testing.T) {
	c := newHandler(t, Config{}, Deps{Store: &memory{}})
	for _, path := range []string{"/api/v1/agents", "/api/v1/status", "/api/v1/rules/80309"} {
		if e := getError(t, c, path, http.StatusNotFound); e.Kind != kindMissing || !strings.Contains(e.Message, "manager.address") {
			t.Errorf("%s: %+v", path, e)
		}
	}
	conn := dialManager(t, &managerStandIn{})
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	c = newHandler(t, Config{}, Deps{Store: &memory{}, Manager: conn})
	if e := getError(t, c, "/api/v1/status", http.StatusServiceUnavailable); e.Kind != kindManager {
		t.Errorf("%+v", e)
	}
}
