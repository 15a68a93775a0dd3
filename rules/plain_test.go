package rules_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"armor/rules"
)

// walker evaluates events in one of the ways that must agree.
type walker struct {
	engine *rules.Engine
	x      *rules.Evaluation
	trace  bool
}

func (w *walker) evaluate(ev *rules.Event) *rules.Verdict {
	if w.trace {
		v, _ := w.engine.Trace(ev, w.x)
		return v
	}
	w.engine.Decode(ev, w.x)
	return w.engine.Match(w.x)
}

// outcome is everything that a verdict says.
func outcome(v *rules.Verdict) string {
	var b strings.Builder
	id := func(r *rules.Rule) int {
		if r == nil {
			return 0
		}
		return r.ID
	}
	fmt.Fprintf(&b, "rule %d alert %v suppressed by %d fired %d %q\n", id(v.Rule), v.Alert, id(v.SuppressedBy), v.FiredTimes, v.Description)
	fmt.Fprintf(&b, "decoder %q %q %q %v header %q %q %q\n", v.Decoder, v.DecoderParent, v.FTSComment, v.Accumulated, v.Timestamp, v.Hostname, v.ProgramName)
	fmt.Fprintf(&b, "previous %q\ndata %s\n", v.PreviousOutput, v.AppendData(nil))
	return b.String()
}

// remembered is a snapshot of a state without its head, which holds the time.
func remembered(t *testing.T, s rules.State) []byte {
	t.Helper()
	var snapshot bytes.Buffer
	if err := s.Snapshot(&snapshot); err != nil {
		t.Fatal(err)
	}
	const prefix, section, head = len("ARMORSTATE") + 2, 5, 1
	rest, out := snapshot.Bytes()[prefix:], []byte(nil)
	for len(rest) > section {
		end := section + int(binary.LittleEndian.Uint32(rest[1:])) + 4
		if rest[0] != head {
			out = append(out, rest[:end]...)
		}
		rest = rest[end:]
	}
	return out
}

// mutateLine changes a line: bytes, its end, what is joined to it. Most results are still decoded.
func mutateLine(r *rand.Rand, lines []golden) string {
	line := []byte(lines[r.IntN(len(lines))].Log)
	if len(line) == 0 {
		return ""
	}
	switch r.IntN(6) {
	case 0:
		line[r.IntN(len(line))] = byte(r.IntN(256))
	case 1:
		line[r.IntN(len(line))] ^= 1 << r.IntN(8)
	case 2:
		line = line[:r.IntN(len(line))]
	case 3:
		from := r.IntN(len(line))
		line = append(line[:from:from], line[from+r.IntN(len(line)-from):]...)
	case 4:
		other := lines[r.IntN(len(lines))].Log
		line = append(line[:r.IntN(len(line)):len(line)], other[r.IntN(len(other)+1):]...)
	case 5:
		line = append(append(line, ' '), lines[r.IntN(len(lines))].Log...)
	}
	return string(line)
}

// TestPlainAndTracedAreFast: the walk without shortcuts and the traced walk give the verdict of the fast one, field by
// field, and leave the same state behind, over the whole reference ruleset.
func TestPlainAndTracedAreFast(t *testing.T) {
	rs := loadReference(t)
	lines := readGolden(t)
	now := time.Unix(1_700_000_000, 0)
	clock := func() time.Time { return now }
	names := []string{"fast", "plain", "traced"}
	var walkers []*walker
	for _, name := range names {
		e := rules.NewEngine(rs, rules.EngineOptions{Now: clock, Plain: name == "plain"})
		walkers = append(walkers, &walker{engine: e, x: e.NewEvaluation(), trace: name == "traced"})
	}
	ran, matched := 0, 0
	try := func(ev rules.Event) {
		t.Helper()
		want := ""
		for i, w := range walkers {
			v := w.evaluate(&ev)
			got := outcome(v)
			if i == 0 {
				want = got
				if v.Rule != nil {
					matched++
				}
			} else if got != want {
				t.Fatalf("event %d, %+v: %s\n%s", ran, ev, names[i], cmp.Diff(want, got))
			}
		}
		ran++
		if ran%2000 == 0 {
			same(t, names, walkers)
		}
	}
	for i := range lines {
		now = now.Add(time.Second)
		try(rules.Event{Log: lines[i].Log})
	}
	mutations := 12_000
	if testing.Short() {
		mutations = 1000
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range mutations {
		ev := rules.Event{Log: mutateLine(r, lines), Location: "/var/log/x", Replay: r.IntN(50) == 0}
		if r.IntN(3) == 0 {
			ev.AgentID = fmt.Sprint("00", 1+r.IntN(3))
			ev.AgentName = "agent-" + ev.AgentID
		}
		times := 1
		if r.IntN(8) == 0 { // for correlation
			ev.Log = lines[r.IntN(len(lines))].Log
			times = 2 + r.IntN(14)
		}
		for range times {
			now = now.Add(time.Duration(r.IntN(4)) * time.Second)
			try(ev)
		}
		if r.IntN(200) == 0 {
			now = now.Add(time.Hour)
		}
	}
	same(t, names, walkers)
	t.Logf("%d events, %d of them ended in a rule", ran, matched)
	if matched < ran/2 {
		t.Error("too few of them say anything")
	}
}

func same(t *testing.T, names []string, walkers []*walker) {
	t.Helper()
	want := remembered(t, walkers[0].engine.State())
	for i, w := range walkers[1:] {
		if !bytes.Equal(want, remembered(t, w.engine.State())) {
			a, _ := json.Marshal(walkers[0].engine.State().Stats())
			b, _ := json.Marshal(w.engine.State().Stats())
			t.Fatalf("%s leaves another state behind:\n%s\n%s", names[i+1], a, b)
		}
	}
}

// TestTextsThatAreNotThere: rules that need a text which the event lacks are left out, but not one that would have
// remembered something before it failed, nor one that only may look at it.
func TestTextsThatAreNotThere(t *testing.T) {
	body := `<rule id="100" level="3"><decoded_as>app</decoded_as><description>all</description></rule>
<rule id="109" level="9"><if_sid>100</if_sid><if_fts /><list field="srcip" lookup="match_key">etc/lists/mine</list><description>seen, then listed</description></rule>
<rule id="108" level="8"><if_sid>100</if_sid><if_fts /><description>seen</description></rule>
<rule id="107" level="7"><if_sid>100</if_sid><srcip>!10.0.0.9</srcip><match>negated</match><description>address</description></rule>
<rule id="106" level="6"><if_sid>100</if_sid><user>bob</user><match>neg</match><description>user</description></rule>
<rule id="105" level="5"><if_sid>100</if_sid><field name="door" negate="yes">ssh</field><description>door</description></rule>
<rule id="104" level="4"><if_sid>100</if_sid><list field="user" lookup="match_key">etc/lists/mine</list><match>listed</match><description>user in list</description></rule>`
	for i := range 70 { // more than one word of bits, of texts of every kind
		field := []string{`<field name="door">gate%d</field>`, `<program_name>^prog%d</program_name>`, `<hostname>host%d</hostname>`, `<match>word%d</match>`, `<url>url%d</url>`}[i%5]
		body += fmt.Sprintf(`<rule id="%d" level="3"><if_sid>100</if_sid>`+field+`<description>other</description></rule>`, 200+i, i)
	}
	rs := mustLoad(t, rules.Options{}, "decoders/d.xml", `<decoder name="app"><prematch>^app </prematch></decoder>
<decoder name="app-full"><parent>app</parent><prematch>^app from </prematch><regex>from (\S+) ip (\S+) door (\S+)</regex><order>srcuser, srcip, door</order><fts>name, srcuser</fts></decoder>
<decoder name="app-user"><parent>app</parent><prematch>^app user </prematch><regex>user (\S+)</regex><order>dstuser</order><fts>name, dstuser</fts></decoder>`,
		"lists/mine", "10.0.0.1:\nbob:\n", "rules/r.xml", group(body))
	var walkers []*walker
	for _, plain := range []bool{false, true} {
		e := rules.NewEngine(rs, rules.EngineOptions{Plain: plain})
		walkers = append(walkers, &walker{engine: e, x: e.NewEvaluation()})
	}
	ended := map[int]bool{}
	for _, user := range []string{"bob", "eve", "", "\x00\xff"} {
		for _, log := range []string{"app", "app ", "app user " + user, "app user " + user + " negated", "app user " + user + " listed", "app word3 word13 word68", "app from new" + user + " ip 10.0.0.1 door ssh",
			"app from " + user + " ip 10.0.0.1 door ssh", "app from " + user + " ip 10.0.0.2 door gate65 negated", "app from " + user + " ip 10.0.0.9 door gate0", "app from " + user + " ip  door x user listed"} {
			for _, head := range []string{"", "Nov 23 12:00:00 host17 ", "Nov 23 12:00:00 h prog66: "} {
				ev := rules.Event{Log: head + log}
				want := ""
				for i, w := range walkers {
					v := w.evaluate(&ev)
					if v.Rule != nil {
						ended[v.Rule.ID] = true
					}
					if got := outcome(v); i == 0 {
						want = got
					} else if got != want {
						t.Fatalf("%q (-fast +plain):\n%s", ev.Log, cmp.Diff(want, got))
					}
				}
			}
		}
	}
	same(t, []string{"fast", "plain"}, walkers)
	for _, id := range []int{100, 104, 105, 106, 107, 109, 203, 217} {
		if !ended[id] {
			t.Errorf("no event ended in rule %d: %v", id, ended)
		}
	}
}
