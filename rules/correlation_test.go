package rules_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"armor/rules"
)

// bench is an engine with a clock that the test moves.
type bench struct {
	t      *testing.T
	engine *rules.Engine
	state  rules.State
	now    time.Time
}

const loginDecoder = `<decoder name="app"><program_name>^app$</program_name></decoder>
<decoder name="app-login"><parent>app</parent><prematch>^login </prematch>
<regex offset="after_prematch">^(\S+) from (\S+) via (\S+)</regex><order>dstuser, srcip, door</order><fts>name, dstuser</fts></decoder>`

func newBench(t *testing.T, body string) *bench {
	t.Helper()
	b := &bench{t: t, state: rules.NewMemoryState(rules.StateLimits{}), now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	rs := mustLoad(t, rules.Options{Strict: true}, "decoders/app.xml", loginDecoder,
		"rules/app.xml", `<group name="app,">`+body+`</group>`)
	b.engine = rules.NewEngine(rs, rules.EngineOptions{State: b.state, Now: func() time.Time { return b.now }})
	return b
}

// login sends one event and gives the rule that it ended in, with "-" in front if it gave no alert.
func (b *bench) login(agent, user, ip, door string) string {
	b.t.Helper()
	ev := rules.Event{AgentID: agent, AgentName: agent, Location: "/var/log/app", Log: fmt.Sprintf("Nov 23 12:00:00 host app[1]: login %s from %s via %s", user, ip, door)}
	v := b.engine.Evaluate(&ev)
	if v.Rule == nil {
		return "none"
	}
	s := fmt.Sprint(v.Rule.ID)
	if v.SuppressedBy != nil {
		s += "<" + fmt.Sprint(v.SuppressedBy.ID)
	}
	if !v.Alert {
		s = "-" + s
	}
	return s
}

// repeat sends the same event n times and gives the rules.
func (b *bench) repeat(n int, step time.Duration) string {
	b.t.Helper()
	var out []string
	for range n {
		out = append(out, b.login("000", "root", "10.0.0.1", "ssh"))
		b.now = b.now.Add(step)
	}
	return strings.Join(out, " ")
}

func (b *bench) expect(got, want string) {
	b.t.Helper()
	if got != want {
		b.t.Errorf("got  %s\nwant %s", got, want)
	}
}

const (
	loginRule = `<rule id="100" level="3"><decoded_as>app</decoded_as><match>login</match><description>login</description></rule>`
	fourLogin = `<rule id="101" level="10" frequency="4" timeframe="60"><if_matched_sid>100</if_matched_sid>%s<description>many</description></rule>`
)

func TestFrequencyFiresOnTheNthAndAgainAfterNMore(t *testing.T) {
	b := newBench(t, loginRule+fmt.Sprintf(fourLogin, ""))
	b.expect(b.repeat(9, time.Second), "100 100 100 101 100 100 100 101 100")
}

func TestWindowExpires(t *testing.T) {
	b := newBench(t, loginRule+fmt.Sprintf(fourLogin, ""))
	b.expect(b.repeat(3, time.Second), "100 100 100")
	b.now = b.now.Add(57 * time.Second) // the first is 60 s old: still within
	b.expect(b.repeat(1, 0), "101")

	b = newBench(t, loginRule+fmt.Sprintf(fourLogin, ""))
	b.expect(b.repeat(3, time.Second), "100 100 100")
	b.now = b.now.Add(58 * time.Second) // 61 s old: out
	b.expect(b.repeat(1, 0), "100")
}

func TestOSSECFiresTwoLater(t *testing.T) {
	b := newBench(t, loginRule)
	rs := mustLoad(t, rules.Options{Dialect: rules.OSSEC}, "decoders/app.xml", loginDecoder,
		"rules/app.xml", `<group name="app,">`+loginRule+fmt.Sprintf(fourLogin, "")+`</group>`)
	b.engine = rules.NewEngine(rs, rules.EngineOptions{Now: func() time.Time { return b.now }})
	b.expect(b.repeat(7, time.Second), "100 100 100 100 100 101 100")
}

func TestSameAndDifferent(t *testing.T) {
	for _, c := range []struct{ elements, events, want string }{
		{"<same_srcip />", "root 1 ssh, root 2 ssh, root 1 ssh, root 1 ssh, root 1 ssh", "100 100 100 100 101"},
		{"<same_user />", "root 1 ssh, root 2 ssh, bob 1 ssh, root 3 ssh, root 4 ssh", "100 100 100 100 101"},
		{"<different_srcip />", "root 1 ssh, root 1 ssh, root 1 ssh, root 1 ssh, root 2 ssh", "100 100 100 100 101"},
		{"<same_field>door</same_field>", "a 1 ssh, b 2 web, c 3 ssh, d 4 ssh, e 5 ssh", "100 100 100 100 101"},
		{"<different_field>door</different_field>", "a 1 ssh, b 2 ssh, c 3 web, d 4 ssh, e 5 mail", "100 100 100 100 101"},
		{"<same_srcip /><different_user />", "a 1 ssh, b 1 ssh, c 1 ssh, d 1 ssh", "100 100 100 101"},
		{"<same_location />", "a 1 ssh, b 1 ssh, c 1 ssh, d 1 ssh", "100 100 100 101"},
	} {
		b := newBench(t, loginRule+fmt.Sprintf(fourLogin, c.elements))
		var got []string
		for e := range strings.SplitSeq(c.events, ", ") {
			f := strings.Fields(e)
			got = append(got, b.login("000", f[0], f[1], f[2]))
			b.now = b.now.Add(time.Second)
		}
		if d := cmp.Diff(c.want, strings.Join(got, " ")); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.elements, d)
		}
	}
}

// Events of one agent do not count for another; but what one used up ends the search of the other, as in the
// reference.
func TestAgentsCountApartUnlessGlobal(t *testing.T) {
	for elements, want := range map[string]string{
		"":                     "100 100 100 100 100 100 101 100",
		"<global_frequency />": "100 100 100 101 100 100 100 101",
	} {
		b := newBench(t, loginRule+fmt.Sprintf(fourLogin, elements))
		var got []string
		for i := range 8 {
			got = append(got, b.login(fmt.Sprintf("00%d", 1+i%2), "root", "1", "ssh"))
		}
		b.expect(strings.Join(got, " "), want)
	}
}

func TestMatchedGroup(t *testing.T) {
	b := newBench(t, `<rule id="100" level="3"><match>login root</match><description>r</description><group>failed,</group></rule>
<rule id="102" level="3"><match>login bob</match><description>b</description><group>failed,</group></rule>
<rule id="101" level="10" frequency="3" timeframe="60"><if_matched_group>failed</if_matched_group><same_srcip /><description>many</description></rule>`)
	var got []string
	for i := range 6 {
		got = append(got, b.login("000", []string{"root", "bob"}[i%2], "10.0.0.1", "ssh"))
	}
	b.expect(strings.Join(got, " "), "100 102 101 102 100 101")
}

func TestLevelZeroLeavesNoTrace(t *testing.T) {
	b := newBench(t, strings.Replace(loginRule, `level="3"`, `level="0"`, 1)+fmt.Sprintf(fourLogin, ""))
	b.expect(b.repeat(6, time.Second), "-100 -100 -100 -100 -100 -100")
}

func TestIgnoreReportsTheParent(t *testing.T) {
	b := newBench(t, `<rule id="100" level="3"><match>login</match><description>login</description></rule>
<rule id="101" level="7" ignore="60"><if_sid>100</if_sid><match>root</match><description>root</description></rule>`)
	b.expect(b.repeat(3, 30*time.Second), "101 100<101 101")
	b.now = b.now.Add(29 * time.Second) // 59 s after the second firing
	b.expect(b.repeat(2, time.Second), "100<101 101")
}

func TestFirstTimeSeen(t *testing.T) {
	b := newBench(t, loginRule+`<rule id="101" level="4"><if_sid>100</if_sid><if_fts /><description>first</description></rule>`)
	got := []string{b.login("000", "root", "1", "x"), b.login("000", "root", "2", "x"), b.login("000", "bob", "1", "x")}
	b.expect(strings.Join(got, " "), "101 100 101")
	// A new engine on the same state remembers.
	b.engine = rules.NewEngine(b.engine.Ruleset(), rules.EngineOptions{State: b.state, Now: func() time.Time { return b.now }})
	b.expect(b.login("000", "root", "3", "x"), "100")
}

func TestCheckDiff(t *testing.T) {
	b := newBench(t, `<rule id="100" level="0"><match>login</match><description>login</description></rule>
<rule id="101" level="7"><if_sid>100</if_sid><check_diff /><description>changed</description></rule>`)
	got := []string{b.login("000", "a", "1", "x"), b.login("000", "a", "1", "x"), b.login("000", "b", "1", "x"), b.login("001", "b", "1", "x"), b.login("001", "c", "1", "x")}
	b.expect(strings.Join(got, " "), "-100 -100 101 -100 101")
}

func TestIgnoreAndCheckIfIgnored(t *testing.T) {
	b := newBench(t, `<rule id="100" level="3"><match>login</match><check_if_ignored>srcip</check_if_ignored><description>login</description></rule>
<rule id="101" level="7"><if_sid>100</if_sid><match>root</match><ignore>srcip</ignore><description>root</description></rule>`)
	got := []string{b.login("000", "bob", "1", "x"), b.login("000", "root", "1", "x"), b.login("000", "bob", "1", "x"), b.login("000", "bob", "2", "x")}
	b.expect(strings.Join(got, " "), "100 101 none 100")
}

func TestReplayLeavesTheWindowsAlone(t *testing.T) {
	b := newBench(t, loginRule+fmt.Sprintf(fourLogin, ""))
	b.expect(b.repeat(3, time.Second), "100 100 100")
	for range 5 {
		v := b.engine.Evaluate(&rules.Event{Log: "Nov 23 12:00:00 host app[1]: login root from 10.0.0.1 via ssh", Replay: true})
		if v.Rule == nil || v.Rule.ID != 100 {
			t.Fatalf("replay ended in %v", v.Rule)
		}
	}
	b.expect(b.repeat(1, 0), "101")
}

func TestMemoryIsBoundedAndSaysSo(t *testing.T) {
	b := newBench(t, loginRule+`<rule id="101" level="10" frequency="9999" timeframe="60"><if_matched_sid>100</if_matched_sid><description>many</description></rule>`)
	b.state = rules.NewMemoryState(rules.StateLimits{EventsPerList: 100})
	b.engine = rules.NewEngine(b.engine.Ruleset(), rules.EngineOptions{State: b.state, Now: func() time.Time { return b.now }})
	b.repeat(500, 0)
	if s := b.state.Stats(); s.Events != 100 || s.Evicted != (rules.StateEvictions{ListEvents: 400}) {
		t.Errorf("%+v, expected 100 events and 400 evicted", s)
	}
	b.state.Reset()
	if s := b.state.Stats(); s.Events != 0 {
		t.Errorf("after Reset: %+v", s)
	}
}

func TestTimeAndWeekday(t *testing.T) {
	b := newBench(t, loginRule+`<rule id="101" level="5"><if_sid>100</if_sid><time>6 pm - 8:30 am</time><description>night</description></rule>
<rule id="102" level="6"><if_sid>100</if_sid><weekday>weekends</weekday><description>weekend</description></rule>`)
	for at, want := range map[string]string{
		"2026-11-23T12:00:00Z": "100", "2026-11-23T18:00:00Z": "101", "2026-11-23T08:30:00Z": "101", "2026-11-23T08:31:00Z": "100",
		"2026-11-28T12:00:00Z": "102",
	} {
		var err error
		if b.now, err = time.Parse(time.RFC3339, at); err != nil {
			t.Fatal(err)
		}
		if got := b.login("000", "root", "1", "x"); got != want {
			t.Errorf("%s: rule %s, expected %s", at, got, want)
		}
	}
}
