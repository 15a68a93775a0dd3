package console

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/indexer/document"
	"armor/indexer/embedded"
	"armor/indexer/store"
	armorv1 "armor/proto/armor/v1"
)

// ec2Rules are the rules of the EC2 use cases that make alerts.
var ec2Rules = []struct {
	id, level          uint32
	event, description string
	refused            bool
}{
	{80301, 2, "RunInstances", "Amazon-ec2: Run instance", false},
	{80303, 2, "RunInstances", "Amazon-ec2: Run instance unauthorized", true},
	{80305, 2, "StartInstances", "Amazon-ec2: Start instance", false},
	{80306, 5, "StartInstances", "Amazon-ec2: Start instance unauthorized", true},
	{80308, 2, "StopInstances", "Amazon-ec2: Stop instance", false},
	{80309, 5, "StopInstances", "Amazon-ec2: Stop instance unauthorized", true},
	{80404, 2, "CreateSecurityGroup", "Amazon-ec2: Security group created", false},
	{80411, 2, "AllocateAddress", "Amazon-ec2: Address allocated", false},
	{80446, 2, "AssociateAddress", "Amazon-ec2: Address associated", false},
}

// ec2Alert makes alert number n of the rules in turn.
func ec2Alert(n int, when time.Time) *armorv1.Alert {
	r := ec2Rules[n%len(ec2Rules)]
	region := []string{"eu-central-1", "us-east-1", "eu-west-1"}[n%3]
	user := []string{"deploy", "marta", "ci-runner", "backup"}[n%4]
	failure := ""
	if r.refused {
		failure = `,"errorCode":"Client.UnauthorizedOperation"`
	}
	account := []string{"111122223333", "444455556666"}[n%2]
	record := fmt.Sprintf(`{"eventVersion":"1.08","eventSource":"ec2.amazonaws.com","eventName":%q,"awsRegion":%q,"sourceIPAddress":"198.51.100.%d","userAgent":"aws-cli/2.15.30 Python/3.11","userIdentity":{"type":"IAMUser","principalId":"AIDA%d","arn":"arn:aws:iam::%s:user/%s","accountId":%q,"userName":%q}%s,"requestParameters":{"instancesSet":{"items":[{"instanceId":"i-%08x"}]}},"recipientAccountId":%q,"eventID":"e-%d"}`,
		r.event, region, n%250+1, n%4, account, user, account, user, failure, n, account, n)
	outcome := "success"
	if r.refused {
		outcome = "failure"
	}
	return newAlert(alertSpec{
		key: fmt.Sprintf("ec2-%d-%d", n, when.UnixNano()), when: when, rule: r.id, level: r.level, description: r.description,
		groups: []string{"amazon-ec2", "amazon"}, agent: []string{"cloud-collector", "audit-eu"}[n%2],
		log: `{"integration":"aws","aws":` + record + `}`, data: `{"aws":` + record + `}`,
		context: &armorv1.AlertContext{EventModule: "aws", EventDataset: "aws.cloudtrail", EventAction: r.event, EventOutcome: outcome, SourceIp: fmt.Sprintf("198.51.100.%d", n%250+1),
			UserName: user, CloudProvider: "aws", CloudRegion: region, CloudAccountId: account},
	})
}

type alertSpec struct {
	key         string
	when        time.Time
	rule, level uint32
	description string
	groups      []string
	agent       string
	log, data   string
	context     *armorv1.AlertContext
}

func newAlert(s alertSpec) *armorv1.Alert {
	sum := sha256.Sum256([]byte(s.key))
	return &armorv1.Alert{
		Id: hex.EncodeToString(sum[:16]), Time: timestamppb.New(s.when), ReadTime: timestamppb.New(s.when), DetectedTime: timestamppb.New(s.when),
		Rule:  &armorv1.AlertRule{Id: s.rule, Level: s.level, Description: s.description, Groups: s.groups, FiredTimes: 1},
		Agent: &armorv1.AlertAgent{Id: "0" + fmt.Sprint(len(s.agent)), Name: s.agent, Ip: "192.0.2.10"}, ManagerName: "manager-1",
		Decoder: &armorv1.AlertDecoder{Name: "json"}, Location: "/var/log/" + s.agent, Context: s.context, FullLog: []byte(s.log), Data: []byte(s.data),
	}
}

func hit(a *armorv1.Alert) store.Hit {
	return store.Hit{ID: a.GetId(), Time: a.GetTime().AsTime(), JSON: document.Append(nil, a, a.GetTime().AsTime())}
}

// openStore opens a real store, as `armor up` has it.
func openStore(t testing.TB) store.Store {
	t.Helper()
	s, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// write puts alerts into a store, each of which must be new.
func write(t testing.TB, s store.Store, hits ...store.Hit) {
	t.Helper()
	docs := make([]store.Document, 0, len(hits))
	for _, h := range hits {
		docs = append(docs, store.Document{ID: h.ID, Time: h.Time, JSON: h.JSON})
	}
	results, err := s.Write(t.Context(), docs)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if r.Outcome != store.Created {
			t.Fatalf("alert %s: %s, %s", docs[i].ID, r.Outcome, r.Reason)
		}
	}
	if late, ok := s.(interface{ Refresh(context.Context) error }); ok { // a store that shows what was written a while later
		if err := late.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// seed makes alerts of the EC2 rules, n of them, one every step back from the newest.
func seed(n int, newest time.Time, step time.Duration) []store.Hit {
	hits := make([]store.Hit, 0, n)
	for i := range n {
		hits = append(hits, hit(ec2Alert(i, newest.Add(-time.Duration(i)*step))))
	}
	return hits
}

// hostile are log lines that try to be more than text.
func hostile(when time.Time) []*armorv1.Alert {
	lines := []string{
		`<script>window.hacked=1</script><img src=x onerror="window.hacked=1">`,
		`"><svg onload=window.hacked=1> javascript:window.hacked=1 {{constructor.constructor('window.hacked=1')()}}`,
		"\u202egnp.exe\u202c \x1b[31mred\x1b[0m \x00nul \u2066isolate",
		"A" + strings.Repeat("b", 60<<10) + "Z",
		"invalid \xff\xfe bytes",
	}
	var alerts []*armorv1.Alert
	for i, line := range lines {
		alerts = append(alerts, newAlert(alertSpec{
			key: fmt.Sprintf("hostile-%d", i), when: when.Add(time.Duration(i) * time.Second), rule: 100100 + uint32(i), level: 12,
			description: "Hostile <b>" + strings.ToValidUTF8(cut(line, 60), "?") + "</b>", groups: []string{"hostile", "<i>group</i>"}, agent: "web-<u>01</u>",
			log: line, data: `{"url":"<script>window.hacked=1</script>"}`,
		}))
	}
	return alerts
}
