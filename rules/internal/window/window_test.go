package window

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"armor/rules/internal/fields"
	"armor/rules/internal/pattern"
)

// randomPlan makes queries of all kinds over a few lists.
func randomPlan(r *rand.Rand) *Plan {
	p := &Plan{Names: []string{"a", "b", "c"}, Symbols: []fields.Symbol{0, 1, 2}}
	for i := range 3 {
		p.Lists = append(p.Lists, ListPlan{Key: fmt.Sprint("list", i), MaxAge: 60})
	}
	flag := func() bool { return r.IntN(4) == 0 }
	mask := func() (m uint32) {
		for _, s := range []fields.Slot{fields.SrcIP, fields.DstUser} {
			if r.IntN(3) == 0 {
				m |= 1 << s
			}
		}
		return m
	}
	dynamic := func() (d []int) {
		for i := range 3 {
			if r.IntN(5) == 0 {
				d = append(d, i)
			}
		}
		return d
	}
	for i := range 12 {
		p.Queries = append(p.Queries, &Query{
			ID: i, List: r.IntN(3), Previous: 1 + r.IntN(4), Timeframe: int64(1 + r.IntN(60)), Level: r.IntN(17), Global: flag(), SameCategory: flag(),
			Same: mask(), Different: mask(), SameDynamic: dynamic(), DifferentDynamic: dynamic(),
			SameLocation: flag(), DifferentLocation: flag(), SameAgent: flag(), DifferentAgent: flag(),
		})
	}
	return p
}

func randomEvent(r *rand.Rand, now int64) *Event {
	e := &Event{Time: now, Agent: fmt.Sprint(r.IntN(2)), Location: fmt.Sprint(r.IntN(2)), Category: uint8(r.IntN(2)), Full: fmt.Sprint("log ", r.Int())}
	for _, s := range []fields.Slot{fields.SrcIP, fields.DstUser} {
		if r.IntN(4) > 0 {
			e.Static[s] = fmt.Sprint(r.IntN(3))
			e.Present |= 1 << s
		}
	}
	for range 3 {
		v := Value{Set: r.IntN(4) > 0}
		if v.Set {
			v.Text = fmt.Sprint(r.IntN(2))
			e.HasDynamic = true
		}
		e.Dynamic = append(e.Dynamic, v)
	}
	return e
}

// TestIndexEqualsPlainWalk: over random queries, events, clocks and limits the indexed search gives the answer of the
// plain walk, and leaves the same events used up.
func TestIndexEqualsPlainWalk(t *testing.T) {
	hits := 0
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 7))
		plan := randomPlan(r)
		limits := Limits{EventsPerList: 5 + r.IntN(60)}
		fast, plain := New(limits).Bind(plan, nil), New(limits).Bind(plan, nil)
		var a, b Session
		var sc pattern.Scratch
		now := int64(1_000_000)
		for step := range 1200 {
			switch r.IntN(12) {
			case 0:
				now += int64(r.IntN(30))
			case 1:
				now -= int64(r.IntN(3)) // goroutines overtake each other
			case 2:
				if r.IntN(40) == 0 {
					now -= 100 // the clock is set back
				}
			}
			e := randomEvent(r, now)
			f := *e
			a.Begin(fast, false)
			b.Begin(plain, false)
			for range r.IntN(3) {
				id := r.IntN(len(plan.Queries))
				logsA, okA := a.Search(plan.Queries[id], e, &sc, nil)
				b.lock()
				logsB, okB := plain.queries[id].searchPlain(&f, &sc, nil)
				if okA != okB || okA && !cmp.Equal(logsA, logsB) || e.Consumed != f.Consumed {
					t.Fatalf("seed %d, step %d, query %+v: index says %v %v, the walk %v %v", seed, step, plan.Queries[id], okA, logsA, okB, logsB)
				}
				if okA {
					hits++
				}
			}
			var lists []int
			for n := range plan.Lists {
				if r.IntN(2) == 0 {
					lists = append(lists, n)
				}
			}
			a.Record(e, lists...)
			b.Record(&f, lists...)
			a.End()
			b.End()
		}
	}
	t.Logf("%d queries were met", hits)
	if hits < 1000 {
		t.Errorf("only %d queries were met: the test tests little", hits)
	}
}

// Events kept under one ruleset stay readable under another that compares other fields.
func TestFieldsKeepTheirPlacesOverReloads(t *testing.T) {
	m := New(Limits{})
	plan := func(names ...string) *Plan {
		p := &Plan{Lists: []ListPlan{{Key: "l", MaxAge: 60}}}
		for i, n := range names {
			p.Names, p.Symbols = append(p.Names, n), append(p.Symbols, fields.Symbol(i))
		}
		p.Queries = []*Query{{Previous: 1, Timeframe: 60, Level: 5, Global: true, SameDynamic: []int{len(names) - 1}}}
		return p
	}
	event := func(b *Binding, values map[fields.Symbol]string) *Event {
		e := &Event{Time: 100, HasDynamic: true}
		for _, n := range b.Symbols {
			v, ok := values[n]
			e.Dynamic = append(e.Dynamic, Value{Text: v, Set: ok})
		}
		return e
	}
	ask := func(b *Binding, e *Event, record bool) bool {
		var s Session
		var sc pattern.Scratch
		s.Begin(b, false)
		defer s.End()
		_, ok := s.Search(&Query{}, e, &sc, nil)
		if record {
			s.Record(e, 0)
		}
		return ok
	}
	old := m.Bind(plan("door"), nil)
	ask(old, event(old, map[fields.Symbol]string{0: "ssh"}), true)
	fresh := m.Bind(plan("window", "DOOR"), nil)
	if !ask(fresh, event(fresh, map[fields.Symbol]string{0: "x", 1: "ssh"}), false) {
		t.Error("the kept event is not found under the new ruleset")
	}
	other := m.Bind(plan("door", "roof"), nil)
	if ask(other, event(other, map[fields.Symbol]string{0: "ssh", 1: "ssh"}), false) {
		t.Error("a field that the kept event does not have counts as the same")
	}
}

func TestKeysAreBounded(t *testing.T) {
	m := New(Limits{Keys: 10})
	b := m.Bind(&Plan{}, nil)
	var s Session
	s.Begin(b, false)
	for i := range 100 {
		if !s.FirstSeen(fmt.Appendf(nil, "key %d", i)) {
			t.Errorf("key %d was seen before", i)
		}
	}
	if s.FirstSeen([]byte("key 99")) || !s.FirstSeen([]byte("key 1")) {
		t.Error("the newest key is forgotten, or the oldest kept")
	}
	s.End()
	if st := m.Stats(); st.Keys != 10 || st.Evicted != (Evicted{FirstSeen: 91}) {
		t.Errorf("%+v", st)
	}
}

func TestSimilarKeysOfIntrusionDetection(t *testing.T) {
	b := New(Limits{}).Bind(&Plan{}, nil)
	var s Session
	s.Begin(b, false)
	defer s.End()
	var got []bool
	for i := range 6 {
		got = append(got, s.FirstSeenIDS(fmt.Appendf(nil, "snort alert of a kind %d", i)))
	}
	if d := cmp.Diff([]bool{true, true, true, true, false, false}, got); d != "" {
		t.Errorf("first seen (-want +got):\n%s", d)
	}
}

func BenchmarkSearchFullList(b *testing.B) {
	p := &Plan{Lists: []ListPlan{{Key: "l", MaxAge: 3600}}, Queries: []*Query{{Previous: 7, Timeframe: 120, Level: 10, Same: 1 << fields.SrcIP}}}
	bound := New(Limits{}).Bind(p, nil)
	r := rand.New(rand.NewPCG(1, 1))
	var s Session
	var sc pattern.Scratch
	b.ReportAllocs()
	for b.Loop() {
		e := Event{Time: 1, Full: "Failed password for root from 203.0.113.66", Present: 1 << fields.SrcIP}
		e.Static[fields.SrcIP] = fmt.Sprint(r.IntN(1_000_000))
		s.Begin(bound, false)
		s.Search(p.Queries[0], &e, &sc, nil)
		s.Record(&e, 0)
		s.End()
	}
}
