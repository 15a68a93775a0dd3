package console

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	armorv1 "armor/proto/armor/v1"
)

// managerStandIn answers with a fleet of its own; the real manager may not be imported here.
type managerStandIn struct {
	armorv1.UnimplementedFleetServiceServer
	armorv1.UnimplementedRulesetServiceServer
	armorv1.UnimplementedStatusServiceServer
	fleet int
	// taint is put into every text of the answers.
	taint string
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
			Id: fmt.Sprintf("%03d", i), Name: []string{"audit-eu", "cloud-collector", "<b>web</b>"}[i%3] + m.taint, Ip: "192.0.2.10" + m.taint, Version: "1.0.0" + m.taint, State: state,
			Report: m.report(i), ReportTime: m.reportTime(i), GoneSince: m.goneSince(i),
			LastSeen: timestamppb.New(testNow), LastFinishedSequence: 120, LastKnownSequence: uint64(120 + i*17), ManagerName: "manager-1" + m.taint, SpoolId: "5f3a" + m.taint, FirstSeen: timestamppb.New(testNow.AddDate(0, -1, 0)),
		})
	}
	return out, nil
}

// report is what agent i said: the first is well, the second has every trouble, the third (gone) never said anything.
func (m *managerStandIn) report(i int) *armorv1.AgentReport {
	switch i % 3 {
	case 0:
		return &armorv1.AgentReport{SpoolBytes: 12 << 20, SpoolMaxBytes: 1 << 30, ReplayableEvents: 48_211, Inputs: []*armorv1.InputReport{
			{Name: "audit.log" + m.taint, Type: "logfile" + m.taint, LastEvent: timestamppb.New(time.Now().Add(-7 * time.Second))},
		}}
	case 1:
		return &armorv1.AgentReport{
			SpooledEvents: 1204, SpoolBytes: 930 << 20, SpoolMaxBytes: 1 << 30, OldestUnfinished: timestamppb.New(time.Now().Add(-200 * time.Second)), ReplayableEvents: 310_002,
			LostEvents: 2, DroppedEvents: map[string]uint64{"full" + m.taint: 30, "age": 1, "disk": 0}, Inputs: []*armorv1.InputReport{
				{Name: "cloudtrail" + m.taint, Type: "cloudtrail", Problem: "AccessDenied: not allowed to read s3://audit-trail" + m.taint, Damaged: 3,
					Events: 48_210, Sources: 1_377, Pending: 12, Lag: durationpb.New(312 * time.Second)},
				{Name: "nginx", Type: "logfile", LastEvent: timestamppb.New(time.Now().Add(-90 * time.Second))},
			}}
	}
	return nil
}

func (m *managerStandIn) reportTime(i int) *timestamppb.Timestamp {
	if m.report(i) == nil {
		return nil
	}
	return timestamppb.New(time.Now().Add(-4 * time.Second))
}

func (m *managerStandIn) goneSince(i int) *timestamppb.Timestamp {
	if i%3 != 2 {
		return nil
	}
	return timestamppb.New(testNow.Add(10 * time.Minute))
}

func (m *managerStandIn) GetRule(_ context.Context, r *armorv1.GetRuleRequest) (*armorv1.GetRuleResponse, error) {
	if r.GetId() != 80309 {
		return nil, status.Errorf(codes.NotFound, "there is no rule %d in the ruleset in force", r.GetId())
	}
	return &armorv1.GetRuleResponse{
		Rule:          &armorv1.RuleSummary{Id: 80309, Level: 5, Description: "Amazon-ec2: Stop instance unauthorized" + m.taint, Groups: []string{"amazon-ec2" + m.taint, "amazon"}, File: "rules/0350-amazon-ec2.xml" + m.taint, Line: 42, Parents: []uint32{80308}, MitreIds: []string{"T1489"}},
		Parents:       []*armorv1.RuleSummary{{Id: 80308, Level: 2, Description: "Amazon-ec2: Stop instance" + m.taint}},
		Children:      []*armorv1.RuleSummary{{Id: 80999, Level: 10, Description: "Amazon-ec2: Many refused stops" + m.taint}},
		ChildrenTotal: 1,
		Mitre:         []*armorv1.RuleMitre{{Id: "T1489", Technique: "Service Stop" + m.taint, Tactics: []string{"Impact" + m.taint}}, {Id: "javascript:alert(1)" + m.taint}},
		Compliance:    []*armorv1.RuleCompliance{{Standard: "pci_dss" + m.taint, Requirements: []string{"10.6.1" + m.taint}}},
		Info:          "Look who was refused." + m.taint,
		TestsTotal:    2,
		Tests: []*armorv1.RuleTest{
			{Name: "80309 fires" + m.taint, File: "tests/0100-amazon-ec2_test.yaml" + m.taint, Line: 70, Fires: true, EventsTotal: 1, Events: []*armorv1.RuleTestEvent{
				{Log: `{"aws":{"eventName":"StopInstances"}}` + m.taint, Repeat: 3, AfterSeconds: 10, Expect: []string{"rule 80309" + m.taint, "level 5"}}}},
			{Name: "80309 silent" + m.taint, File: "tests/0100-amazon-ec2_test.yaml" + m.taint, Line: 80, EventsTotal: 21, Events: []*armorv1.RuleTestEvent{
				{Log: "<script>window.hacked=1</script>" + m.taint, LogCut: true, Repeat: 1, Expect: []string{"not 80309"}}}},
		},
		TestProblems: []string{"tests/broken.yaml:3: unknown key" + m.taint},
		Xml:          m.taint + "<rule id=\"80309\" level=\"5\">\n  <if_sid>80308</if_sid>\n  <match>\"errorCode\":\"Client.UnauthorizedOperation\"</match>\n  <description>Amazon-ec2: Stop instance unauthorized</description>\n</rule>",
	}, nil
}

func (m *managerStandIn) GetStatus(context.Context, *armorv1.GetStatusRequest) (*armorv1.GetStatusResponse, error) {
	return &armorv1.GetStatusResponse{
		Hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" + m.taint, Rules: 412, Decoders: 38, Lists: 2, LoadTime: timestamppb.New(testNow), Source: "built in" + m.taint,
		Problems: []*armorv1.RulesetProblem{{File: "rules/local.xml" + m.taint, Line: 12, Subject: "rule 100010" + m.taint, Message: "if_sid names rule 1, which is not loaded" + m.taint, Severity: armorv1.RulesetProblem_SEVERITY_WARNING}},
	}, nil
}

func (m *managerStandIn) GetProcessStatus(context.Context, *armorv1.GetProcessStatusRequest) (*armorv1.GetProcessStatusResponse, error) {
	return &armorv1.GetProcessStatusResponse{Version: "1.0.0" + m.taint, StartTime: timestamppb.New(testNow), Components: []*armorv1.ComponentStatus{
		{Name: "agent", Ready: true, Counters: map[string]uint64{"read": 4106, "receipted": 4106, "spooled": 0}, Gauges: map[string]float64{"spool_bytes": 16384}},
		{Name: "manager", Ready: true, Counters: map[string]uint64{"accepted": 4106, "alerted": 412, "silent": 3694, "duplicate": 0, "failed": 0, "state_evicted_bytes": 7}, Gauges: map[string]float64{"agents": 2, "state_events": 1804, "state_bytes": 3_400_000, "state_keys": 211, "agents_spooled": 1204, "agents_lag_seconds": 200, "agents_lost": 2, "agents_dropped": 31}},
		{Name: "indexer", Ready: false, Reason: "Elasticsearch answers 503: no master" + m.taint, Counters: map[string]uint64{"received": 412, "indexed": 400, "dead_letter": 1}, Gauges: map[string]float64{"pending": 12, "lag_seconds": 12.4, "dead_letters": 4}},
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
