package diagnostics

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"armor/internal/rpc"
	"armor/internal/testenv"
	armorv1 "armor/proto/armor/v1"
	"armor/rules"
)

// serve runs the service on a gRPC server of its own and gives a client.
func serve(t *testing.T, rs *rules.Ruleset) armorv1.RulesetServiceClient {
	t.Helper()
	token := filepath.Join(t.TempDir(), "token")
	server, err := rpc.NewServer(rpc.ServerConfig{Listen: "127.0.0.1:0", TokenFile: token}, quiet, nil)
	if err != nil {
		t.Fatal(err)
	}
	armorv1.RegisterRulesetServiceServer(server, New(&fixed{rs: rs}, time.Now, quiet))
	served := make(chan error, 1)
	go func() { served <- server.Serve(t.Context()) }()
	t.Cleanup(func() {
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	conn, err := rpc.Dial(rpc.ClientConfig{Address: server.Addr(), TokenFile: token}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return armorv1.NewRulesetServiceClient(conn)
}

func TestLogtestExplains(t *testing.T) {
	client := serve(t, load(t))
	resp, err := client.Logtest(t.Context(), &armorv1.LogtestRequest{Logs: []string{"one", "one two"}, Trace: true, Why: 100002})
	if err != nil {
		t.Fatal(err)
	}
	first, second := resp.GetResults()[0], resp.GetResults()[1]
	if trace := strings.Join(first.GetTrace(), "\n"); !strings.Contains(trace, `- 100002 (level 7) Two: <match>two</match> on "one"`) || !strings.Contains(trace, "* 100001 (level 3) One") {
		t.Errorf("trace:\n%s", trace)
	}
	if why := strings.Join(first.GetWhy(), "\n"); !strings.Contains(why, "rule 100002 (level 7) did not fire") || !strings.Contains(why, `its own condition failed: <match>two</match> on "one"`) {
		t.Errorf("why:\n%s", why)
	}
	if why := strings.Join(second.GetWhy(), "\n"); !strings.Contains(why, "rule 100002 (level 7) fired") {
		t.Errorf("why:\n%s", why)
	}
	var doc struct {
		Trace []struct{ Kind, ID, Result, Condition, Value string }
		Why   []struct {
			ID     string
			Fired  bool
			Places []struct {
				Path         []string
				Reason, Rule string
			}
		}
	}
	if err := json.Unmarshal([]byte(first.GetJson()), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Trace) == 0 || len(doc.Why) != 1 || doc.Why[0].Fired || doc.Why[0].Places[0].Reason != "condition" || doc.Why[0].Places[0].Rule != "100002" {
		t.Errorf("%+v", doc)
	}
	plain, err := client.Logtest(t.Context(), &armorv1.LogtestRequest{Logs: []string{"one"}})
	if err != nil || len(plain.GetResults()[0].GetTrace()) != 0 || strings.Contains(plain.GetResults()[0].GetJson(), "trace") {
		t.Errorf("without asking: %v, %v", plain, err)
	}
}

func TestLogtestRefuses(t *testing.T) {
	client := serve(t, load(t))
	started, err := client.Logtest(t.Context(), &armorv1.LogtestRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		req  *armorv1.LogtestRequest
		code codes.Code
		text string
	}{
		"unknown rule":      {&armorv1.LogtestRequest{Why: 7}, codes.NotFound, "no rule 7 is loaded"},
		"in a session":      {&armorv1.LogtestRequest{Why: 7, SessionId: started.GetSessionId()}, codes.NotFound, "no rule 7 is loaded"},
		"unknown session":   {&armorv1.LogtestRequest{SessionId: "abc"}, codes.NotFound, "ask without one to start anew"},
		"too many explains": {&armorv1.LogtestRequest{Logs: make([]string, maxTraced+1), Trace: true}, codes.InvalidArgument, "go on with the session"},
	} {
		if _, err := client.Logtest(t.Context(), c.req); status.Code(err) != c.code || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := client.Logtest(t.Context(), &armorv1.LogtestRequest{SessionId: started.GetSessionId(), Logs: []string{"one"}}); err != nil {
		t.Errorf("the session has gone: %v", err)
	}
}

// The history of a session decides, call after call, over the whole reference ruleset and with everything shown.
func TestLogtestSessionKeepsItsHistory(t *testing.T) {
	rs, err := rules.Load(rules.Options{}, rules.Source{FS: os.DirFS(filepath.Join(testenv.Data(t), "wazuh-ruleset"))})
	if err != nil {
		t.Fatal(err)
	}
	client := serve(t, rs)
	id := ""
	for i := 1; i <= 8; i++ {
		resp, err := client.Logtest(t.Context(), &armorv1.LogtestRequest{
			SessionId: id, TraceAll: true, Why: 5712,
			Logs: []string{"Nov 23 02:40:01 web-1 sshd[411]: Failed password for invalid user bob from 203.0.113.66 port 4022 ssh2"},
		})
		if err != nil {
			t.Fatal(err)
		}
		id = resp.GetSessionId()
		r := resp.GetResults()[0]
		why := strings.Join(r.GetWhy(), "\n")
		if i < 8 && (r.GetRuleId() != 5710 || !strings.Contains(why, fmt.Sprintf("%d of 8 events within 120 s", i))) || i == 8 && r.GetRuleId() != 5712 {
			t.Errorf("line %d: rule %d\n%s", i, r.GetRuleId(), why)
		}
		if len(r.GetTrace()) < 100 {
			t.Errorf("line %d: %d steps", i, len(r.GetTrace()))
		}
	}
}
