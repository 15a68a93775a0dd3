package rules_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"armor/rules"
)

// ends gives the rule that each event ends in (0: none).
func ends(t *testing.T, rs *rules.Ruleset, events ...rules.Event) []int {
	t.Helper()
	e := rules.NewEngine(rs, rules.EngineOptions{})
	var out []int
	for i := range events {
		id := 0
		if v := e.Evaluate(&events[i]); v.Rule != nil {
			id = v.Rule.ID
		}
		out = append(out, id)
	}
	return out
}

func logs(lines ...string) []rules.Event {
	var out []rules.Event
	for _, l := range lines {
		out = append(out, rules.Event{Location: "/var/log/x", Log: l})
	}
	return out
}

func group(body string) string { return `<group name="g,">` + body + `</group>` }

func TestSiblingOrder(t *testing.T) {
	rs := mustLoad(t, rules.Options{}, "rules/r.xml", group(`
<rule id="100" level="3"><match>a</match><description>d</description></rule>
<rule id="101" level="5"><match>a</match><description>d</description></rule>
<rule id="102" level="5"><match>a b</match><description>d</description></rule>
<rule id="103" level="0"><match>a b c</match><description>d</description></rule>
<rule id="104" level="9" accuracy="0"><match>a d</match><description>d</description></rule>
<rule id="105" level="7" noalert="1"><match>a e</match><description>d</description></rule>
<rule id="106" level="1"><if_sid>105</if_sid><match>f</match><description>d</description></rule>`))
	got := ends(t, rs, logs("a", "a b", "a b c", "a d", "a e", "a e f", "z")...)
	// 104 stands behind all others; 105 is no answer itself.
	if d := cmp.Diff([]int{101, 101, 103, 101, 101, 106, 0}, got); d != "" {
		t.Errorf("rules (-want +got):\n%s", d)
	}
}

func TestPlacement(t *testing.T) {
	rs := mustLoad(t, rules.Options{}, "rules/r.xml", `<group name="g,one,">
<rule id="100" level="3"><match>a</match><description>d</description><group>two,</group></rule>
<rule id="101" level="0"><match>b</match><description>d</description></rule>
</group><group name="h,">
<rule id="102" level="4"><if_group>TWO</if_group><match>x</match><description>d</description></rule>
<rule id="103" level="4"><if_level>4</if_level><match>y</match><description>d</description></rule>
<rule id="104" level="4"><if_sid>100, 101</if_sid><match>z</match><description>d</description></rule>
<rule id="105" level="4"><if_group>^g,one</if_group><match>w</match><description>d</description></rule>
</group>`)
	parents := func(id int) []int { r, _ := rs.Rule(id); return r.Parents }
	want := map[int][]int{100: nil, 102: {100}, 103: {101, 102}, 104: {100, 101}, 105: {100, 101}}
	for id, p := range want {
		if d := cmp.Diff(p, parents(id)); d != "" && len(p)+len(parents(id)) > 0 {
			t.Errorf("parents of %d (-want +got):\n%s", id, d)
		}
	}
	got := ends(t, rs, logs("a x", "b y", "a y", "b z", "a z", "b w", "a x y")...)
	if d := cmp.Diff([]int{102, 103, 100, 104, 104, 105, 103}, got); d != "" {
		t.Errorf("rules (-want +got):\n%s", d)
	}
}

func TestOverwrite(t *testing.T) {
	rs := mustLoad(t, rules.Options{}, "rules/r.xml", group(`
<rule id="100" level="3"><match>a</match><description>old</description><group>old,</group></rule>
<rule id="101" level="5"><if_sid>100</if_sid><match>b</match><description>child</description></rule>
<rule id="100" level="7" overwrite="yes"><match>c</match><description>new</description></rule>
<rule id="102" level="4" overwrite="yes"><match>d</match><description>not there before</description></rule>
<rule id="101" level="6" overwrite="yes"><if_sid>102</if_sid><description>moved?</description></rule>`))
	got := ends(t, rs, logs("a", "c", "c b", "d")...)
	if d := cmp.Diff([]int{0, 101, 101, 102}, got); d != "" {
		t.Errorf("rules (-want +got):\n%s", d)
	}
	r, _ := rs.Rule(100)
	if r.Description != "new" || r.Level != 7 || len(r.Groups) != 1 {
		t.Errorf("rule 100 is %+v", r)
	}
	if len(rs.Problems()) != 1 || !strings.Contains(rs.Problems()[0].Message, "if_sid") {
		t.Errorf("problems: %v", rs.Problems())
	}
}

func TestConditions(t *testing.T) {
	const decoders = `<decoder name="kv"><program_name>^kv$</program_name></decoder>
<decoder name="kv-f"><parent>kv</parent><regex>^ip=(\S+) user=(\S+) port=(\d+) x=(\S+)</regex><order>srcip, user, srcport, x</order></decoder>`
	const header = "Nov 23 09:00:01 box kv[1]: "
	for _, c := range []struct {
		condition, message string
		want               bool
	}{
		{`<match>USER</match>`, "ip=10.0.0.1 user=bob port=1 x=y", true},
		{`<match>^ip|nothing</match>`, "ip=10.0.0.1 user=bob port=1 x=y", true},
		{`<match negate="yes">bob</match>`, "ip=10.0.0.1 user=bob port=1 x=y", false},
		{`<match negate="yes">eve</match>`, "ip=10.0.0.1 user=bob port=1 x=y", true},
		{`<match>b</match><match>ob</match>`, "ip=10.0.0.1 user=bob port=1 x=y", true},
		{`<regex>port=\d+ </regex>`, "ip=10.0.0.1 user=bob port=1 x=y", true},
		{`<regex type="osmatch">port=\d</regex>`, "ip=10.0.0.1 user=bob port=1 x=y", false},
		{`<user>^bob$</user>`, "ip=10.0.0.1 user=bob port=1 x=y", true},
		{`<user negate="yes">^eve$</user>`, "no fields", false}, // absent fails even when negated
		{`<status negate="yes">x</status>`, "ip=10.0.0.1 user=bob port=1 x=y", false},
		{`<srcip>10.0.0.0/8</srcip>`, "ip=10.0.0.1 user=bob port=1 x=y", true},
		{`<srcip>10.0.0.0/255.0.0.0</srcip>`, "ip=11.0.0.1 user=bob port=1 x=y", false},
		{`<srcip>1.1.1.1</srcip><srcip>10.0.</srcip>`, "ip=10.0.9.1 user=bob port=1 x=y", true},
		{`<srcip>!10.0.0.1</srcip>`, "ip=10.0.0.1 user=bob port=1 x=y", false},
		{`<srcip negate="yes">10.0.0.1</srcip>`, "ip=10.0.0.2 user=bob port=1 x=y", true},
		{`<srcip>any</srcip>`, "ip=name user=bob port=1 x=y", true},
		{`<srcport>^22$</srcport>`, "ip=10.0.0.1 user=bob port=22 x=y", true},
		{`<field name="X">^y$</field>`, "ip=10.0.0.1 user=bob port=1 x=y", true},
		{`<field name="x" negate="yes">^y$</field>`, "ip=10.0.0.1 user=bob port=1 x=y", false},
		{`<field name="nope" negate="yes">^y$</field>`, "ip=10.0.0.1 user=bob port=1 x=y", false},
		{`<hostname>^box$</hostname>`, "anything", true},
		{`<program_name>^kv$</program_name>`, "anything", true},
		{`<location>/x$</location>`, "anything", true},
		{`<decoded_as>kv</decoded_as>`, "anything", true},
		{`<action>block</action>`, "anything", false},
	} {
		rs := mustLoad(t, rules.Options{Strict: true}, "decoders/d.xml", decoders,
			"rules/r.xml", group(`<rule id="100" level="3">`+c.condition+`<description>d</description></rule>`))
		if got := ends(t, rs, logs(header+c.message)...)[0] == 100; got != c.want {
			t.Errorf("%s on %q: %v, expected %v", c.condition, c.message, got, c.want)
		}
	}
}

func TestRemoteEventsShowTheirAgent(t *testing.T) {
	rs := mustLoad(t, rules.Options{}, "rules/r.xml", group(`
<rule id="100" level="3"><hostname>^web-1$</hostname><location>^[007] (web-1) any-\>/var/log/x$</location><description>$(hostname) $(location)</description></rule>`))
	e := rules.NewEngine(rs, rules.EngineOptions{})
	ev := rules.Event{AgentID: "007", AgentName: "web-1", Location: "/var/log/x", Log: "Nov 23 09:00:01 box kv[1]: x"}
	if v := e.Evaluate(&ev); v.Rule != nil {
		t.Errorf("osmatch has no escapes, yet rule %d matched", v.Rule.ID)
	}
	rs = mustLoad(t, rules.Options{}, "rules/r.xml", strings.ReplaceAll(group(`
<rule id="100" level="3"><hostname>^web-1$</hostname><location>^[007] (web-1) any-@/var/log/x$</location><description>$(hostname) $(location)</description></rule>`), "@", ">"))
	v := rules.NewEngine(rs, rules.EngineOptions{}).Evaluate(&ev)
	if v.Rule == nil || v.Description != "web-1 [007] (web-1) any->/var/log/x" {
		t.Errorf("rule %v, description %q", v.Rule, v.Description)
	}
}

func TestLists(t *testing.T) {
	decoders := `<decoder name="d"><prematch>^ip=</prematch><regex>^ip=(\S+)</regex><order>srcip</order></decoder>`
	for lookup, want := range map[string]string{
		`lookup="match_key"`:                                   "1.1.1.1",
		`lookup="not_match_key"`:                               "10.2.3.4 9.9.9.9",
		`lookup="address_match_key"`:                           "1.1.1.1 10.2.3.4",
		`lookup="not_address_match_key"`:                       "9.9.9.9",
		`lookup="match_key_value" check_value="^bad"`:          "1.1.1.1",
		`lookup="address_match_key_value" check_value="^bad$"`: "10.2.3.4 9.9.9.9", // inverted, as in the reference
	} {
		rs := mustLoad(t, rules.Options{Strict: true}, "decoders/d.xml", decoders, "lists/mine", "1.1.1.1:bad\n10.:good\n",
			"rules/r.xml", group(`<rule id="100" level="3"><list field="srcip" `+lookup+`>etc/lists/mine</list><description>d</description></rule>`))
		var hits []string
		for _, ip := range []string{"1.1.1.1", "10.2.3.4", "9.9.9.9"} {
			if ends(t, rs, logs("ip="+ip)...)[0] == 100 {
				hits = append(hits, ip)
			}
		}
		if got := strings.Join(hits, " "); got != want {
			t.Errorf("%s: %q, expected %q", lookup, got, want)
		}
		if rs.ListCount() != 1 {
			t.Errorf("%d lists", rs.ListCount())
		}
	}
}

func TestDescriptions(t *testing.T) {
	decoders := `<decoder name="d"><prematch>^v=</prematch><regex>^v=(\.*)$</regex><order>big</order></decoder>`
	for text, want := range map[string]string{
		"plain":              "plain",
		"$(big)!":            "x!",
		"$(none)-$(srcip)":   "-",
		"$(big":              "$(big",
		"$(big) $(BIG) $ (":  "x x $ (",
		"$(program_name)end": "end",
	} {
		rs := mustLoad(t, rules.Options{}, "decoders/d.xml", decoders, "rules/r.xml", group(`<rule id="100" level="3"><match>v=</match><description>`+text+`</description></rule>`))
		v := rules.NewEngine(rs, rules.EngineOptions{}).Evaluate(&rules.Event{Log: "v=x"})
		if v.Description != want {
			t.Errorf("%q became %q, expected %q", text, v.Description, want)
		}
	}
	rs := mustLoad(t, rules.Options{}, "decoders/d.xml", decoders, "rules/r.xml", group(`<rule id="100" level="3"><match>v=</match><description>v is $(big)</description></rule>`))
	v := rules.NewEngine(rs, rules.EngineOptions{}).Evaluate(&rules.Event{Log: "v=" + strings.Repeat("x", 2000)})
	if v.Description != "v is $(big)" {
		t.Errorf("overlong description became %.40q", v.Description)
	}
}

func TestMeta(t *testing.T) {
	rs := mustLoad(t, rules.Options{}, "rules/r.xml", `<group name="syslog,app,">
  <rule id="100" level="12" frequency="3" timeframe="60">
    <if_matched_sid>100</if_matched_sid><description>a </description><description>b</description>
    <info type="link">http://x</info><info type="cve">2001-1</info>
    <mitre><id>T1110</id><id>T1110</id></mitre><options>no_full_log</options>
    <group>own,pci_dss_10.2.4,gdpr_IV_35.7.d,pci_dss_11.4,nist_800_53_AU.14,cis,tsc_CC6.1,</group>
  </rule>
</group>`)
	if len(rs.Rules()) != 0 {
		t.Error("a rule that counts itself was loaded")
	}
	rs = mustLoad(t, rules.Options{}, "rules/r.xml", `<group name="syslog,app,">
  <rule id="100" level="12">
    <match>x</match><description>a </description><description>b</description>
    <info type="link">http://x</info><info type="cve">2001-1</info>
    <mitre><id>T1110</id><id>T1110</id></mitre><options>no_full_log</options>
    <group>own,pci_dss_10.2.4,gdpr_IV_35.7.d,pci_dss_11.4,nist_800_53_AU.14,cis,tsc_CC6.1,</group>
  </rule>
</group>`)
	got, _ := rs.Rule(100)
	want := &rules.Rule{
		ID: 100, Level: 12, Description: "a b", Info: "http://x", CVE: "2001-1", Groups: []string{"syslog", "app", "own", "cis"},
		Compliance: []rules.Compliance{
			{Standard: "pci_dss", Requirements: []string{"10.2.4", "11.4"}}, {Standard: "gdpr", Requirements: []string{"IV_35.7.d"}},
			{Standard: "nist_800_53", Requirements: []string{"AU.14"}}, {Standard: "tsc", Requirements: []string{"CC6.1"}},
		},
		Mitre: []rules.Mitre{{ID: "T1110", Tactics: []string{"Credential Access"}, Technique: "Brute Force"}},
		Mail:  true, NoFullLog: true, File: "rules/r.xml", Line: 2, XML: got.XML,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("rule (-want +got):\n%s", d)
	}
	if !strings.HasPrefix(got.XML, `<rule id="100"`) || !strings.HasSuffix(got.XML, "</rule>") {
		t.Errorf("XML is %q", got.XML)
	}
}

func TestOneEvaluationForManyEvents(t *testing.T) {
	rs := mustLoad(t, rules.Options{}, "decoders/d.xml", `<decoder name="d"><prematch>^ip=</prematch><regex>^ip=(\S+)</regex><order>srcip</order></decoder>
<decoder name="j"><prematch>^{</prematch><plugin_decoder>JSON_Decoder</plugin_decoder></decoder>`,
		"rules/r.xml", group(`<rule id="100" level="3"><srcip>1.1.1.1</srcip><description>$(srcip) $(k)</description></rule>
<rule id="101" level="3"><field name="k">v</field><description>$(srcip) $(k)</description></rule>`))
	e := rules.NewEngine(rs, rules.EngineOptions{})
	x := e.NewEvaluation()
	for range 3 {
		for line, want := range map[string]string{"ip=1.1.1.1": "100 1.1.1.1  {\"srcip\":\"1.1.1.1\"}", `{"k":"v"}`: "101  v {\"k\":\"v\"}", "nothing": "none {}"} {
			ev := rules.Event{Log: line}
			e.Decode(&ev, x)
			v := e.Match(x)
			got := "none"
			if v.Rule != nil {
				got = fmt.Sprint(v.Rule.ID, " ", v.Description)
			}
			if got += " " + string(v.AppendData(nil)); got != want {
				t.Errorf("%s: %q, expected %q", line, got, want)
			}
		}
	}
}
