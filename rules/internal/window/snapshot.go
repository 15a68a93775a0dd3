package window

import (
	"io"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// picture is a copy of a Memory's content at one moment. It shares strings and events with the memory: those do not
// change, but for kept.consumed, which is copied.
type picture struct {
	taken    time.Time
	names    []string
	lists    []listPicture
	floors   map[string]floorPicture
	fired    map[string]uint64
	ignored  map[string]int64
	seen     copied[nothing]
	masked   copied[nothing]
	diffs    copied[string]
	acc      copied[*accumulated]
	known    func(rule string) bool // says of which rules the diffs count
	idsNames []string               // Memory.recent
}

type listPicture struct {
	key        string
	events     []*kept
	consumed   []int8
	times      []int64
	maxAge     int64
	disordered bool
}

// floorPicture is a floor as a place in its list.
type floorPicture struct {
	list  string
	place int
}

// take copies the content. Evaluation waits for it, so it only copies slices and maps of references: encoding comes
// later.
func (m *Memory) take(now time.Time) *picture {
	m.mu.Lock()
	defer m.mu.Unlock()
	start := time.Now()
	inUse := m.inUse // it is never changed, only replaced
	known := func(key string) bool { return inUse == nil || inUse[key] }
	p := &picture{
		taken: now, names: slices.Clone(m.names), floors: map[string]floorPicture{}, fired: map[string]uint64{}, ignored: map[string]int64{},
		seen: m.seen.copy(), masked: m.masked.copy(), diffs: m.diffs.copy(), acc: m.acc.copy(), idsNames: slices.Clone(m.recent),
	}
	names := make(map[*eventList]string, len(m.lists))
	for key, l := range m.lists {
		if !known(key) {
			continue
		}
		names[l] = key
		if l.len() == 0 {
			continue
		}
		lp := listPicture{
			key: key, events: slices.Clone(l.events[l.head:]), times: slices.Clone(l.times[l.head:]),
			consumed: make([]int8, l.len()), maxAge: l.maxAge, disordered: l.disordered,
		}
		for i, e := range lp.events {
			lp.consumed[i] = e.consumed
		}
		p.lists = append(p.lists, lp)
	}
	for key, f := range m.floors {
		if list, ok := names[f.list]; ok && known(key) {
			p.floors[key] = floorPicture{list, int(max(0, f.seq-f.list.offset-int64(f.list.head)))}
		}
	}
	for key, n := range m.fired {
		if n := n.Load(); n > 0 && known(key) {
			p.fired[key] = n
		}
	}
	for key, t := range m.ignored {
		if known(key) {
			p.ignored[key] = t
		}
	}
	p.known = known
	m.snapshots++
	m.held = max(m.held, time.Since(start))
	return p
}

// Frozen is all that was remembered at one moment.
type Frozen struct{ p *picture }

// Freeze takes what is remembered now. now is the clock's time, kept for whoever restores.
func (m *Memory) Freeze(now time.Time) Frozen { return Frozen{m.take(now)} }

// Write writes it as a snapshot. Equal memories give equal snapshots, the clock's time aside.
func (f Frozen) Write(w io.Writer) error {
	slices.SortFunc(f.p.lists, func(a, b listPicture) int { return strings.Compare(a.key, b.key) })
	return f.p.write(w)
}

// Snapshot is Freeze and Write.
func (m *Memory) Snapshot(w io.Writer, now time.Time) error { return m.Freeze(now).Write(w) }

// Restore replaces all that is remembered by a snapshot. An error leaves everything as it was.
func (m *Memory) Restore(r io.Reader) error {
	p, err := readPicture(r, m.limits)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clear()
	m.restored = Restored{Taken: p.taken}
	m.put(p)
	if m.inUse != nil {
		m.restored.LeftOut.add(m.drop(func(key string) bool { return m.inUse[key] }))
	}
	for _, l := range m.lists {
		m.restored.Events += l.len()
	}
	return nil
}

// put fills an empty memory.
func (m *Memory) put(p *picture) {
	places := make([]int, len(p.names))
	for i, name := range p.names {
		places[i] = m.namePlace(name)
	}
	moved := map[*kept]*kept{}
	var e Event
	for i := range p.lists {
		lp := &p.lists[i]
		l := m.lists[lp.key]
		if l == nil {
			l = &eventList{}
			m.lists[lp.key] = l
		}
		l.maxAge = max(l.maxAge, lp.maxAge)
		for i, old := range lp.events {
			k := moved[old]
			if k == nil {
				k = old.moved(places, len(m.names))
				moved[old] = k
			}
			k.event(&e)
			l.append(&e, k, lp.times[i], nil)
		}
		l.disordered = lp.disordered
		m.bytes += l.bytes
	}
	m.putFloors(p)
	for _, lp := range p.lists { // only now: a smaller limit than when the snapshot was made
		m.shorten(m.lists[lp.key])
	}
	m.makeRoom()
	for key, n := range p.fired {
		if m.fired[key] == nil {
			m.fired[key] = new(atomic.Uint64)
		}
		m.fired[key].Store(n)
	}
	maps.Copy(m.ignored, p.ignored)
	for key := range p.seen.all {
		m.seen.put(key, nothing{})
	}
	for key := range p.masked.all {
		m.masked.put(key, nothing{})
	}
	for key, text := range p.diffs.all {
		m.diffs.put(key, text)
	}
	for key, a := range p.acc.all {
		m.acc.put(key, a)
	}
	m.recent = p.idsNames
}

// putFloors sets where queries begin. One that the snapshot does not know begins behind its events.
func (m *Memory) putFloors(p *picture) {
	for _, f := range m.floors {
		f.seq = f.list.end()
	}
	for key, fp := range p.floors {
		l := m.lists[fp.list]
		if l == nil {
			l = &eventList{} // the list was empty
			m.lists[fp.list] = l
		}
		f := m.floors[key]
		if f == nil {
			f = &floor{list: l}
			m.floors[key] = f
		}
		if f.list == l {
			f.seq = min(l.end(), l.offset+int64(l.head+fp.place))
		}
	}
}

// shorten brings a list within the limits.
func (m *Memory) shorten(l *eventList) {
	before := l.bytes
	for l.len() > m.limits.EventsPerList {
		l.drop()
		m.evicted.ListEvents++
	}
	for l.len() > 0 && l.bytes > m.limits.BytesPerList {
		l.drop()
		m.evicted.ListBytes++
	}
	l.compact()
	m.bytes -= before - l.bytes
}

// moved gives an event that was read from a snapshot with its dynamic fields in this memory's places.
func (k *kept) moved(places []int, n int) *kept {
	if k.dynamics == 0 {
		return k
	}
	var e Event
	k.event(&e)
	e.Consumed = int(k.consumed)
	moved := make([]Value, n)
	for i, v := range e.Dynamic {
		if i < len(places) {
			moved[places[i]] = v
		}
	}
	e.Dynamic = moved
	return e.clone()
}
