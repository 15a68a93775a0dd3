package window

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"armor/rules/internal/fields"
	"armor/rules/internal/pattern"
)

var taken = time.Unix(1_700_000_000, 0)

// keyed gives the queries of a random plan rules of their own.
func keyed(r *rand.Rand) (*Plan, []string) {
	p := randomPlan(r)
	var keys []string
	for i := range p.Queries {
		p.QueryRules = append(p.QueryRules, i)
		keys = append(keys, fmt.Sprint("rule", i))
	}
	return p, keys
}

// step evaluates one random event and tells all that the memory answered.
func step(b *Binding, p *Plan, r *rand.Rand, now int64) string {
	var s Session
	var sc pattern.Scratch
	var out strings.Builder
	e := randomEvent(r, now)
	s.Begin(b, false)
	defer s.End()
	for range r.IntN(3) {
		logs, ok := s.Search(p.Queries[r.IntN(len(p.Queries))], e, &sc, nil)
		fmt.Fprint(&out, ok, logs, ";")
	}
	rule := r.IntN(len(b.keys))
	fmt.Fprint(&out, s.Fired(rule), s.Ignored(rule, 20, now), s.Changed(rule, []byte("x"), fmt.Sprint(r.IntN(3))))
	key := fmt.Appendf(nil, "a key of some length %d", r.IntN(300))
	fmt.Fprint(&out, s.FirstSeen(key), s.FirstSeenIDS(key[10:]), s.Masked(key))
	if r.IntN(9) == 0 {
		s.Mask(key)
	}
	set := fields.NewSet(fields.NewSymbols())
	if r.IntN(2) == 0 {
		set.Put(fields.SrcIP, fmt.Sprint(r.IntN(9)))
	}
	s.Accumulate(fmt.Sprint("id", r.IntN(20)), now, &set)
	v, ok := set.Static(fields.SrcIP)
	fmt.Fprint(&out, v, ok, e.Consumed)
	s.Record(e, r.IntN(len(p.Lists)), r.IntN(len(p.Lists)))
	return out.String()
}

func snapshot(t testing.TB, m *Memory) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := m.Snapshot(&buf, taken); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// TestRestoredMemoryGoesOn: at random moments the memory is replaced by one restored from a snapshot, before or after
// it is bound; every later answer is that of a memory that was never interrupted.
func TestRestoredMemoryGoesOn(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 9))
		p, keys := keyed(r)
		limits := Limits{EventsPerList: 5 + r.IntN(60), Keys: 150}
		whole, parts := New(limits), New(limits)
		a, b := whole.Bind(p, keys), parts.Bind(p, keys)
		now := int64(1_000_000)
		for i := range 800 {
			if r.IntN(60) == 0 {
				data := snapshot(t, parts)
				parts = New(limits)
				late := r.IntN(2) == 0
				if late {
					b = parts.Bind(p, keys)
				}
				if err := parts.Restore(bytes.NewReader(data)); err != nil {
					t.Fatal(err)
				}
				if !late {
					b = parts.Bind(p, keys)
				}
				if d := cmp.Diff(Left{}, parts.Stats().Restored.LeftOut); d != "" {
					t.Fatalf("left out:\n%s", d)
				}
			}
			now += int64(r.IntN(4))
			if r.IntN(300) == 0 {
				now -= 200
			}
			stream := r.Uint64()
			got := step(b, p, rand.New(rand.NewPCG(stream, 1)), now)
			if want := step(a, p, rand.New(rand.NewPCG(stream, 1)), now); got != want {
				t.Fatalf("seed %d, event %d:\ngot  %s\nwant %s", seed, i, got, want)
			}
		}
		if x, y := snapshot(t, whole), snapshot(t, parts); len(x) != len(y) {
			t.Errorf("snapshots of equal memories have %d and %d bytes", len(x), len(y))
		}
	}
}

// filled makes a memory with something of everything.
func filled(t testing.TB) (*Memory, []byte) {
	t.Helper()
	r := rand.New(rand.NewPCG(3, 3))
	p, keys := keyed(r)
	m := New(Limits{EventsPerList: 8, Keys: 30})
	b := m.Bind(p, keys)
	for i := range 200 {
		step(b, p, r, int64(1000+i))
	}
	return m, snapshot(t, m)
}

// Damaged and cut snapshots are refused, whichever byte it is, and change nothing.
func TestDamagedSnapshot(t *testing.T) {
	m, data := filled(t)
	other, err := readPicture(bytes.NewReader(data), DefaultLimits)
	if err != nil || len(other.lists) == 0 || len(other.floors) == 0 || len(other.acc) == 0 {
		t.Fatalf("the snapshot holds little: %v", err)
	}
	before := m.Stats()
	for i := range data {
		if err := m.Restore(bytes.NewReader(data[:i])); err == nil {
			t.Errorf("accepted when cut at %d", i)
		}
		bad := bytes.Clone(data)
		bad[i] ^= 1 << (i % 8)
		if err := m.Restore(bytes.NewReader(bad)); err == nil {
			t.Errorf("accepted with byte %d changed", i)
		}
	}
	after := m.Stats()
	before.Held, after.Held = 0, 0
	if d := cmp.Diff(before, after); d != "" {
		t.Errorf("a refused snapshot changed the memory:\n%s", d)
	}
	future := bytes.Clone(data)
	binary.LittleEndian.PutUint16(future[len(snapshotMagic):], snapshotVersion+1)
	for input, want := range map[string]string{
		string(future): "has version 2", "<xml>\n            ": "no snapshot", "": "cut off",
	} {
		if err := m.Restore(strings.NewReader(input)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, expected %q", input, err, want)
		}
	}
	t.Logf("%d bytes, each cut and each changed", len(data))
}

// A snapshot made to hurt is refused before it takes much memory.
func TestHostileSnapshot(t *testing.T) {
	limits := Limits{Bytes: 8 << 20, Diffs: 1 << 20, Accumulated: 1 << 20, Keys: 1000}
	build := func(fill func(*sections)) []byte {
		var buf bytes.Buffer
		buf.Write(binary.LittleEndian.AppendUint16([]byte(snapshotMagic), snapshotVersion))
		s := &sections{w: &buf}
		s.begin(sectionHead)
		s.int(0)
		s.uint(0)
		fill(s)
		s.begin(sectionEnd)
		s.uint(s.count)
		s.flush()
		return buf.Bytes()
	}
	one := Event{}
	long := make([]byte, 9)
	long[0] = sectionEvents
	binary.LittleEndian.PutUint32(long[1:], 1<<31)
	for name, data := range map[string][]byte{
		"many events": build(func(s *sections) {
			s.begin(sectionEvents)
			for range 1_000_000 {
				s.event(&one, 0)
				s.entryEnd()
			}
		}),
		"one event in many lists": build(func(s *sections) {
			s.begin(sectionEvents)
			s.event(&one, 0)
			s.begin(sectionLists)
			for i := range 1_000_000 {
				s.string(fmt.Sprint(i))
				s.int(1)
				s.uint(0)
				s.uint(1)
				s.uint(0)
				s.int(0)
				s.entryEnd()
			}
		}),
		"many counters": build(func(s *sections) {
			s.begin(sectionFired)
			for i := range 2_000_000 {
				s.string(fmt.Sprint(i))
				s.uint(1)
				s.entryEnd()
			}
		}),
		"a list of no event": build(func(s *sections) {
			s.begin(sectionLists)
			s.string("k")
			s.int(1)
			s.uint(0)
			s.uint(1)
			s.uint(5)
			s.int(0)
		}),
		"a long section": append(binary.LittleEndian.AppendUint16([]byte(snapshotMagic), snapshotVersion), long...),
	} {
		runtime.GC()
		var a, b runtime.MemStats
		runtime.ReadMemStats(&a)
		err := New(limits).Restore(bytes.NewReader(data))
		runtime.ReadMemStats(&b)
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
		grown := (b.TotalAlloc - a.TotalAlloc) >> 20
		t.Logf("%s: %d MiB allocated: %v", name, grown, err)
		if grown > 400 {
			t.Errorf("%s: took %d MiB", name, grown)
		}
	}
}

// Under another ruleset what it still knows goes on, and the rest is counted.
func TestRestoreLeavesOutWhatChanged(t *testing.T) {
	plan := func(list string) *Plan {
		return &Plan{Lists: []ListPlan{{Key: list, MaxAge: 60}, {Key: "stays", MaxAge: 60}}}
	}
	m := New(Limits{})
	b := m.Bind(plan("old"), []string{"1:a", "2:b"})
	var s Session
	s.Begin(b, false)
	for rule := range 2 {
		s.Fired(rule)
		s.Ignored(rule, 60, 100)
		s.Changed(rule, []byte("x"), "text")
	}
	s.Record(&Event{Time: 100}, 0, 1)
	s.End()
	data := snapshot(t, m)
	want := Restored{Taken: taken, Events: 1, LeftOut: Left{Lists: 1, Events: 1, Rules: 1, Ignored: 1, Diffs: 1}}
	for _, early := range []bool{true, false} {
		m := New(Limits{})
		if !early {
			m.Bind(plan("new"), []string{"1:a", "2:c"})
		}
		if err := m.Restore(bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
		if early {
			m.Bind(plan("new"), []string{"1:a", "2:c"})
		}
		got := m.Stats().Restored
		if early {
			got.Events = 1 // counted when it was restored, before it was known what goes on
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("restored (-want +got):\n%s", d)
		}
	}
}

// Each limit makes the memory forget, and says so under its own name.
func TestEachBoundIsCounted(t *testing.T) {
	big := strings.Repeat("x", 1000)
	event := func(n int) *Event { return &Event{Time: 100, Full: big, Log: big, Agent: fmt.Sprint(n)} }
	plan := &Plan{Lists: []ListPlan{{Key: "a", MaxAge: 60}, {Key: "b", MaxAge: 60}}}
	record := func(s *Session, i int) { s.Record(event(i), i%7/6) }
	for name, c := range map[string]struct {
		limits Limits
		do     func(s *Session, i int)
		check  func(st Stats) (held, limit int, evicted uint64)
	}{
		"events of a list": {Limits{EventsPerList: 10}, record, func(st Stats) (int, int, uint64) { return st.Events, 20, st.Evicted.ListEvents }},
		"bytes of a list":  {Limits{BytesPerList: 16_000}, record, func(st Stats) (int, int, uint64) { return st.Bytes, 32_000, st.Evicted.ListBytes }},
		"bytes of all":     {Limits{Bytes: 40_000}, record, func(st Stats) (int, int, uint64) { return st.Bytes, 40_000, st.Evicted.Bytes }},
		"one too large":    {Limits{BytesPerList: 1000}, record, func(st Stats) (int, int, uint64) { return st.Events, 0, st.Evicted.TooLarge }},
		"keys": {Limits{Keys: 10}, func(s *Session, i int) { s.FirstSeen(fmt.Append(nil, i)) },
			func(st Stats) (int, int, uint64) { return st.Keys, 10, st.Evicted.FirstSeen }},
		"masks": {Limits{Keys: 10}, func(s *Session, i int) { s.Mask(fmt.Append(nil, i)) },
			func(st Stats) (int, int, uint64) { return st.Masked, 10, st.Evicted.Masked }},
		"diffs": {Limits{Diffs: 10_000}, func(s *Session, i int) { s.Changed(0, fmt.Append(nil, i), big) },
			func(st Stats) (int, int, uint64) { return st.DiffBytes, 10_000, st.Evicted.Diffs }},
		"accumulated": {Limits{Accumulated: 10_000}, func(s *Session, i int) {
			set := fields.NewSet(fields.NewSymbols())
			s.Accumulate(fmt.Sprint(i), 100, &set)
		}, func(st Stats) (int, int, uint64) { return st.Accumulated, 50, st.Evicted.Accumulated }},
	} {
		m := New(c.limits)
		b := m.Bind(plan, []string{"1:a"})
		var s Session
		for i := range 200 {
			s.Begin(b, false)
			c.do(&s, i)
			s.End()
		}
		st := m.Stats()
		held, limit, evicted := c.check(st)
		if held > limit || evicted == 0 {
			t.Errorf("%s: %d held with a limit of %d, %d forgotten early", name, held, limit, evicted)
		}
		if total := st.Evicted.ListEvents + st.Evicted.ListBytes + st.Evicted.Bytes + st.Evicted.TooLarge + st.Evicted.FirstSeen +
			st.Evicted.Masked + st.Evicted.Diffs + st.Evicted.Accumulated; total != evicted {
			t.Errorf("%s: counted under another name too: %+v", name, st.Evicted)
		}
		if name == "bytes of all" && st.Lists != 2 {
			t.Errorf("%s: %d lists hold events; only the largest should lose some", name, st.Lists)
		}
	}
}

func FuzzRestore(f *testing.F) {
	_, data := filled(f)
	f.Add(data, uint16(0), byte(0))
	f.Add(data, uint16(40), byte(255))
	f.Fuzz(func(t *testing.T, data []byte, at uint16, flip byte) {
		if len(data) > 0 {
			data = bytes.Clone(data)
			data[int(at)%len(data)] ^= flip
			reseal(data)
		}
		m := New(Limits{Bytes: 1 << 20, Keys: 100})
		if m.Restore(bytes.NewReader(data)) != nil {
			return
		}
		again := New(Limits{Bytes: 1 << 20, Keys: 100})
		first := snapshot(t, m)
		if err := again.Restore(bytes.NewReader(first)); err != nil {
			t.Fatalf("what was restored cannot be restored again: %v", err)
		}
		if second := snapshot(t, again); len(second) != len(first) {
			t.Errorf("%d bytes became %d", len(first), len(second))
		}
	})
}

// reseal corrects the checksums, so that fuzzing comes behind them.
func reseal(data []byte) {
	for at := len(snapshotMagic) + 2; at+sectionPrefix+4 <= len(data); {
		end := at + sectionPrefix + int(binary.LittleEndian.Uint32(data[at+1:]))
		if end < 0 || end+4 > len(data) {
			return
		}
		binary.LittleEndian.PutUint32(data[end:], crc32.Checksum(data[at:end], castagnoli))
		at = end + 4
	}
}

// big makes a memory of 100,000 events and 200,000 keys.
func big() *Memory {
	p := &Plan{}
	for i := range 20 {
		p.Lists = append(p.Lists, ListPlan{Key: fmt.Sprint(i), MaxAge: 60})
	}
	m := New(Limits{})
	var s Session
	s.Begin(m.Bind(p, nil), false)
	for i := range 200_000 {
		s.FirstSeen(fmt.Append(nil, "some key ", i))
		if i%2 == 0 {
			s.Record(&Event{Time: 1, Full: "Failed password for root from 203.0.113.66 port 22 ssh2"}, i/2%20)
		}
	}
	s.End()
	return m
}

// BenchmarkTake is how long a snapshot holds evaluation up.
func BenchmarkTake(b *testing.B) {
	m := big()
	for b.Loop() {
		m.take(taken)
	}
}

// BenchmarkSnapshot is how long a whole snapshot takes.
func BenchmarkSnapshot(b *testing.B) {
	m := big()
	size := 0
	for b.Loop() {
		size = len(snapshot(b, m))
	}
	b.ReportMetric(float64(size), "bytes")
}
