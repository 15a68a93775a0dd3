package rules_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"armor/rules"
	"armor/rules/logtest"
)

// restart moves the bench's state to a new engine in a snapshot.
func (b *bench) restart() {
	b.t.Helper()
	var buf bytes.Buffer
	if err := b.state.Snapshot(&buf); err != nil {
		b.t.Fatal(err)
	}
	b.state = rules.NewMemoryState(rules.StateLimits{})
	if err := b.state.Restore(&buf); err != nil {
		b.t.Fatal(err)
	}
	b.engine = rules.NewEngine(b.engine.Ruleset(), rules.EngineOptions{State: b.state, Now: func() time.Time { return b.now }})
}

// A window of 60 s reaches 60 s back and not 61, whole seconds; the default is 360 s.
func TestWindowToTheSecond(t *testing.T) {
	for timeframe, seconds := range map[string]int{`timeframe="1"`: 1, `timeframe="60"`: 60, "": 360, `timeframe="99999"`: 99999} {
		for late, want := range map[int]string{0: "101", 1: "100"} {
			b := newBench(t, loginRule+`<rule id="101" level="10" frequency="2" `+timeframe+`><if_matched_sid>100</if_matched_sid><description>many</description></rule>`)
			b.expect(b.repeat(1, time.Duration(seconds+late)*time.Second), "100")
			b.expect(b.repeat(1, 0), want)
		}
	}
}

// same_* and different_* look at events of the same agent only, unless global_frequency opens the rule to all.
func TestSameAndDifferentAcrossAgents(t *testing.T) {
	for _, c := range []struct{ elements, events, want string }{
		{"<same_srcip />", "001 a 1, 002 b 1, 001 c 1, 002 d 1, 001 e 1, 001 f 1", "100 100 100 100 100 101"},
		{"<same_srcip /><global_frequency />", "001 a 1, 002 b 1, 003 c 1, 004 d 1", "100 100 100 101"},
		{"<different_srcip />", "001 a 1, 002 b 2, 001 c 3, 001 d 4, 001 e 5", "100 100 100 100 101"},
		{"<different_srcip /><global_frequency />", "001 a 1, 002 b 2, 003 c 3, 002 d 4", "100 100 100 101"},
		{"<same_user /><different_srcip /><global_frequency />", "001 a 1, 002 a 2, 003 b 3, 004 a 3, 005 a 4", "100 100 100 100 101"},
		{"<same_location /><global_frequency />", "001 a 1, 002 a 1, 001 a 1, 001 a 1, 001 a 1", "100 100 100 100 101"},
		{"<not_same_source_ip />", "001 a 1, 001 b 2, 001 c 3, 001 d 4", "100 100 100 101"},
	} {
		b := newBench(t, loginRule+fmt.Sprintf(fourLogin, c.elements))
		var got []string
		for e := range strings.SplitSeq(c.events, ", ") {
			f := strings.Fields(e)
			got = append(got, b.login(f[0], f[1], f[2], "ssh"))
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.elements, s, c.want)
		}
	}
}

// What was seen, masked, compared, ignored and counted is so after a restart too.
func TestRestartForgetsNothing(t *testing.T) {
	b := newBench(t, loginRule+`<rule id="101" level="4"><if_sid>100</if_sid><if_fts /><description>first</description></rule>`)
	b.expect(b.login("000", "root", "1", "x"), "101")
	b.restart()
	b.expect(b.login("000", "root", "2", "x"), "100")
	b.expect(b.login("000", "bob", "2", "x"), "101")

	b = newBench(t, `<rule id="100" level="0"><match>login</match><description>login</description></rule>
<rule id="101" level="7"><if_sid>100</if_sid><check_diff /><description>changed</description></rule>`)
	b.expect(b.login("000", "a", "1", "x"), "-100")
	b.restart()
	b.expect(b.login("000", "a", "1", "x")+" "+b.login("000", "b", "1", "x"), "-100 101")

	b = newBench(t, `<rule id="100" level="3"><match>login</match><check_if_ignored>srcip, door</check_if_ignored><description>login</description></rule>
<rule id="101" level="7"><if_sid>100</if_sid><match>root</match><ignore>srcip, door</ignore><description>root</description></rule>`)
	b.expect(b.login("000", "root", "1", "x"), "101")
	b.restart()
	b.expect(b.login("000", "bob", "1", "x")+" "+b.login("000", "bob", "1", "y"), "none 100")

	b = newBench(t, loginRule+`<rule id="101" level="7" ignore="60"><if_sid>100</if_sid><match>root</match><description>root</description></rule>`)
	b.expect(b.repeat(1, 59*time.Second), "101")
	b.restart()
	b.expect(b.repeat(2, time.Second), "100<101 101")

	v := b.engine.Evaluate(&rules.Event{Log: "Nov 23 12:00:00 host app[1]: login bob from 1 via x"})
	b.restart()
	w := b.engine.Evaluate(&rules.Event{Log: "Nov 23 12:00:00 host app[1]: login bob from 1 via x"})
	if v.FiredTimes+1 != w.FiredTimes {
		t.Errorf("fired %d times, and after the restart %d", v.FiredTimes, w.FiredTimes)
	}
}

// The daemon alerts the parent of an ignored rule; logtest shows no alert at all.
func TestIgnoreInLogtest(t *testing.T) {
	b := newBench(t, loginRule+`<rule id="101" level="7" ignore="60"><if_sid>100</if_sid><match>root</match><description>root</description></rule>`)
	s := logtest.NewSession(b.engine, logtest.Options{})
	const line = "Nov 23 12:00:00 host app[1]: login root from 1 via x"
	for i, want := range []bool{true, false} {
		r := s.Test(line)
		if got := strings.Contains(string(r.JSON()), `"alert":true`); got != want {
			t.Errorf("event %d: %s", i+1, r.JSON())
		}
	}
	b.expect(b.repeat(1, 0), "100<101")
}

func TestMatchedRegex(t *testing.T) {
	b := newBench(t, loginRule+`<rule id="101" level="10" frequency="3" timeframe="60"><if_sid>100</if_sid><if_matched_regex>login \w+ from 1</if_matched_regex><description>many</description></rule>`)
	var got []string
	for _, ip := range []string{"1", "2", "1", "2", "1"} {
		got = append(got, b.login("000", "root", ip, "x"))
	}
	// Two earlier events that match, whatever this one is.
	b.expect(strings.Join(got, " "), "100 100 100 101 100")
	b.now = b.now.Add(61 * time.Second)
	b.expect(b.repeat(1, 0), "100")
}

// Events of a decoder type of its own do not count for if_matched_regex of another; those of agents neither.
func TestMatchedRegexOfOneAgent(t *testing.T) {
	b := newBench(t, loginRule+`<rule id="101" level="10" frequency="3" timeframe="60"><if_sid>100</if_sid><if_matched_regex>login</if_matched_regex><description>many</description></rule>`)
	var got []string
	for i := range 6 {
		got = append(got, b.login(fmt.Sprintf("00%d", 1+i%2), "root", "1", "x"))
	}
	b.expect(strings.Join(got, " "), "100 100 100 100 101 100")
}

// Time and weekday are those of the engine's clock, in the clock's zone; spans run over midnight, ends included.
func TestTimeAndWeekdayOverMidnightAndZones(t *testing.T) {
	zone := func(name string, offset int) *time.Location { return time.FixedZone(name, offset*3600) }
	at := func(s string, loc *time.Location) time.Time {
		tm, err := time.ParseInLocation("2006-01-02 15:04:05", s, loc)
		if err != nil {
			t.Fatal(err)
		}
		return tm
	}
	tokyo, lima := zone("tokyo", 9), zone("lima", -5)
	for _, c := range []struct {
		condition string
		now       time.Time
		want      string
	}{
		{"<time>22:00 - 02:00</time>", at("2026-11-23 21:59:59", time.UTC), "100"},
		{"<time>22:00 - 02:00</time>", at("2026-11-23 22:00:00", time.UTC), "101"},
		{"<time>22:00 - 02:00</time>", at("2026-11-23 23:59:59", time.UTC), "101"},
		{"<time>22:00 - 02:00</time>", at("2026-11-24 00:00:00", time.UTC), "101"},
		{"<time>22:00 - 02:00</time>", at("2026-11-24 02:00:59", time.UTC), "101"},
		{"<time>22:00 - 02:00</time>", at("2026-11-24 02:01:00", time.UTC), "100"},
		{"<time>!22:00 - 02:00</time>", at("2026-11-24 00:00:00", time.UTC), "100"},
		{"<time>!22:00 - 02:00</time>", at("2026-11-24 12:00:00", time.UTC), "101"},
		{"<time>12 am - 1 am</time>", at("2026-11-24 00:30:00", time.UTC), "101"},
		{"<time>12 pm - 1 pm</time>", at("2026-11-24 00:30:00", time.UTC), "100"},
		{"<time>9:00 - 17:00</time>", at("2026-11-23 02:00:00", time.UTC).In(tokyo), "101"},
		{"<time>9:00 - 17:00</time>", at("2026-11-23 02:00:00", time.UTC), "100"},
		{"<weekday>monday</weekday>", at("2026-11-22 23:59:59", time.UTC), "100"},
		{"<weekday>monday</weekday>", at("2026-11-23 00:00:00", time.UTC), "101"},
		{"<weekday>monday</weekday>", at("2026-11-22 23:59:59", time.UTC).In(tokyo), "101"},
		{"<weekday>monday</weekday>", at("2026-11-23 00:00:00", time.UTC).In(lima), "100"},
		{"<weekday>!weekends</weekday>", at("2026-11-28 12:00:00", time.UTC), "100"},
		{"<weekday>weekdays</weekday>", at("2026-11-27 23:59:59", time.UTC), "101"},
		{"<weekday>saturday, sunday</weekday><time>23:00 - 01:00</time>", at("2026-11-29 00:30:00", time.UTC), "101"},
		{"<weekday>saturday</weekday><time>23:00 - 01:00</time>", at("2026-11-29 00:30:00", time.UTC), "100"},
	} {
		b := newBench(t, loginRule+`<rule id="101" level="5"><if_sid>100</if_sid>`+c.condition+`<description>then</description></rule>`)
		b.now = c.now
		if got := b.login("000", "root", "1", "x"); got != c.want {
			t.Errorf("%s at %s: rule %s, expected %s", c.condition, c.now.Format(time.RFC1123Z), got, c.want)
		}
	}
}

// accumulate carries fields to the next events of the same host, decoder and id, for 120 s after the last, over a
// restart too.
func TestAccumulate(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	rs := mustLoad(t, rules.Options{Strict: true}, "decoders/m.xml", `<decoder name="mail"><program_name>^mail$</program_name></decoder>
<decoder name="mail-from"><parent>mail</parent><prematch>^from </prematch><regex offset="after_prematch">^(\S+) id (\S+)</regex><order>srcip, id</order><accumulate /></decoder>
<decoder name="mail-user"><parent>mail</parent><prematch>^user </prematch><regex offset="after_prematch">^(\S+) id (\S+)</regex><order>dstuser, id</order><accumulate /></decoder>`,
		"rules/m.xml", oneRule)
	state := rules.NewMemoryState(rules.StateLimits{})
	engine := rules.NewEngine(rs, rules.EngineOptions{State: state, Now: func() time.Time { return now }})
	send := func(host, log string) string {
		v := engine.Evaluate(&rules.Event{Log: "Nov 23 12:00:00 " + host + " mail[1]: " + log})
		ip, _ := v.Field("srcip")
		user, _ := v.Field("dstuser")
		return ip + "/" + user
	}
	expect := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s, expected %s", got, want)
		}
	}
	expect(send("h", "from 1.2.3.4 id A"), "1.2.3.4/")
	expect(send("h", "user root id A"), "1.2.3.4/root")
	expect(send("h", "user root id B"), "/root")
	expect(send("other", "user root id A"), "/root")
	now = now.Add(120 * time.Second)
	expect(send("h", "user bob id A"), "1.2.3.4/root") // what is remembered has precedence, as in the reference
	var b bytes.Buffer
	if err := state.Snapshot(&b); err != nil {
		t.Fatal(err)
	}
	state = rules.NewMemoryState(rules.StateLimits{})
	if err := state.Restore(&b); err != nil {
		t.Fatal(err)
	}
	engine = rules.NewEngine(rs, rules.EngineOptions{State: state, Now: func() time.Time { return now }})
	now = now.Add(120 * time.Second)
	expect(send("h", "user bob id A"), "1.2.3.4/root")
	now = now.Add(121 * time.Second)
	expect(send("h", "user bob id A"), "/bob")
	if n := state.Stats().Accumulated; n != 1 {
		t.Errorf("%d ids are kept; those past their time should be gone", n)
	}
}

// OSSEC's own elements and its frequency, which is two events more.
func TestOSSECDialect(t *testing.T) {
	for frequency, want := range map[int]string{1: "100 100 101 100", 2: "100 100 100 101 100"} {
		rs := mustLoad(t, rules.Options{Dialect: rules.OSSEC}, "decoders/app.xml",
			`<decoder name="app"><program_name_pcre2>^app$</program_name_pcre2><prematch_pcre2>^login\s</prematch_pcre2>
<regex_pcre2 offset="after_prematch">^(\w+) from ([0-9a-f.:]+)</regex_pcre2><order>user, srcip</order></decoder>`, "rules/app.xml",
			`<group name="app,"><rule id="100" level="3"><match_pcre2>^log(?:in|out)</match_pcre2><regex_pcre2>from (?!127\.)</regex_pcre2><user_pcre2>^(?i)ROOT$</user_pcre2><description>login</description></rule>
<rule id="101" level="10" frequency="`+fmt.Sprint(frequency)+`" timeframe="60"><if_matched_sid>100</if_matched_sid><same_source_ip /><description>many</description></rule></group>`)
		b := &bench{t: t, now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
		b.engine = rules.NewEngine(rs, rules.EngineOptions{Now: func() time.Time { return b.now }})
		b.expect(b.repeat(len(strings.Fields(want)), time.Second), want)
		b.expect(b.login("000", "root", "127.0.0.1", "x")+" "+b.login("000", "bob", "10.0.0.1", "x"), "none none")
	}
}

// A replay sees the memory and changes nothing of it: no window, key, mask, text, period, counter or carried field.
func TestReplayChangesNothing(t *testing.T) {
	b := newBench(t, loginRule+`<rule id="101" level="4" ignore="30"><if_sid>100</if_sid><match>root</match><if_fts /><description>first</description></rule>
<rule id="102" level="4"><if_sid>100</if_sid><match>bob</match><check_diff /><ignore>srcip</ignore><description>diff</description></rule>
<rule id="103" level="9" frequency="2" timeframe="60"><if_matched_sid>100</if_matched_sid><description>two</description></rule>`)
	for _, user := range []string{"root", "bob", "eve", "bob"} {
		b.login("000", user, "1", "x")
	}
	var before, after bytes.Buffer
	if err := b.state.Snapshot(&before); err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"root", "bob", "eve", "zoe"} {
		b.engine.Evaluate(&rules.Event{Replay: true, Log: "Nov 23 12:00:00 host app[1]: login " + user + " from 9 via z"})
	}
	if err := b.state.Snapshot(&after); err != nil {
		t.Fatal(err)
	}
	// The first section holds the time of the snapshot.
	const head = 12 + 5 + 40
	if !bytes.Equal(before.Bytes()[head:], after.Bytes()[head:]) {
		t.Errorf("a replay changed the memory:\n%q\n%q", before.Bytes()[head:], after.Bytes()[head:])
	}
}
