package ruleset_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"armor/internal/testenv"
	"armor/rules"
	"armor/rules/logtest"
)

func session(t testing.TB, opts rules.Options) *logtest.Session {
	t.Helper()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	return logtest.NewSession(rules.NewEngine(load(t, opts), rules.EngineOptions{Now: func() time.Time { return now }}), logtest.Options{})
}

func TestLinesEndInTheRightRule(t *testing.T) {
	for _, c := range []struct {
		line    string
		rule    int
		decoder string
	}{
		{"Nov 23 02:40:01 web-1 sshd[411]: Failed password for root from 203.0.113.66 port 4022 ssh2", 200002, "sshd"},
		{"Nov 23 02:40:01 web-1 sshd[411]: Failed password for invalid user admin from 203.0.113.66 port 4022 ssh2", 200004, "sshd"},
		{"Nov 23 02:40:01 web-1 sshd-session[411]: Invalid user  0101 from 203.0.113.66 port 1", 200003, "sshd"},
		{"Nov 23 02:40:01 web-1 sshd[411]: Accepted publickey for alice from 203.0.113.7 port 50022 ssh2: RSA SHA256:abc", 200001, "sshd"},
		{"Nov 23 02:40:01 web-1 sshd[411]: message repeated 5 times: [ Failed password for root from 203.0.113.66 port 4022 ssh2]", 200002, "sshd"},
		{"Nov 23 02:40:01 web-1 sshd[411]: error: maximum authentication attempts exceeded for root from 203.0.113.66 port 4 ssh2 [preauth]", 200007, "sshd"},
		{"Nov 23 02:40:01 web-1 sshd[411]: User root from 203.0.113.66 not allowed because not listed in AllowUsers", 200008, "sshd"},
		{"Nov 23 02:40:01 web-1 sshd[411]: Server listening on 0.0.0.0 port 22.", 200000, "sshd"},
		{"<38>1 2022-01-19T14:23:55+00:00 OPNsense.localdomain sshd 44255 - [meta sequenceId=\"1\"] Invalid user tutu from 1.2.3.4 port 33166", 200003, "sshd"},
		{"Nov 23 02:40:01 web-1 sshd[411]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=203.0.113.66  user=root", 200101, "pam"},
		{"Nov 23 02:40:01 web-1 sshd[411]: pam_unix(sshd:session): session opened for user alice(uid=1000) by (uid=0)", 200103, "pam"},
		{"Nov 23 02:40:01 web-1 CRON[411]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)", 200104, "pam"},
		{"Nov 23 02:40:01 web-1 login[411]: pam_unix(login:session): session closed for user alice", 200105, "pam"},
		{"Nov 23 02:40:01 web-1 sshd[411]: PAM 4 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=203.0.113.66  user=root", 200106, "pam"},
		{"Nov 23 02:40:01 web-1 sudo:    alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/apt update", 200202, "sudo"},
		{"Nov 23 02:40:01 web-1 sudo:      bob : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/home/bob ; USER=root ; COMMAND=/bin/sh", 200204, "sudo"},
		{"Nov 23 02:40:01 web-1 sudo:      bob : user NOT in sudoers ; TTY=pts/0 ; PWD=/home/bob ; USER=root ; COMMAND=/bin/sh", 200205, "sudo"},
		{"Nov 23 02:40:01 web-1 su[411]: FAILED SU (to root) bob on pts/0", 200221, "su"},
		{"Nov 23 02:40:01 web-1 su[411]: (to root) alice on pts/0", 200223, "su"},
		{"Nov 23 02:40:01 web-1 su[411]: Successful su for root by alice", 200223, "su"},
		{"Nov 23 02:40:01 web-1 useradd[411]: new user: name=mallory, UID=1001, GID=1001, home=/home/mallory, shell=/bin/sh, from=none", 200301, "accounts"},
		{"Nov 23 02:40:01 web-1 groupadd[411]: new group: name=mallory, GID=1001", 200302, "accounts"},
		{"Nov 23 02:40:01 web-1 usermod[411]: add 'mallory' to group 'sudo'", 200306, "accounts"},
		{"Nov 23 02:40:01 web-1 usermod[411]: add 'mallory' to group 'games'", 200305, "accounts"},
		{"Nov 23 02:40:01 web-1 userdel[411]: delete user 'mallory'", 200303, "accounts"},
		{"Nov 23 02:40:01 web-1 passwd[411]: pam_unix(passwd:chauthtok): password changed for alice", 200100, "pam"},
		{`{"a":{"b":1}}`, 0, "json"},
		{"hello", 0, ""},
	} {
		r := session(t, rules.Options{}).Test(c.line)
		if r.RuleID != c.rule || r.Decoder != c.decoder {
			t.Errorf("%s\n\trule %d, decoder %q; expected %d, %q", c.line, r.RuleID, r.Decoder, c.rule, c.decoder)
		}
		if strings.Contains(r.Description, "$(") || strings.HasSuffix(r.Description, "from ") {
			t.Errorf("%s\n\tdescription %q", c.line, r.Description)
		}
	}
}

// The spec's ten rules, their refused forms included.
func TestTenEC2Rules(t *testing.T) {
	const form = `{"integration":"aws","aws":{"log_info":{"log_file":"f"},"source":"cloudtrail","eventSource":"ec2.amazonaws.com","eventName":"%",` +
		`"errorCode":"#","sourceIPAddress":"203.0.113.7","userIdentity":{"type":"IAMUser","userName":"alice"}}}`
	const refused = "Client.UnauthorizedOperation"
	for _, c := range []struct {
		event, code string
		rule, level int
		text        string
		pci         bool
	}{
		{"DescribeInstances", "", 80300, 0, "Amazon-ec2: EC2 API call", false},
		{"RunInstances", "", 80301, 2, "Amazon-ec2: Run instance", true},
		{"RunInstances", "Client.VcpuLimitExceeded", 80301, 2, "Amazon-ec2: Run instance", true},
		{"RunInstances", refused, 80303, 2, "Amazon-ec2: Run instance unauthorized", true},
		{"StartInstances", "", 80305, 2, "Amazon-ec2: Instance started", true},
		{"StartInstances", refused, 80306, 5, "Amazon-ec2: Start instance unauthorized", true},
		{"StopInstances", "", 80308, 2, "Amazon-ec2: Instance stopped", true},
		{"StopInstances", refused, 80309, 5, "Amazon-ec2: Stop instance unauthorized", true},
		{"CreateSecurityGroup", refused, 80404, 2, "Amazon-ec2: Create Security Group", true},
		{"AllocateAddress", "", 80411, 2, "Amazon-ec2: Allocate Address", false},
		{"AssociateAddress", "", 80446, 2, "Amazon-ec2: Associate Address", true},
		{"runinstances", "", 80300, 0, "Amazon-ec2: EC2 API call", false}, // action compares exactly
	} {
		rs := load(t, rules.Options{Include: []string{"*amazon-ec2*"}})
		e := rules.NewEngine(rs, rules.EngineOptions{})
		log := strings.Replace(strings.Replace(form, "%", c.event, 1), "#", c.code, 1)
		v := e.Evaluate(&rules.Event{Log: log})
		if v.Rule == nil || v.Rule.ID != c.rule || v.Rule.Level != c.level || v.Description != c.text || v.Alert != (c.level > 0) {
			t.Errorf("%s %s: %+v", c.event, c.code, v.Rule)
			continue
		}
		if d := cmp.Diff([]string{"amazon-ec2", "amazon"}, v.Rule.Groups); d != "" {
			t.Errorf("groups of %d (-want +got):\n%s", c.rule, d)
		}
		var want []rules.Compliance
		if c.pci {
			want = []rules.Compliance{{Standard: "pci_dss", Requirements: []string{"10.6.1"}}}
		}
		if d := cmp.Diff(want, v.Rule.Compliance); d != "" {
			t.Errorf("compliance of %d (-want +got):\n%s", c.rule, d)
		}
		for name, value := range map[string]string{"action": c.event, "srcip": "203.0.113.7", "dstuser": "alice", "aws.eventName": c.event} {
			if got, _ := v.Field(name); got != value {
				t.Errorf("%s: %s is %q", c.event, name, got)
			}
		}
	}
}

func TestWhoActed(t *testing.T) {
	for identity, want := range map[string]string{
		`{"type":"IAMUser","userName":"alice","arn":"arn:aws:iam::1:user/alice"}`:                                            "alice",
		`{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/R/s","sessionContext":{"sessionIssuer":{"userName":"R"}}}`: "R",
		`{"type":"Root","arn":"arn:aws:iam::1:root"}`:                                                                        "arn:aws:iam::1:root",
		`{"invokedBy":"autoscaling.amazonaws.com"}`:                                                                          "autoscaling.amazonaws.com",
		`{"type":"AWSService","invokedBy":null}`:                                                                             "AWSService",
		`{}`:                                                                                                                 "",
		`null`:                                                                                                               "",
	} {
		e := rules.NewEngine(load(t, rules.Options{}), rules.EngineOptions{})
		v := e.Evaluate(&rules.Event{Log: `{"integration":"aws","aws":{"source":"cloudtrail","userIdentity":` + identity + `}}`})
		if got, _ := v.Field("user"); got != want {
			t.Errorf("%s: user %q, expected %q", identity, got, want)
		}
	}
}

// Only real CloudTrail records are taken for such, in any order and spacing.
func TestCloudTrailDetection(t *testing.T) {
	for line, want := range map[string]string{
		`{"integration":"aws","aws":{"source":"cloudtrail"}}`:                                "cloudtrail",
		`{ "aws": { "source": "cloudtrail" }, "integration": "aws" }`:                        "cloudtrail",
		`{"integration":"aws","aws":{"source":"guardduty","x":"\"source\":\"cloudtrail\""}}`: "json",
		`{"integration":"aws","aws":{"x":{"source":"cloudtrail"}}}`:                          "json",
		`{"integration":"gcp","aws":{"source":"cloudtrail"}}`:                                "json",
		`{"integration":"aws","aws":{"source":"cloudtrail"`:                                  "",
	} {
		got := session(t, rules.Options{}).Test(line).Decoder
		if got != want && !(want == "" && got == "json") {
			t.Errorf("%s: decoder %q, expected %q", line, got, want)
		}
	}
}

func TestBruteForceAndLoginAfterIt(t *testing.T) {
	s := session(t, rules.Options{})
	var got []int
	for range 8 {
		got = append(got, s.Test("Nov 23 02:40:01 web-1 sshd[411]: Failed password for root from 203.0.113.66 port 4022 ssh2").RuleID)
	}
	got = append(got, s.Test("Nov 23 02:41:01 web-1 sshd[412]: Accepted password for root from 203.0.113.66 port 4023 ssh2").RuleID)
	got = append(got, s.Test("Nov 23 02:41:01 web-1 sshd[413]: Accepted password for alice from 203.0.113.7 port 4023 ssh2").RuleID)
	want := []int{200002, 200002, 200002, 200002, 200002, 200002, 200002, 200020, 200021, 200001}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("rules (-want +got):\n%s", d)
	}
}

// Real sshd lines: every one is decoded, and nearly every one ends in a rule above the base.
func TestRealSSHDLines(t *testing.T) {
	dir := filepath.Join(testenv.Data(t), "syslog")
	files, err := filepath.Glob(filepath.Join(dir, "*ssh*.log"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %d files", err, len(files))
	}
	lines, bruteForce := 0, 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s := session(t, rules.Options{})
		for l := range strings.Lines(string(data)) {
			l = strings.TrimRight(l, "\r\n")
			if l == "" {
				continue
			}
			lines++
			r := s.Test(l)
			if r.RuleID == 0 || r.Decoder == "" {
				t.Errorf("%s: %q: rule %d, decoder %q", filepath.Base(file), l, r.RuleID, r.Decoder)
			}
			if r.RuleID == 200020 && r.Alert {
				bruteForce++
			}
		}
	}
	t.Logf("%d lines, %d brute-force alerts", lines, bruteForce)
	if lines < 2100 || bruteForce == 0 {
		t.Errorf("%d lines, %d brute-force alerts", lines, bruteForce)
	}
}
