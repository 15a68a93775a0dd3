package rules_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"armor/rules"
)

const tracedDecoders = `<decoder name="app"><program_name>^app$</program_name></decoder>
<decoder name="app-login"><parent>app</parent><prematch>^login </prematch><regex offset="after_prematch">^(\S+) from (\S+)</regex><order>user, srcip</order></decoder>
<decoder name="other"><program_name>^other$</program_name></decoder>
<decoder name="web"><prematch>^GET </prematch><type>web-log</type></decoder>
`

const tracedRules = `<var name="BAD">root|admin</var>
<group name="syslog,">
  <rule id="1" level="0" noalert="1"><category>syslog</category><description>All.</description></rule>
  <rule id="4" level="0" noalert="1"><category>web-log</category><description>Web.</description></rule>
  <rule id="100" level="0"><decoded_as>other</decoded_as><description>Other.</description></rule>
  <rule id="101" level="0"><decoded_as>other</decoded_as><description>Other again.</description></rule>
  <rule id="200" level="0" noalert="1"><decoded_as>app</decoded_as><description>App.</description></rule>
  <rule id="201" level="5"><if_sid>200</if_sid><match>login</match><description>Login.</description><group>logins,</group></rule>
  <rule id="202" level="8"><if_sid>201</if_sid><user>^$BAD$</user><description>Login of $(dstuser).</description></rule>
  <rule id="203" level="10" frequency="3" timeframe="60" ignore="60"><if_matched_sid>201</if_matched_sid><same_source_ip /><description>Logins.</description></rule>
  <rule id="204" level="3"><if_sid>200</if_sid><match>login</match><description>Later sibling.</description></rule>
  <rule id="205" level="9"><if_sid>201, 204</if_sid><field name="one">1</field><description>Field.</description></rule>
  <rule id="206" level="7" noalert="1"><if_sid>200</if_sid><description>Leads nowhere.</description></rule>
  <rule id="207" level="6"><if_sid>206</if_sid><srcip>192.0.2.1</srcip><description>Address.</description></rule>
  <rule id="208" level="6"><if_sid>100</if_sid><description>Below other.</description></rule>
  <rule id="209" level="6"><if_sid>4</if_sid><match>x</match><description>Web.</description></rule>
  <rule id="210" level="3"><if_sid>99999</if_sid><description>Orphan.</description></rule>
</group>
`

func tracedRuleset(t *testing.T) *rules.Ruleset {
	t.Helper()
	rs, err := rules.Load(rules.Options{}, rules.Source{FS: fstest.MapFS{
		"decoders/d.xml": {Data: []byte(tracedDecoders)}, "rules/r.xml": {Data: []byte(tracedRules)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

// TestWhy: every reason why a rule is not the answer, and what is said of it.
func TestWhy(t *testing.T) {
	rs := tracedRuleset(t)
	now := time.Unix(1_700_000_000, 0)
	login := func(user string) string { return "Nov 23 02:40:01 h app: login " + user + " from 10.0.0.1 ok" }
	for _, c := range []struct {
		name   string
		before []string
		line   string
		id     int
		fired  bool
		places []string // path, reason, part of the text; "|" between them
	}{
		{"the answer", nil, login("bob"), 201, true, []string{"1 > 200 > 201|fired|the event ended in"}},
		{"own condition", nil, login("bob"), 202, false, []string{`1 > 200 > 201 > 202|condition|its own condition failed: <user>^$BAD$</user>, which is ^root|admin$, on "bob"`}},
		{"condition further up", nil, login("bob"), 208, false, []string{`1 > 100 > 208|condition|rule 100 above it failed: <decoded_as>other</decoded_as> on "app"`}},
		{"absent field, and a place not tried", nil, login("bob"), 205, false, []string{
			`1 > 200 > 201 > 205|condition|<field name="one">1</field> on nothing`,
			`1 > 200 > 204 > 205|won_before|rule 201 (level 5) won before it was the turn of rule 204 (level 3)`,
		}},
		{"sibling order", nil, login("bob"), 204, false, []string{"1 > 200 > 204|won_before|siblings are tried by level"}},
		{"a rule below won", nil, login("root"), 201, false, []string{"1 > 200 > 201|won_below|rule 202 (level 8) below it"}},
		{"noalert", nil, login("bob"), 206, false, []string{"1 > 200 > 206|noalert|only leads to the rules below it"}},
		{"address", nil, login("bob"), 207, false, []string{`1 > 200 > 206 > 207|condition|<srcip>192.0.2.1</srcip> on "10.0.0.1"`}},
		{"category", nil, login("bob"), 209, false, []string{"4 > 209|category|the decoder app is of category syslog, and it hangs in category web-log"}},
		{"no decoder", nil, "hello", 209, false, []string{"4 > 209|category|no decoder matched"}},
		{"nothing kept", nil, login("bob"), 203, false, []string{"1 > 200 > 201 > 203|condition|1 of 3 events within 60 s, this one included\" (no event has been kept"}},
		{"too few", []string{login("bob")}, login("bob"), 203, false, []string{"1 > 200 > 201 > 203|condition|2 of 3 events within 60 s"}},
		{"enough", []string{login("bob"), login("bob")}, login("bob"), 203, true, []string{"1 > 200 > 201 > 203|fired|"}},
		{"counted already", []string{login("bob"), login("bob"), login("bob")}, login("bob"), 203, false, []string{"1 > 200 > 201 > 203|condition|counted already"}},
		{"others", []string{"Nov 23 02:40:01 h app: login bob from 10.0.0.2 ok"}, login("bob"), 203, false, []string{"1 > 200 > 201 > 203|condition|1 others are of another agent or differ"}},
		{"ignore", []string{login("bob"), login("bob"), login("bob"), login("bob"), login("bob")}, login("bob"), 203, true, []string{"1 > 200 > 201 > 203|suppressed|silent for 60 s"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := rules.NewEngine(rs, rules.EngineOptions{Now: func() time.Time { return now }})
			for _, l := range c.before {
				e.Evaluate(&rules.Event{Log: l})
			}
			x := e.NewEvaluation()
			_, trace := e.Trace(&rules.Event{Log: c.line}, x)
			e.Evaluate(&rules.Event{Log: "something else"})
			e.Decode(&rules.Event{Log: "that uses the same memory"}, x)
			e.Match(x)
			why, err := trace.Why(c.id)
			if err != nil {
				t.Fatal(err)
			}
			if why.Fired != c.fired || len(why.Places) != len(c.places) || why.More != 0 {
				t.Errorf("fired %v, %d places, %d more", why.Fired, len(why.Places), why.More)
			}
			for i, p := range why.Places {
				want := strings.SplitN(c.places[i], "|", 3)
				if p.PathText() != want[0] || string(p.Reason) != want[1] || !strings.Contains(p.Text, want[2]) {
					t.Errorf("got %s|%s|%s\nwant %s", p.PathText(), p.Reason, p.Text, c.places[i])
				}
			}
		})
	}
}

func TestWhyOfUnknownRule(t *testing.T) {
	e := rules.NewEngine(tracedRuleset(t), rules.EngineOptions{})
	_, trace := e.Trace(&rules.Event{Log: "x"}, e.NewEvaluation())
	for id, want := range map[int]string{7: "no rule 7 is loaded", 210: "rule 210 is not loaded: rules/r.xml:"} {
		_, err := trace.Why(id)
		var unknown *rules.UnknownRuleError
		if !errors.As(err, &unknown) || !strings.Contains(err.Error(), want) {
			t.Errorf("%d: %v", id, err)
		}
	}
}

// TestTraceSteps: the steps of one event, summed up and in full.
func TestTraceSteps(t *testing.T) {
	e := rules.NewEngine(tracedRuleset(t), rules.EngineOptions{})
	x := e.NewEvaluation()
	show := func(all bool, log string) string {
		_, trace := e.Trace(&rules.Event{Log: log}, x)
		var b strings.Builder
		for _, s := range trace.Steps(all) {
			id := 0
			if s.Rule != nil {
				id = s.Rule.ID
			}
			fmt.Fprintf(&b, "%d %s %s%d %s", s.Depth, s.Kind, s.Decoder, id, s.Result)
			if s.Count > 1 {
				fmt.Fprintf(&b, " %d times", s.Count)
			}
			for _, c := range s.Conditions {
				fmt.Fprintf(&b, " [%s]", c)
			}
			fmt.Fprintln(&b, "", s.Note)
		}
		return b.String()
	}
	const line = "Nov 23 02:40:01 h app: login bob from 10.0.0.1 ok"
	got := show(false, line)
	for _, want := range []string{
		`0 decoder app0 matched [<program_name>^app$</program_name> on "login bob`,
		`1 decoder app-login0 matched [<regex offset="after_prematch">^(\S+) from (\S+)</regex> on "bob from 10.0.0.1 ok"] fills user, srcip`,
		"1 rule 0 failed 2 times of another decoder",
		`2 rule 206 noalert`,
		`3 rule 207 failed [<srcip>192.0.2.1</srcip> on "10.0.0.1"]`,
		`2 rule 201 final [<match>login</match> on "login bob from 10.0.0.1 ok"]`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s\nis not in\n%s", want, got)
		}
	}
	if all := show(true, line); !strings.Contains(all, `1 rule 101 failed [<decoded_as>other</decoded_as> on "app"]`) {
		t.Errorf("in full:\n%s", all)
	}
	if got := show(false, "<13>1 2026-11-23T09:00:01Z h app - - - hello"); !strings.Contains(got, "header") {
		t.Errorf("an extended header:\n%s", got)
	}
}

// TestTraceOfAHostileTree: a tree with more places than can be walked is traced in bounded time, and says so.
func TestTraceOfAHostileTree(t *testing.T) {
	var b strings.Builder
	b.WriteString(`<group name="g,"><rule id="10" level="3"><description>d</description></rule><rule id="11" level="3"><description>d</description></rule>`)
	for i := 12; i < 100; i += 2 {
		for j := range 2 {
			fmt.Fprintf(&b, `<rule id="%d" level="3" noalert="1"><if_sid>%d, %d</if_sid><description>d</description></rule>`, i+j, i-2, i-1)
		}
	}
	b.WriteString(`</group>`)
	rs, err := rules.Load(rules.Options{}, rules.Source{FS: fstest.MapFS{"rules/r.xml": {Data: []byte(b.String())}}})
	if err != nil {
		t.Fatal(err)
	}
	e := rules.NewEngine(rs, rules.EngineOptions{})
	v, trace := e.Trace(&rules.Event{Log: "x"}, e.NewEvaluation())
	if v.Rule == nil || v.Rule.ID != 10 {
		t.Errorf("rule %v", v.Rule)
	}
	steps := trace.Steps(false)
	if last := steps[len(steps)-1]; !strings.Contains(last.Note, "too many places") {
		t.Errorf("%d steps, the last is %+v", len(steps), last)
	}
	why, err := trace.Why(99)
	if err != nil || len(why.Places) != 32 || why.More < 1000 {
		t.Errorf("%+v, %v", why, err)
	}
}
