package rules_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"armor/rules"
)

// told is all of a verdict that depends on what came before.
func told(v *rules.Verdict) string {
	var id, suppressed int
	if v.Rule != nil {
		id = v.Rule.ID
	}
	if v.SuppressedBy != nil {
		suppressed = v.SuppressedBy.ID
	}
	return fmt.Sprint(id, suppressed, v.Alert, v.FiredTimes, v.Description, v.PreviousOutput, string(v.AppendData(nil)))
}

// mutate changes some digits of a line, so that addresses, ids and ports differ and now and then agree.
func mutate(r *rand.Rand, line string) string {
	b := []byte(line)
	for range r.IntN(2) {
		if i := r.IntN(len(b) + 1); i < len(b) && b[i] >= '0' && b[i] <= '9' {
			b[i] = '0' + byte(r.IntN(3))
		}
	}
	return string(b)
}

// TestSnapshotGoesOnAsIfNothingHappened: a stream of events gives the same verdicts whether or not its state moves to
// another engine in a snapshot, again and again.
func TestSnapshotGoesOnAsIfNothingHappened(t *testing.T) {
	rs := loadReference(t)
	lines := readGolden(t)
	for seed := range uint64(2) {
		r := rand.New(rand.NewPCG(seed, 11))
		now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
		clock := func() time.Time { return now }
		begin := func() *rules.Engine { return rules.NewEngine(rs, rules.EngineOptions{Now: clock}) }
		whole, parts := begin(), begin()
		correlated, moves, at := 0, 0, 0
		const events = 6000
		for i := range events {
			if i == events/2 || r.IntN(1000) == 0 {
				var b bytes.Buffer
				if err := parts.State().Snapshot(&b); err != nil {
					t.Fatal(err)
				}
				parts = begin()
				if err := parts.State().Restore(&b); err != nil {
					t.Fatal(err)
				}
				moves++
			}
			now = now.Add(time.Duration(r.IntN(1000)) * time.Millisecond)
			if i%20 == 0 { // each line some times in a row, so that windows fill
				at = r.IntN(len(lines))
			}
			ev := rules.Event{AgentID: []string{"000", "001", "002"}[r.IntN(14)/6], Location: "/var/log/x", Log: mutate(r, lines[at].Log)}
			got, want := parts.Evaluate(&ev), whole.Evaluate(&ev)
			if told(got) != told(want) {
				t.Fatalf("seed %d, event %d: %s\ngot  %s\nwant %s", seed, i, ev.Log, told(got), told(want))
			}
			if want.Rule != nil && want.Rule.Frequency > 0 {
				correlated++
			}
		}
		t.Logf("seed %d: %d events, %d snapshots, %d correlations", seed, events, moves, correlated)
		if correlated < 25 {
			t.Errorf("only %d correlations: the test tests little", correlated)
		}
	}
}

// other is a rule that has nothing to do with logins.
const other = `<rule id="99" level="1"><match>nothing</match><description>%s</description></rule>`

// TestReloadKeepsWhatDidNotChange: with a window half filled, a rule is changed and the ruleset loaded again, in the
// same process or over a snapshot.
func TestReloadKeepsWhatDidNotChange(t *testing.T) {
	parent := `<rule id="98" level="0"><match>%s</match><description>app</description></rule>`
	under := `<rule id="100" level="3"><if_sid>98</if_sid><match>login</match><description>%s</description></rule>`
	many := `<rule id="101" level="10" frequency="4" timeframe="60"><if_matched_sid>100</if_matched_sid><description>%s</description></rule>`
	second := `<rule id="102" level="9" frequency="4" timeframe="60"><if_matched_sid>100</if_matched_sid><description>%s</description></rule>`
	body := func(o, p, u, m, s string) string {
		return fmt.Sprintf(other+parent+under+many+second, o, p, u, m, s)
	}
	base := body("o", "login", "u", "m", "s")
	for name, c := range map[string]struct{ body, want string }{
		"nothing":                  {base, "101 100 100 100 101"},
		"another rule":             {body("O", "login", "u", "m", "s"), "101 100 100 100 101"},
		"a comment":                {strings.Replace(base, `<rule id="100"`, `<!-- about logins --> <rule id="100"`, 1), "101 100 100 100 101"},
		"the rule itself":          {body("o", "login", "u", "M", "s"), "102 100 100 100 101"},
		"the rule that is counted": {body("o", "login", "U", "m", "s"), "100 100 100 101 100"},
		"its parent":               {body("o", "login root", "u", "m", "s"), "100 100 100 101 100"},
	} {
		for _, restart := range []bool{false, true} {
			b := newBench(t, base)
			b.expect(b.repeat(3, time.Second), "100 100 100")
			rs := mustLoad(t, rules.Options{}, "decoders/app.xml", loginDecoder, "rules/app.xml", `<group name="app,">`+c.body+`</group>`)
			if restart {
				var buf bytes.Buffer
				if err := b.state.Snapshot(&buf); err != nil {
					t.Fatal(err)
				}
				b.state = rules.NewMemoryState(rules.StateLimits{})
				if err := b.state.Restore(&buf); err != nil {
					t.Fatal(err)
				}
			}
			b.engine = rules.NewEngine(rs, rules.EngineOptions{State: b.state, Now: func() time.Time { return b.now }})
			if got := b.repeat(5, time.Second); got != c.want {
				t.Errorf("%s changed, restart %v:\ngot  %s\nwant %s", name, restart, got, c.want)
			}
			left := b.state.Stats().Restored.LeftOut
			if changed := strings.Contains(name, "counted") || strings.Contains(name, "parent"); restart && changed != (left.Events == 3) {
				t.Errorf("%s changed: left out %+v", name, left)
			}
		}
	}
}

// A variable that a rule uses is part of its definition.
func TestVariableIsPartOfTheDefinition(t *testing.T) {
	text := func(word string) string {
		return `<var name="W">` + word + `</var><group name="app,"><rule id="100" level="3"><match>$W</match><description>login</description></rule>` + fmt.Sprintf(fourLogin, "") + `</group>`
	}
	for word, want := range map[string]string{"login": "101", "login|x": "100"} {
		b := newBench(t, "")
		for i, w := range []string{"login", word} {
			rs := mustLoad(t, rules.Options{}, "decoders/app.xml", loginDecoder, "rules/app.xml", text(w))
			b.engine = rules.NewEngine(rs, rules.EngineOptions{State: b.state, Now: func() time.Time { return b.now }})
			if i == 0 {
				b.expect(b.repeat(3, time.Second), "100 100 100")
			}
		}
		b.expect(b.repeat(1, 0), want)
	}
}

// Engines of old and new rulesets, snapshots and many goroutines at once.
func TestReloadWhileManyEvaluate(t *testing.T) {
	body := func(text string) string {
		return fmt.Sprintf(other, text) + loginRule + fmt.Sprintf(fourLogin, "<same_srcip />")
	}
	state := rules.NewMemoryState(rules.StateLimits{EventsPerList: 200})
	load := func(text string) *rules.Engine {
		rs := mustLoad(t, rules.Options{}, "decoders/app.xml", loginDecoder, "rules/app.xml", `<group name="app,">`+body(text)+`</group>`)
		return rules.NewEngine(rs, rules.EngineOptions{State: state})
	}
	var mu sync.Mutex
	engine := load("0")
	current := func() *rules.Engine {
		mu.Lock()
		defer mu.Unlock()
		return engine
	}
	const goroutines, each = 8, 400
	fired := make([]int, goroutines)
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for range each {
				v := current().Evaluate(&rules.Event{AgentID: fmt.Sprintf("%03d", g+1), Log: fmt.Sprintf("Nov 23 12:00:00 host app[1]: login root from 10.0.0.%d via ssh", g)})
				if v.Rule != nil && v.Rule.ID == 101 {
					fired[g]++
				}
			}
		})
	}
	for i := range 20 {
		e := load(fmt.Sprint(i))
		mu.Lock()
		engine = e
		mu.Unlock()
		var b bytes.Buffer
		if err := state.Snapshot(&b); err != nil {
			t.Error(err)
		}
		state.Stats()
	}
	wg.Wait()
	for g, n := range fired {
		// One event used up ends the search of the other agents too, so some fire later than on the fourth.
		if n == 0 || n > each/4 {
			t.Errorf("goroutine %d: the rule fired %d times", g, n)
		}
	}
}
