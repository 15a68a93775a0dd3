package diagnostics

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"testing"
	"testing/fstest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	armorv1 "armor/proto/armor/v1"
	"armor/rules"
	"armor/rules/logtest"
)

var quiet = slog.New(slog.DiscardHandler)

// fixed is a Keeper of one ruleset.
type fixed struct {
	rs        *rules.Ruleset
	reloadErr error
}

func (f *fixed) InForce() Ruleset {
	return Ruleset{Rules: f.rs, Loaded: time.Unix(1, 0), Source: "test"}
}
func (f *fixed) Reload(context.Context) (bool, error) { return f.reloadErr == nil, f.reloadErr }

func load(t *testing.T) *rules.Ruleset {
	t.Helper()
	rs, err := rules.Load(rules.Options{}, rules.Source{FS: fstest.MapFS{"rules/r.xml": {Data: []byte(`<group name="g,">
  <rule id="100001" level="3"><match>one</match><description>One</description></rule>
  <rule id="100002" level="7"><if_sid>100001</if_sid><match>two</match><description>Two</description></rule>
  <rule id="100003" level="9"><match>three</match><description>Three</description></rule>
</group>`)}}})
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

func TestListRulesInPages(t *testing.T) {
	s := New(&fixed{rs: load(t)}, time.Now, quiet)
	var ids []uint32
	token, pages := "", 0
	for {
		resp, err := s.ListRules(t.Context(), &armorv1.ListRulesRequest{PageSize: 2, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		pages++
		for _, r := range resp.GetRules() {
			ids = append(ids, r.GetId())
		}
		if token = resp.GetNextPageToken(); token == "" {
			break
		}
	}
	if len(ids) != 3 || pages != 2 {
		t.Errorf("%v in %d pages", ids, pages)
	}
	one, err := s.GetRule(t.Context(), &armorv1.GetRuleRequest{Id: 100002})
	if err != nil || len(one.GetRule().GetParents()) != 1 || one.GetRule().GetParents()[0] != 100001 || one.GetParents()[0].GetDescription() == "" {
		t.Errorf("%v, %v", one, err)
	}
	one, err = s.GetRule(t.Context(), &armorv1.GetRuleRequest{Id: 100001})
	if err != nil || one.GetChildrenTotal() != uint32(len(one.GetChildren())) || len(one.GetChildren()) == 0 || one.GetChildren()[0].GetId() != 100002 {
		t.Errorf("%v, %v", one, err)
	}
}

func TestGetRuleTellsWhatTheRuleCarries(t *testing.T) {
	const file = `<group name="g,">
<rule id="1" level="3"><match>a</match><description>d</description></rule>
<rule id="2" level="10" frequency="8" timeframe="120" ignore="60"><if_matched_sid>1</if_matched_sid><description>e</description>
<info>what to do</info><mitre><id>T1110.001</id></mitre><group>pci_dss_10.2.4,pci_dss_10.2.5,</group></rule>
</group>`
	rs, err := rules.Load(rules.Options{}, rules.Source{FS: fstest.MapFS{"rules/r.xml": {Data: []byte(file)}}})
	if err != nil {
		t.Fatal(err)
	}
	s := New(&fixed{rs: rs}, time.Now, quiet)
	got, err := s.GetRule(t.Context(), &armorv1.GetRuleRequest{Id: 2})
	if err != nil {
		t.Fatal(err)
	}
	if got.GetFrequency() != 8 || got.GetTimeframeSeconds() != 120 || got.GetIgnoreSeconds() != 60 || got.GetInfo() != "what to do" ||
		len(got.GetMitre()) != 1 || got.GetMitre()[0].GetTechnique() != "Password Guessing" || !slices.Contains(got.GetMitre()[0].GetTactics(), "Credential Access") ||
		len(got.GetCompliance()) != 1 || got.GetCompliance()[0].GetStandard() != "pci_dss" || len(got.GetCompliance()[0].GetRequirements()) != 2 {
		t.Errorf("%v", got)
	}
	if _, err := s.GetRule(t.Context(), &armorv1.GetRuleRequest{Id: 3}); status.Code(err) != codes.NotFound {
		t.Errorf("an unknown rule: %v", err)
	}
}

func TestLogtestSessionsAreBounded(t *testing.T) {
	now := time.Unix(0, 0)
	s := New(&fixed{rs: load(t)}, func() time.Time { return now }, quiet)
	start := func() string {
		t.Helper()
		resp, err := s.Logtest(t.Context(), &armorv1.LogtestRequest{Logs: []string{"one"}})
		if err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Second)
		return resp.GetSessionId()
	}
	use := func(id string) error {
		_, err := s.Logtest(t.Context(), &armorv1.LogtestRequest{SessionId: id, Logs: []string{"one"}})
		now = now.Add(time.Second)
		return err
	}
	first, second := start(), start()
	for range maxSessions - 2 {
		start()
	}
	if err := use(first); err != nil {
		t.Fatal(err)
	}
	start() // one too many: the one unused for longest goes
	if n := len(s.sessions.byID); n != maxSessions {
		t.Errorf("%d sessions", n)
	}
	if err := use(first); err != nil {
		t.Errorf("a session in use has gone: %v", err)
	}
	if err := use(second); status.Code(err) != codes.NotFound {
		t.Errorf("the oldest session: %v", err)
	}
	now = now.Add(sessionLife)
	if err := use(first); status.Code(err) != codes.NotFound {
		t.Errorf("an expired session: %v", err)
	}
	if n := len(s.sessions.byID); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
}

type panicking struct{}

func (panicking) Explain(string, logtest.Explain) (logtest.Result, error) { panic("bug") }

func TestPanicInLogtestEndsOnlyTheSession(t *testing.T) {
	s := New(&fixed{rs: load(t)}, time.Now, quiet)
	resp, err := s.Logtest(t.Context(), &armorv1.LogtestRequest{})
	if err != nil {
		t.Fatal(err)
	}
	s.sessions.byID[resp.GetSessionId()].tester = panicking{}
	if _, err := s.Logtest(t.Context(), &armorv1.LogtestRequest{SessionId: resp.GetSessionId(), Logs: []string{"x"}}); status.Code(err) != codes.Internal {
		t.Errorf("got %v", err)
	}
	if _, err := s.Logtest(t.Context(), &armorv1.LogtestRequest{SessionId: resp.GetSessionId()}); status.Code(err) != codes.NotFound {
		t.Errorf("the session is still there: %v", err)
	}
	if _, err := s.Logtest(t.Context(), &armorv1.LogtestRequest{Logs: []string{"one"}}); err != nil {
		t.Error(err)
	}
}

func TestReloadReportsWhatIsNoLoadErrorToo(t *testing.T) {
	s := New(&fixed{rs: load(t), reloadErr: errors.New("the directory is gone")}, time.Now, quiet)
	resp, err := s.Reload(t.Context(), &armorv1.ReloadRequest{})
	if err != nil || resp.GetSwapped() || len(resp.GetProblems()) != 1 || resp.GetProblems()[0].GetMessage() != "the directory is gone" {
		t.Errorf("%v, %v", resp, err)
	}
}

func FuzzPageToken(f *testing.F) {
	f.Add("5", uint32(1))
	f.Add("-", uint32(0))
	rs, err := rules.Load(rules.Options{}, rules.Source{FS: fstest.MapFS{"rules/r.xml": {Data: []byte(`<group name="g,"><rule id="1" level="3"><match>a</match><description>d</description></rule></group>`)}}})
	if err != nil {
		f.Fatal(err)
	}
	s := New(&fixed{rs: rs}, time.Now, quiet)
	f.Fuzz(func(t *testing.T, token string, size uint32) {
		_, err := s.ListRules(context.Background(), &armorv1.ListRulesRequest{PageToken: token, PageSize: size})
		if _, number := strconv.Atoi(token); token != "" && (number == nil) != (err == nil) {
			t.Errorf("token %q: %v", token, err)
		}
	})
}
