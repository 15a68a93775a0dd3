package manager

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/manager/pipeline"
	armorv1 "armor/proto/armor/v1"
)

// bruteForce is a ruleset that counts logins of a user: the fourth is an alert of its own, and begins anew.
func bruteForce() fs.FS {
	return fstest.MapFS{
		"decoders/login.xml": {Data: []byte(`<decoder name="login"><prematch>^login </prematch></decoder>
<decoder name="login-user"><parent>login</parent><regex>^login (\w+)</regex><order>user</order></decoder>`)},
		"rules/login.xml": {Data: []byte(`<group name="test,">
  <rule id="100001" level="5"><decoded_as>login</decoded_as><description>Login</description></rule>
  <rule id="100002" level="10" frequency="4" timeframe="3600"><if_matched_sid>100001</if_matched_sid><same_user /><description>Logins</description></rule>
</group>`)},
	}
}

func login(n uint64, user string) *armorv1.Event {
	e := event(n, false)
	e.Body = fmt.Appendf(nil, "login %s number %d", user, n)
	return e
}

// logins are events from 1 on; who logs in is random.
func logins(r *rand.Rand, n int) []*armorv1.Event {
	out := make([]*armorv1.Event, n)
	for i := range out {
		out[i] = login(uint64(i+1), []string{"ann", "bob", "eve"}[r.IntN(3)])
	}
	return out
}

// verdicts gives the rule of each event's alert, and checks that there is one alert for each.
func (r *rig) verdicts() map[uint64]uint32 {
	r.t.Helper()
	out := map[uint64]uint32{}
	for _, a := range r.stored() {
		if _, twice := out[a.GetSequence()]; twice {
			r.t.Errorf("event %d has two alerts", a.GetSequence())
		}
		out[a.GetSequence()] = a.GetRule().GetId()
	}
	return out
}

func hello(spool string, first, last uint64) *armorv1.Hello {
	return &armorv1.Hello{AgentId: "001", AgentName: "web-1", SpoolId: spool, FirstSequence: first, LastSequence: last}
}

func hourly(c *Config) { c.State.SnapshotInterval = time.Hour }

// uninterrupted is what one manager that never ends says.
func uninterrupted(t *testing.T, all []*armorv1.Event) map[uint64]uint32 {
	t.Helper()
	r := newRig(t, rigOptions{ruleset: bruteForce()})
	l := r.hello(hello("spool", 1, uint64(len(all))))
	l.batch(all...)
	l.receipts(uint64(len(all)))
	return r.verdicts()
}

func TestWindowSurvivesARestart(t *testing.T) {
	for name, between := range map[string]func(t *testing.T, r *rig) *rig{
		"killed": func(_ *testing.T, r *rig) *rig { return r.crashed(rigOptions{ruleset: bruteForce()}) },
		"killed after a snapshot": func(t *testing.T, r *rig) *rig {
			if err := r.manager.journal.Snapshot(within(t), time.Second, r.manager.pipeline.Quiet, r.manager.ruleset.state); err != nil {
				t.Fatal(err)
			}
			next := r.crashed(rigOptions{ruleset: bruteForce()})
			if got := next.manager.journal.Stats().Restored; !got.Snapshot || got.Events != 0 {
				t.Errorf("restored %+v, want the snapshot alone", got)
			}
			return next
		},
		"stopped": func(t *testing.T, r *rig) *rig {
			r.stop()
			next := r.crashed(rigOptions{ruleset: bruteForce()})
			if got := next.manager.journal.Stats().Restored; !got.Snapshot {
				t.Errorf("restored %+v, want a snapshot", got)
			}
			return next
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, rigOptions{ruleset: bruteForce(), config: hourly})
			l := r.hello(hello("spool", 1, 3))
			l.batch(login(1, "eve"), login(2, "eve"), login(3, "eve"))
			l.receipts(3)
			l.cancel()
			r = between(t, r)
			l = r.hello(hello("spool", 0, 3))
			if got := l.welcome.GetLastFinishedSequence(); got != 3 {
				t.Errorf("the new manager says %d is finished, want 3", got)
			}
			l.batch(login(4, "eve"), login(5, "eve"))
			l.receipts(5)
			want := map[uint64]uint32{1: 100001, 2: 100001, 3: 100001, 4: 100002, 5: 100001}
			if diff := cmp.Diff(want, r.verdicts()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Killed at any moment, with batches on their way, and snapshots in between: the verdicts are those of a manager that never ends.
func TestVerdictsAreThoseOfAManagerThatNeverEnds(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			all := logins(random, 300)
			want := uninterrupted(t, all)
			r := newRig(t, rigOptions{ruleset: bruteForce(), config: hourly})
			kills := 0
			for done := uint64(0); done < uint64(len(all)); {
				l := r.hello(hello("spool", done+1, uint64(len(all))))
				done = l.welcome.GetLastFinishedSequence()
				for done < uint64(len(all)) {
					n := min(uint64(1+random.IntN(20)), uint64(len(all))-done)
					l.batch(all[done : done+n]...)
					if kills < 8 && random.IntN(4) == 0 {
						kills++ // with the batch on its way
						break
					}
					done += n
					l.receipts(done)
				}
				if done == uint64(len(all)) {
					break
				}
				l.cancel()
				if random.IntN(2) == 0 {
					_ = r.manager.journal.Snapshot(within(t), time.Second, r.manager.pipeline.Quiet, r.manager.ruleset.state) // it may be busy
				}
				r = r.crashed(rigOptions{ruleset: bruteForce(), config: hourly})
			}
			if diff := cmp.Diff(want, r.verdicts()); diff != "" {
				t.Errorf("after %d kills:\n%s", kills, diff)
			}
			r.conserved()
		})
	}
}

// An agent goes back and forth between two managers, cut off at any moment: each event is finished once.
func TestTwoManagersNeverFinishAnEventTwice(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 1))
	all := logins(random, 2000)
	last := uint64(len(all))
	a := newRig(t, rigOptions{ruleset: bruteForce(), config: func(c *Config) { hourly(c); c.Name = "manager-a" }})
	b := newRig(t, rigOptions{beside: a, ruleset: bruteForce(), config: func(c *Config) { hourly(c); c.Name = "manager-b" }})
	managers := []*rig{a, b}
	for turn, held := 0, uint64(1); ; turn++ {
		l := managers[turn%2].hello(hello("spool", held, last))
		next := l.welcome.GetLastFinishedSequence() + 1
		if next < held {
			t.Fatalf("turn %d: %d is finished, but %d was receipted", turn, next-1, held-1)
		}
		held = next
		for range 1 + random.IntN(4) {
			n := min(uint64(1+random.IntN(60)), last-next+1)
			if n > 0 {
				l.batch(all[next-1 : next-1+n]...)
				next += n
			}
		}
		if next > last {
			l.receipts(last)
			break
		}
		if random.IntN(2) == 0 {
			resp, err := l.stream.Recv()
			if err != nil {
				t.Fatal(err)
			}
			held = resp.GetReceipt().GetSequence() + 1
		}
		l.cancel()
	}
	for _, r := range managers {
		r.conserved()
	}
	records, err := a.stream.Journal(within(t))
	if err != nil {
		t.Fatal(err)
	}
	finished, seen, moves, manager := uint64(0), map[uint64]string{}, 0, ""
	err = records.Each(within(t), 0, func(n uint64, record *armorv1.JournalRecord) error {
		if record.GetFinished() < finished {
			t.Errorf("record %d: finished goes back from %d to %d", n, finished, record.GetFinished())
		}
		for _, e := range record.GetEvents() {
			sequence := e.GetEvent().GetSequence()
			if sequence <= finished || sequence > record.GetFinished() {
				t.Errorf("record %d: event %d stands in the record from %d to %d", n, sequence, finished, record.GetFinished())
			}
			if before := seen[sequence]; before != "" {
				t.Errorf("event %d is finished by %s and by %s", sequence, before, record.GetManager())
			}
			seen[sequence] = record.GetManager()
		}
		if record.GetManager() != manager {
			manager = record.GetManager()
			moves++
		}
		finished = record.GetFinished()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(seen) != len(all) || finished != last || moves < 5 {
		t.Errorf("%d events in the journal, finished %d, %d moves: want %d, %d and at least 5", len(seen), finished, moves, len(all), last)
	}
	if got := a.verdicts(); len(got) != len(all) {
		t.Errorf("%d alerts for %d events", len(got), len(all))
	}
}

// With windows by the events' own times the verdicts do not depend on how events come: in one batch or singly, slowly or fast,
// from one agent or shared out over two, in order or late by less than the lateness, with a restart in between or without.
func TestEventTimeGivesTheSameVerdictsHoweverEventsCome(t *testing.T) {
	byEvent := func(c *Config) {
		hourly(c)
		c.Pipeline.WindowTime, c.Pipeline.Lateness = pipeline.EventTime, 400*time.Millisecond
	}
	random := rand.New(rand.NewPCG(3, 1))
	all := logins(random, 120)
	base := time.Unix(1700000000, 0)
	for i, e := range all { // 3,600 seconds of the rule's window hold about half of them
		at := base.Add(time.Duration(i) * time.Minute)
		e.Time, e.ReadTime = timestamppb.New(at), timestamppb.New(base.Add(1000*time.Hour))
	}
	run := func(t *testing.T, play func(r *rig) *rig) map[string]uint32 {
		t.Helper()
		r := newRig(t, rigOptions{ruleset: globalBruteForce(), config: byEvent})
		r = play(r)
		out := map[string]uint32{}
		for _, a := range r.stored() {
			out[string(a.GetFullLog())] = a.GetRule().GetId()
		}
		r.conserved()
		return out
	}
	want := run(t, func(r *rig) *rig {
		l := r.hello(hello("spool", 1, 120))
		l.batch(all...)
		l.receipts(120)
		return r
	})
	fired := 0
	for _, id := range want {
		if id == 100002 {
			fired++
		}
	}
	if len(want) != 120 || fired < 5 || fired > 25 {
		t.Fatalf("%d alerts, %d of them correlated: the test shows nothing", len(want), fired)
	}
	for name, play := range map[string]func(r *rig) *rig{
		"singly": func(r *rig) *rig {
			l := r.hello(hello("spool", 1, 120))
			for _, e := range all {
				l.batch(e)
			}
			l.receipts(120)
			return r
		},
		"late": func(r *rig) *rig {
			mixed := slices.Clone(all)
			for i := 0; i+8 <= len(mixed); i += 8 { // all at once, so within the lateness by the clock
				random.Shuffle(8, func(a, b int) { mixed[i+a], mixed[i+b] = mixed[i+b], mixed[i+a] })
			}
			l := r.hello(hello("spool", 1, 120))
			l.batch(renumbered(mixed)...)
			l.receipts(120)
			return r
		},
		"two agents": func(r *rig) *rig {
			var one, two []*armorv1.Event
			for i, e := range all {
				if i%3 == 0 {
					two = append(two, e)
				} else {
					one = append(one, e)
				}
			}
			a := r.hello(hello("spool", 1, 80))
			b := r.hello(&armorv1.Hello{AgentId: "002", AgentName: "web-2", SpoolId: "other", FirstSequence: 1, LastSequence: 40})
			b.batch(renumbered(two)...)
			a.batch(renumbered(one)...)
			a.receipts(80)
			b.receipts(40)
			return r
		},
		"restarted": func(r *rig) *rig {
			for from := 0; from < 120; from += 40 {
				l := r.hello(hello("spool", uint64(from+1), 120))
				l.batch(all[from : from+40]...)
				l.receipts(uint64(from + 40))
				l.cancel()
				r = r.crashed(rigOptions{ruleset: globalBruteForce(), config: byEvent})
			}
			return r
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(want, run(t, play)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// globalBruteForce counts the logins of a user wherever they are.
func globalBruteForce() fs.FS {
	tree := bruteForce().(fstest.MapFS)
	tree["rules/login.xml"].Data = bytes.ReplaceAll(tree["rules/login.xml"].Data, []byte("<same_user />"), []byte("<same_user /><global_frequency />"))
	return tree
}

// renumbered are copies with the sequences of a spool of their own.
func renumbered(events []*armorv1.Event) []*armorv1.Event {
	out := make([]*armorv1.Event, len(events))
	for i, e := range events {
		out[i] = proto.CloneOf(e)
		out[i].Sequence = uint64(i + 1)
	}
	return out
}

// A snapshot that cannot be read is left out, and the journal behind it still counts.
func TestDamagedSnapshotIsLeftOut(t *testing.T) {
	r := newRig(t, rigOptions{ruleset: bruteForce(), config: hourly})
	l := r.hello(hello("spool", 1, 5))
	l.batch(login(1, "eve"))
	l.receipts(1)
	if err := r.manager.journal.Snapshot(within(t), time.Second, r.manager.pipeline.Quiet, r.manager.ruleset.state); err != nil {
		t.Fatal(err)
	}
	l.batch(login(2, "eve"), login(3, "eve"))
	l.receipts(3)
	l.cancel()
	snapshots, err := r.stream.Snapshots(within(t))
	if err != nil {
		t.Fatal(err)
	}
	_, journal, number, err := snapshots.Get(within(t), "manager-1")
	if err != nil {
		t.Fatal(err)
	}
	if err := snapshots.Put(within(t), "manager-1", journal, number, bytes.NewReader([]byte("this is no snapshot"))); err != nil {
		t.Fatal(err)
	}
	r = r.crashed(rigOptions{ruleset: bruteForce(), config: hourly})
	if got := r.manager.journal.Stats().Restored; got.Snapshot || got.Events != 3 {
		t.Errorf("restored %+v, want all that the journal still has: 3 events", got)
	}
	l = r.hello(hello("spool", 4, 5))
	l.batch(login(4, "eve"))
	l.receipts(4)
	if got := r.verdicts()[4]; got != 100002 {
		t.Errorf("the fourth login is rule %d", got)
	}
}

// Events larger than a record, and a batch that needs several records, are finished like any other.
func TestLargeEventsInTheJournal(t *testing.T) {
	r := newRig(t, rigOptions{ruleset: bruteForce(), config: hourly})
	var all []*armorv1.Event
	for n := range uint64(6) {
		e := login(n+1, "eve")
		e.Body = append(e.Body, bytes.Repeat([]byte(" x"), 150<<10)...)
		all = append(all, e)
	}
	huge := login(7, "eve")
	huge.Body = append(huge.Body, bytes.Repeat([]byte("y"), 1<<20-len(huge.Body))...)
	l := r.hello(hello("spool", 1, 7))
	l.batch(all...)
	l.batch(huge)
	l.receipts(7)
	l.cancel()
	if got := r.manager.journal.Stats(); got.Unremembered != 1 || got.Events != 6 || got.Records < 4 {
		t.Errorf("%+v, want 6 events in at least 4 records, 1 too large", got)
	}
	r = r.crashed(rigOptions{ruleset: bruteForce(), config: hourly})
	if got := r.manager.journal.Stats().Restored.Events; got != 6 {
		t.Errorf("restored %d events", got)
	}
	if got := r.hello(hello("spool", 0, 7)).welcome.GetLastFinishedSequence(); got != 7 {
		t.Errorf("finished %d", got)
	}
}
