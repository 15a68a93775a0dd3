package kibana_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/indexer/document"
	"armor/indexer/panels"
	"armor/indexer/store"
	armorv1 "armor/proto/armor/v1"
)

// seeded is an alert of the tests, as the tests count it: by its own members, never by its document.
type seeded struct {
	id          string
	at          time.Time
	ruleID      uint32
	level       uint32
	description string
	groups      []string
	tactics     []string
	techniques  []string
	agentID     string
	agentName   string
	program     string
	location    string
	decoder     string
	ip          string
	user        string
	action      string
	aws         bool
	account     string
	region      string
	service     string
	errorCode   string
}

// seedStart is the time of the first alert.
var seedStart = time.Date(2026, 10, 30, 21, 40, 0, 0, time.UTC)

// seed makes n alerts, the same every time: about half from EC2, the rest from other services and from hosts, over two
// months' indices, with counts that differ, values that are missing, and values that are long.
func seed(n int) []seeded {
	r := rand.New(rand.NewPCG(7, 11))
	// skewed picks an early one more often than a late one.
	skewed := func(list []string) string { return list[min(r.IntN(len(list)), r.IntN(len(list)))] }
	numbered := func(count int, form string) (list []string) {
		for i := range count {
			list = append(list, fmt.Sprintf(form, i))
		}
		return list
	}
	ec2 := []string{"RunInstances", "StartInstances", "StopInstances", "CreateSecurityGroup", "AllocateAddress", "AssociateAddress", "DescribeInstances"}
	errorsOfAWS := []string{"Client.UnauthorizedOperation", "AccessDenied", "UnauthorizedOperation", "Client.InvalidParameterValue", "NoSuchBucket"}
	out := make([]seeded, 0, n)
	for i := range n {
		s := seeded{
			at:        seedStart.Add(time.Duration(i)*11*time.Minute + time.Duration(r.IntN(60_000))*time.Millisecond),
			level:     uint32(min(r.IntN(17), r.IntN(17))),
			agentID:   skewed(numbered(12, "%03d")),
			ip:        skewed(numbered(14, "198.51.100.%d")),
			user:      skewed(numbered(13, "user-%d")),
			agentName: "",
		}
		s.agentName = "host " + s.agentID
		if r.IntN(9) == 0 {
			s.ip, s.user = "", ""
		}
		if r.IntN(20) == 0 {
			s.ip = "2001:db8::" + fmt.Sprint(r.IntN(3)+1)
		}
		switch kind := r.IntN(10); {
		case kind < 5:
			s.aws, s.service, s.action = true, "ec2.amazonaws.com", skewed(ec2)
			s.ruleID, s.description = 80300+uint32(slices.Index(ec2, s.action)), "Amazon-ec2: "+s.action
			s.groups = []string{"amazon-ec2", "amazon"}
		case kind < 7:
			s.aws, s.service, s.action = true, skewed([]string{"iam.amazonaws.com", "s3.amazonaws.com", "kms.amazonaws.com", "sts.amazonaws.com"}), skewed(numbered(12, "Call%d"))
			s.ruleID, s.description = 80600, "AWS: "+s.action+" "+strings.Repeat("é", r.IntN(3)*500)
			s.groups = []string{"amazon", skewed([]string{"iam", "s3", "kms"})}
			s.tactics, s.techniques = []string{"Persistence", "Privilege Escalation"}[:1+r.IntN(2)], []string{"T1098", "T1136"}[:1+r.IntN(2)]
		default:
			s.program, s.decoder, s.location = skewed([]string{"sshd", "sudo", "su", "login", "cron"}), skewed([]string{"sshd", "sudo", "pam"}), skewed(numbered(11, "/var/log/%d.log"))
			s.ruleID, s.description = 5700+uint32(r.IntN(4)), skewed([]string{"sshd: failed", "sshd: accepted", "sudo: root", "pam: opened"})
			s.groups = []string{"syslog", skewed([]string{"authentication_failed", "authentication_success", "authentication_failures", "invalid_login"})}
		}
		if s.aws {
			s.account, s.region = skewed(numbered(12, "1111111111%02d")), skewed([]string{"eu-central-1", "us-east-1", "eu-west-1", "ap-south-1"})
			s.location, s.decoder = "s3://trail", "cloudtrail"
			if r.IntN(3) == 0 {
				s.errorCode = skewed(errorsOfAWS)
			}
		}
		sum := sha256.Sum256([]byte(fmt.Sprint("seed ", i)))
		s.id = hex.EncodeToString(sum[:16])
		out = append(out, s)
	}
	return out
}

// document is the alert as the indexer writes it.
func (s seeded) document() store.Document {
	a := &armorv1.Alert{
		Id: s.id, Time: timestamppb.New(s.at), ReadTime: timestamppb.New(s.at), DetectedTime: timestamppb.New(s.at),
		Rule:  &armorv1.AlertRule{Id: s.ruleID, Level: s.level, Description: s.description, Groups: s.groups, FiredTimes: 1},
		Agent: &armorv1.AlertAgent{Id: s.agentID, Name: s.agentName}, ManagerName: "manager",
		Decoder: &armorv1.AlertDecoder{Name: s.decoder}, Predecoder: &armorv1.Predecoder{ProgramName: s.program},
		Location: s.location, FullLog: []byte("log of " + s.id), Context: &armorv1.AlertContext{EventAction: s.action, SourceIp: s.ip, UserName: s.user},
	}
	for i := range max(len(s.tactics), len(s.techniques)) {
		m := &armorv1.Mitre{}
		if i < len(s.tactics) {
			m.Tactics = s.tactics[i : i+1]
		}
		if i < len(s.techniques) {
			m.Id = s.techniques[i]
		}
		a.Rule.Mitre = append(a.Rule.Mitre, m)
	}
	if s.aws {
		c := a.GetContext()
		c.CloudProvider, c.CloudAccountId, c.CloudRegion, c.EventModule = "aws", s.account, s.region, "aws"
		failure := ""
		if s.errorCode != "" {
			failure = fmt.Sprintf(`,"errorCode":%q`, s.errorCode)
		}
		a.Data = fmt.Appendf(nil, `{"aws":{"eventSource":%q,"eventName":%q%s}}`, s.service, s.action, failure)
	}
	return store.Document{ID: s.id, Time: s.at, Alert: a, JSON: document.Append(nil, a, s.at)}
}

// values of a panel's field, read from the seed alone.
func (s seeded) values(t testing.TB, name string) []string {
	t.Helper()
	one := func(v string) []string {
		if v == "" {
			return nil
		}
		return []string{v}
	}
	switch name {
	case "rule.description":
		return one(s.description)
	case "rule.groups":
		return s.groups
	case "rule.level":
		return one(fmt.Sprint(s.level))
	case "rule.id":
		return one(fmt.Sprint(s.ruleID))
	case "rule.mitre.tactic":
		return s.tactics
	case "rule.mitre.id":
		return s.techniques
	case "agent.id":
		return one(s.agentID)
	case "agent.name":
		return one(s.agentName)
	case "predecoder.program_name":
		return one(s.program)
	case "location":
		return one(s.location)
	case "decoder.name":
		return one(s.decoder)
	case "source.ip":
		return one(s.ip)
	case "user.name":
		return one(s.user)
	case "event.action":
		return one(s.action)
	case "cloud.account.id":
		return one(s.account)
	case "cloud.region":
		return one(s.region)
	case "data.aws.eventSource":
		return one(s.service)
	case "data.aws.errorCode":
		return one(s.errorCode)
	}
	t.Fatalf("the seed does not know field %s", name)
	return nil
}

// on tells whether an alert belongs on a dashboard, in words of the seed.
func (s seeded) on(t testing.TB, d panels.Dashboard) bool {
	t.Helper()
	switch d.Title {
	case "Amazon EC2":
		return slices.Contains(s.groups, "amazon-ec2")
	case "AWS overview":
		return s.aws
	case "Armor overview":
		return true
	case "Hosts":
		return !s.aws
	}
	t.Fatalf("the seed does not know dashboard %s", d.Title)
	return false
}

// in tells whether an alert belongs in a panel, in words of the seed.
func (s seeded) in(t testing.TB, p panels.Panel) bool {
	t.Helper()
	switch p.ID {
	case "refused-calls", "refused":
		return s.errorCode == "AccessDenied" || s.errorCode == "UnauthorizedOperation" || s.errorCode == "Client.UnauthorizedOperation"
	case "high-level", "high-level-rules", "high-level-alerts":
		return s.level >= 12
	case "failed-logins", "failed-logins-count", "failed-login-sources":
		return slices.ContainsFunc(s.groups, func(g string) bool {
			return g == "authentication_failed" || g == "authentication_failures" || g == "invalid_login"
		})
	}
	if p.Query != "" {
		t.Fatalf("the seed does not know panel %s with its query %s", p.ID, p.Query)
	}
	return true
}
