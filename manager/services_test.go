package manager

import (
	"fmt"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	armorv1 "armor/proto/armor/v1"
)

func TestReloadUnderLoadLosesNothing(t *testing.T) {
	r := newRig(t, rigOptions{})
	l := r.hello(helloOf("001", 1, 30_000))
	var load sync.WaitGroup
	load.Go(func() {
		for from := uint64(1); from <= 20_000; from += 500 {
			l.batch(events(from, from+500)...)
		}
	})
	load.Go(func() { l.receipts(20_000) })
	client := armorv1.NewRulesetServiceClient(r.local())
	hashes := map[string]bool{}
	for i := range 20 {
		r.use(tiny(fmt.Sprintf("Attack, version %d", i)))
		resp, err := client.Reload(within(t), &armorv1.ReloadRequest{})
		if err != nil || !resp.GetSwapped() || len(resp.GetProblems()) > 0 {
			t.Fatalf("%v, %v", resp, err)
		}
		hashes[resp.GetHash()] = true
	}
	load.Wait()
	if len(hashes) != 20 {
		t.Errorf("%d different hashes, want 20", len(hashes))
	}
	r.ledger(1, 20_001)
	// And the last one is in force.
	l.batch(event(20_001, true))
	l.receipts(20_001)
	if got := r.stored(); len(got) != 1 || got[0].GetRule().GetDescription() != "Attack, version 19" {
		t.Errorf("got %v", got)
	}
}

func TestReloadWithErrorsKeepsTheOldRuleset(t *testing.T) {
	r := newRig(t, rigOptions{})
	client := armorv1.NewRulesetServiceClient(r.local())
	before, err := client.GetStatus(within(t), &armorv1.GetStatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	r.use(fstest.MapFS{"rules/bad.xml": {Data: []byte(`<group name="x,">
  <rule id="100001" level="77"><match>a</match><description>x</description></rule>
  <rule level="5"><match>b</match><description>y</description></rule>
</group>`)}})
	resp, err := client.Reload(within(t), &armorv1.ReloadRequest{})
	if err != nil || resp.GetSwapped() || resp.GetHash() != before.GetHash() || len(resp.GetProblems()) < 2 {
		t.Fatalf("%v, %v", resp, err)
	}
	for _, p := range resp.GetProblems() {
		if p.GetFile() == "" || p.GetLine() == 0 || p.GetMessage() == "" || p.GetSeverity() == armorv1.RulesetProblem_SEVERITY_UNSPECIFIED {
			t.Errorf("problem %v", p)
		}
	}
	if err := r.manager.Reload(within(t)); err == nil {
		t.Error("the method for SIGHUP reports no error")
	}
	l := r.hello(helloOf("001", 1, 3))
	l.batch(events(1, 4)...)
	l.receipts(3)
	r.ledger(1, 4)
}

func TestRulesetServiceShowsTheRules(t *testing.T) {
	r := newRig(t, rigOptions{})
	client := armorv1.NewRulesetServiceClient(r.local())
	list, err := client.ListRules(within(t), &armorv1.ListRulesRequest{Group: "test", MinLevel: 5})
	if err != nil || len(list.GetRules()) != 1 || list.GetRules()[0].GetId() != 100001 || list.GetRules()[0].GetLine() != 2 {
		t.Fatalf("%v, %v", list, err)
	}
	if list, err = client.ListRules(within(t), &armorv1.ListRulesRequest{MinLevel: 6}); err != nil || len(list.GetRules()) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	rule, err := client.GetRule(within(t), &armorv1.GetRuleRequest{Id: 100001})
	if err != nil || rule.GetRule().GetDescription() != "Attack" || rule.GetXml() == "" {
		t.Errorf("%v, %v", rule, err)
	}
	if _, err := client.GetRule(within(t), &armorv1.GetRuleRequest{Id: 5}); status.Code(err) != codes.NotFound {
		t.Errorf("unknown rule: %v", err)
	}
	if _, err := client.ListRules(within(t), &armorv1.ListRulesRequest{PageToken: "x"}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("bad token: %v", err)
	}
	st, err := client.GetStatus(within(t), &armorv1.GetStatusRequest{})
	if err != nil || st.GetHash() == "" || st.GetRules() != 1 || st.GetDecoders() != 1 || !st.GetLoadTime().IsValid() || st.GetSource() != "built in" {
		t.Errorf("%v, %v", st, err)
	}
}

func TestLogtestChangesNothingAndKeepsItsSession(t *testing.T) {
	r := newRig(t, rigOptions{})
	client := armorv1.NewRulesetServiceClient(r.local())
	resp, err := client.Logtest(within(t), &armorv1.LogtestRequest{Logs: []string{"tiny attack 1", "tiny quiet", "tiny attack 2"}})
	if err != nil || len(resp.GetResults()) != 3 || resp.GetSessionId() == "" {
		t.Fatalf("%v, %v", resp, err)
	}
	if got := resp.GetResults()[0]; !got.GetAlert() || got.GetRuleId() != 100001 || got.GetLevel() != 5 || got.GetDescription() != "Attack" {
		t.Errorf("%v", got)
	}
	if got := resp.GetResults()[1]; got.GetAlert() || got.GetRuleId() != 0 {
		t.Errorf("%v", got)
	}
	again, err := client.Logtest(within(t), &armorv1.LogtestRequest{Logs: []string{"tiny attack 3"}, SessionId: resp.GetSessionId()})
	if err != nil || again.GetSessionId() != resp.GetSessionId() {
		t.Errorf("%v, %v", again, err)
	}
	if _, err := client.Logtest(within(t), &armorv1.LogtestRequest{SessionId: "unknown"}); status.Code(err) != codes.NotFound {
		t.Errorf("unknown session: %v", err)
	}
	if _, err := client.Logtest(within(t), &armorv1.LogtestRequest{Logs: make([]string, 1001)}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("too many lines: %v", err)
	}
	if c := r.manager.pipeline.Counts(); c.Accepted != 0 {
		t.Errorf("logtest counted: %+v", c)
	}
	if got := r.stored(); len(got) != 0 {
		t.Errorf("logtest published %v", got)
	}
}

func TestFleetListsAgentsInPages(t *testing.T) {
	r := newRig(t, rigOptions{})
	client := armorv1.NewFleetServiceClient(r.local())
	for n := range 7 {
		l := r.hello(helloOf(fmt.Sprintf("agent-%d", n), 1, 9))
		l.batch(event(1, false))
		l.receipts(1)
		if n == 3 {
			l.cancel()
		}
	}
	r.eventually("one has gone", func() bool { return r.manager.pipeline.Sessions() == 6 })
	var ids []string
	var states []armorv1.AgentState
	token, pages := "", 0
	for {
		resp, err := client.ListAgents(within(t), &armorv1.ListAgentsRequest{PageSize: 3, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		pages++
		for _, a := range resp.GetAgents() {
			ids, states = append(ids, a.GetId()), append(states, a.GetState())
			if a.GetName() != "web-1" || a.GetIp() != "192.0.2.7" || a.GetVersion() != "1.0" || a.GetSpoolId() != "spool-1" ||
				a.GetLastFinishedSequence() != 1 || a.GetLastKnownSequence() != 9 || a.GetManagerName() != "manager-1" ||
				!a.GetFirstSeen().IsValid() || !a.GetLastSeen().IsValid() {
				t.Errorf("record %v", a)
			}
		}
		if token = resp.GetNextPageToken(); token == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"agent-0", "agent-1", "agent-2", "agent-3", "agent-4", "agent-5", "agent-6"}, ids); diff != "" || pages != 3 {
		t.Errorf("%d pages: %s", pages, diff)
	}
	for n, s := range states {
		want := armorv1.AgentState_AGENT_STATE_CONNECTED
		if n == 3 {
			want = armorv1.AgentState_AGENT_STATE_DISCONNECTED
		}
		if s != want {
			t.Errorf("agent %d is %s", n, s)
		}
	}
	one, err := client.GetAgent(within(t), &armorv1.GetAgentRequest{Id: "agent-5"})
	if err != nil || one.GetAgent().GetId() != "agent-5" {
		t.Errorf("%v, %v", one, err)
	}
	if _, err := client.GetAgent(within(t), &armorv1.GetAgentRequest{Id: "nobody"}); status.Code(err) != codes.NotFound {
		t.Errorf("unknown agent: %v", err)
	}
	if _, err := client.GetAgent(within(t), &armorv1.GetAgentRequest{Id: "no such.key>"}); status.Code(err) != codes.NotFound {
		t.Errorf("impossible id: %v", err)
	}
}

func TestWhatIsNotOfferedSaysSo(t *testing.T) {
	r := newRig(t, rigOptions{})
	fleet := armorv1.NewFleetServiceClient(r.local())
	_, err := fleet.RemoveAgent(within(t), &armorv1.RemoveAgentRequest{Id: "001"})
	if status.Code(err) != codes.Unimplemented {
		t.Error(err)
	}
	_, err = fleet.CreateEnrollmentToken(within(t), &armorv1.CreateEnrollmentTokenRequest{})
	if status.Code(err) != codes.Unimplemented {
		t.Error(err)
	}
	_, err = armorv1.NewEnrollmentServiceClient(r.local()).Enroll(within(t), &armorv1.EnrollRequest{})
	if status.Code(err) != codes.Unimplemented {
		t.Error(err)
	}
}
