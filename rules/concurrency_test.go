package rules_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"armor/rules"
)

// What happens often enough in crowdEvents that a firing that two agents both miss, or both take, is seen.
const (
	crowdKinds  = 4
	crowdAgents = 8
	crowdRounds = 600
)

// crowd has a rule that counts the events of all agents, for each kind of event; all events of a kind are alike, so that
// the order in which agents come does not matter. One more kind is first seen once a name, another begins an ignore period.
func crowd() string {
	body := `<rule id="100" level="0"><decoded_as>app</decoded_as><description>login</description></rule>
<rule id="120" level="4"><if_sid>100</if_sid><match>login new</match><if_fts /><description>new</description></rule>
<rule id="121" level="4" ignore="3600"><if_sid>100</if_sid><match>login quiet</match><description>quiet $(srcip)</description></rule>`
	for k := range crowdKinds {
		body += fmt.Sprintf(`<rule id="%d" level="3"><if_sid>100</if_sid><match>login kind%d</match><description>login</description></rule>
<rule id="%d" level="10" frequency="%d" timeframe="60"><if_matched_sid>%d</if_matched_sid><global_frequency /><same_srcip /><description>many</description></rule>`,
			200+k, k, 300+k, 2+k, 200+k)
	}
	return body
}

// crowdEvents are those of one agent.
func crowdEvents(agent int) (list []rules.Event) {
	for i := range crowdRounds {
		user := fmt.Sprint("kind", (i+agent)%crowdKinds)
		switch i % 10 {
		case 3:
			user = fmt.Sprint("new", i)
		case 7:
			user = "quiet"
		}
		list = append(list, rules.Event{
			AgentID: fmt.Sprintf("%03d", agent+1), AgentName: "a", Location: "/var/log/app",
			Log: "Nov 23 12:00:00 host app[1]: login " + user + " from 10.0.0.1 via ssh",
		})
	}
	return list
}

// crowdCount counts what agents' events end in.
type crowdCount struct {
	Rules, Suppressed map[int]int
	Counters          map[int][]uint64 // firing counters as they were given
}

func (c *crowdCount) add(v *rules.Verdict) {
	if v.Rule == nil {
		return
	}
	if v.SuppressedBy != nil {
		c.Suppressed[v.SuppressedBy.ID]++
		return
	}
	c.Rules[v.Rule.ID]++
	c.Counters[v.Rule.ID] = append(c.Counters[v.Rule.ID], v.FiredTimes)
}

func (c *crowdCount) join(o crowdCount) {
	for id, n := range o.Rules {
		c.Rules[id] += n
		c.Counters[id] = append(c.Counters[id], o.Counters[id]...)
	}
	for id, n := range o.Suppressed {
		c.Suppressed[id] += n
	}
}

func newCrowdCount() crowdCount {
	return crowdCount{map[int]int{}, map[int]int{}, map[int][]uint64{}}
}

// TestManyAgentsAtOnceCountAsOneAfterTheOther: whatever goroutines do at once, each event sees and changes the memory as a
// whole: rules over all agents fire as often as if the agents had come one after the other, and no counter is given twice.
func TestManyAgentsAtOnceCountAsOneAfterTheOther(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	rs := mustLoad(t, rules.Options{Strict: true}, "decoders/app.xml", loginDecoder, "rules/app.xml", `<group name="app,">`+crowd()+`</group>`)
	newEngine := func() *rules.Engine {
		return rules.NewEngine(rs, rules.EngineOptions{Now: func() time.Time { return now }})
	}
	run := func(engine *rules.Engine, agent int) crowdCount {
		count, x := newCrowdCount(), engine.NewEvaluation()
		for _, ev := range crowdEvents(agent) {
			engine.Decode(&ev, x)
			count.add(engine.Match(x))
		}
		return count
	}
	serial := newCrowdCount()
	engine := newEngine()
	for agent := range crowdAgents {
		serial.join(run(engine, agent))
	}
	if serial.Rules[300] == 0 || serial.Rules[120] == 0 || serial.Rules[121] != 1 || serial.Suppressed[121] == 0 {
		t.Fatalf("the events do not do what they are made for: %+v", serial.Rules)
	}

	engine = newEngine()
	counts := make([]crowdCount, crowdAgents)
	var agents, watcher sync.WaitGroup
	for agent := range crowdAgents {
		agents.Go(func() { counts[agent] = run(engine, agent) })
	}
	over := make(chan struct{})
	watcher.Go(func() { // snapshots meanwhile are readable and hold no event twice
		for {
			var snapshot bytes.Buffer
			if err := engine.State().Snapshot(&snapshot); err != nil {
				t.Error(err)
			}
			if err := rules.NewMemoryState(rules.StateLimits{}).Restore(&snapshot); err != nil {
				t.Error(err)
			}
			engine.State().Stats()
			select {
			case <-over:
				return
			default:
			}
		}
	})
	agents.Wait()
	close(over)
	watcher.Wait()
	together := newCrowdCount()
	for _, c := range counts {
		together.join(c)
	}
	if diff := cmp.Diff(serial.Rules, together.Rules); diff != "" {
		t.Errorf("rules fired (-one after the other +at once):\n%s", diff)
	}
	if diff := cmp.Diff(serial.Suppressed, together.Suppressed); diff != "" {
		t.Errorf("rules suppressed (-one after the other +at once):\n%s", diff)
	}
	for _, id := range slices.Sorted(maps.Keys(together.Counters)) {
		given := slices.Sorted(slices.Values(together.Counters[id]))
		for i, n := range given {
			if n != uint64(i+1) {
				t.Errorf("rule %d: firing counter %d was given in place of %d", id, n, i+1)
				break
			}
		}
	}
}

// TestManyEventsAtOnceShareWhatIsKnownOfKeys: events that are decoded on several goroutines, a chunk of them before the
// first is looked at, keep names and values of their own, although keys never seen before come all the time and what is
// kept of keys is forgotten now and then.
func TestManyEventsAtOnceShareWhatIsKnownOfKeys(t *testing.T) {
	const goroutines, chunks, events = 8, 100, 16
	rs := mustLoad(t, rules.Options{Strict: true}, "decoders/d.xml",
		`<decoder name="json"><prematch>^{</prematch><plugin_decoder>JSON_Decoder</plugin_decoder></decoder>`)
	engine := rules.NewEngine(rs, rules.EngineOptions{})
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			chunk := make([]*rules.Evaluation, events)
			for i := range chunk {
				chunk[i] = engine.NewEvaluation()
			}
			for c := range chunks {
				logs := make([]string, events)
				for i, x := range chunk {
					logs[i] = fmt.Sprintf(`{"common":{"own%d-%d-%d":"a\u0062c","b":%d}}`, g, c, i, i)
					engine.Decode(&rules.Event{Log: logs[i]}, x)
				}
				for i, x := range chunk {
					want := strings.Replace(logs[i], `\u0062`, "b", 1)
					want = strings.Replace(want, fmt.Sprintf(`"b":%d`, i), fmt.Sprintf(`"b":"%d"`, i), 1)
					if got := string(engine.Match(x).AppendData(nil)); got != want {
						t.Errorf("got %s, want %s", got, want)
						return
					}
				}
			}
		})
	}
	all.Wait()
}
