package logtest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"armor/rules"
	"armor/rules/logtest"
	"armor/rules/ruleset"
)

func session(t testing.TB, opts logtest.Options) *logtest.Session {
	t.Helper()
	rs, err := rules.Load(rules.Options{}, rules.Source{FS: ruleset.FS()})
	if err != nil {
		t.Fatal(err)
	}
	return logtest.NewSession(rules.NewEngine(rs, rules.EngineOptions{}), opts)
}

const failed = "Nov 23 02:40:01 web-1 sshd[411]: Failed password for root from 203.0.113.66 port 4022 ssh2"

func TestJSON(t *testing.T) {
	r := session(t, logtest.Options{Location: "/var/log/auth.log"}).Test(failed)
	want := `{"predecoder":{"hostname":"web-1","program_name":"sshd","timestamp":"Nov 23 02:40:01"},` +
		`"decoder":{"name":"sshd","parent":"sshd"},"data":{"dstuser":"root","srcip":"203.0.113.66","srcport":"4022"},` +
		`"rule":{"level":5,"description":"sshd: login of root failed, from 203.0.113.66","id":"200002",` +
		`"mitre":{"id":["T1110.001"],"tactic":["Credential Access"],"technique":["Password Guessing"]},"firedtimes":1,"mail":false,` +
		`"groups":["syslog","sshd","authentication_failed","sshd_login_failed"],"pci_dss":["10.2.4","10.2.5"]},` +
		`"alert":true,"full_log":"` + failed + `","location":"/var/log/auth.log"}`
	if d := cmp.Diff(want, string(r.JSON())); d != "" {
		t.Errorf("JSON (-want +got):\n%s", d)
	}
}

func TestText(t *testing.T) {
	s := session(t, logtest.Options{})
	want := `1. Header
   timestamp       Nov 23 02:40:01
   hostname        web-1
   program_name    sshd
2. Decoder
   name            sshd
   dstuser         root
   srcip           203.0.113.66
   srcport         4022
3. Rule
   id              200002
   level           5
   description     sshd: login of root failed, from 203.0.113.66
   groups          syslog, sshd, authentication_failed, sshd_login_failed
   pci_dss         10.2.4, 10.2.5
   mitre           T1110.001 Password Guessing
   fired           1 times
   alert           yes
`
	if d := cmp.Diff(want, s.Test(failed).Text()); d != "" {
		t.Errorf("text (-want +got):\n%s", d)
	}
	want = `1. Header
   none: the line is taken whole
2. Decoder
   no decoder matched
3. Rule
   no rule matched
`
	if d := cmp.Diff(want, s.Test("hello").Text()); d != "" {
		t.Errorf("text (-want +got):\n%s", d)
	}
}

// A suppressed rule shows with the reason, and no alert.
func TestSuppressed(t *testing.T) {
	s := session(t, logtest.Options{})
	var r logtest.Result
	for range 16 {
		r = s.Test(failed)
	}
	if r.RuleID != 200020 || r.Alert || !strings.Contains(r.Text(), "no: the rule ignores repetitions for 60 s") {
		t.Errorf("rule %d, alert %v:\n%s", r.RuleID, r.Alert, r.Text())
	}
	var doc map[string]any
	if err := json.Unmarshal(r.JSON(), &doc); err != nil || doc["suppressed_by"] != "200020" || doc["alert"] != false {
		t.Errorf("%v, %s", err, r.JSON())
	}
}

// FuzzResult: whatever the line, the JSON is JSON and the text, explanations included, has no control characters.
func FuzzResult(f *testing.F) {
	s := session(f, logtest.Options{})
	for _, l := range []string{failed, "", "\x00\xff", `{"a":"\ud800","b":[1,"` + "\xff" + `"]}`, `{"integration":"aws","aws":{"source":"cloudtrail","x\u0000":1}}`, "<13>1 - - - - - [x", "Nov 23 02:40:01 h sudo: a\x1b[2J : TTY=x ; PWD=y ; USER=z ; COMMAND=\x07"} {
		f.Add(l)
	}
	f.Fuzz(func(t *testing.T, line string) {
		r, err := s.Explain(line, logtest.Explain{Trace: true, All: true, Why: []int{80301, 200020}})
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(r.JSON()) {
			t.Errorf("%q: %s", line, r.JSON())
		}
		for _, c := range strings.ReplaceAll(r.Text(), "\n", "") {
			if c < 0x20 || c == 0x7f {
				t.Errorf("%q: control character in %q", line, r.Text())
			}
		}
	})
}
