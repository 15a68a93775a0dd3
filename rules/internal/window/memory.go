package window

import (
	"slices"
	"sync/atomic"
	"time"

	"armor/rules/internal/fields"
	"armor/rules/internal/pattern"
)

// Limits bound what a Memory remembers.
type Limits struct {
	// EventsPerList and BytesPerList bound one list of correlation events.
	EventsPerList, BytesPerList int
	// Bytes bounds all lists together. When it is reached, the largest list gives up its oldest events.
	Bytes int
	// Keys bounds the first-time-seen keys and the ignored keys, each.
	Keys int
	// Diffs bounds the texts kept by check_diff, in bytes.
	Diffs int
	// Accumulated bounds the fields kept by accumulate, in bytes.
	Accumulated int
}

// DefaultLimits are those of a Memory made with the zero Limits.
var DefaultLimits = Limits{EventsPerList: 8192, BytesPerList: 32 << 20, Bytes: 1 << 30, Keys: 200_000, Diffs: 64 << 20, Accumulated: 64 << 20}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits
	for _, f := range []struct{ to, from *int }{
		{&l.EventsPerList, &d.EventsPerList}, {&l.BytesPerList, &d.BytesPerList}, {&l.Bytes, &d.Bytes},
		{&l.Keys, &d.Keys}, {&l.Diffs, &d.Diffs}, {&l.Accumulated, &d.Accumulated},
	} {
		if *f.to <= 0 {
			*f.to = *f.from
		}
	}
	return l
}

// ListPlan describes one list of a ruleset.
type ListPlan struct {
	// Key names the list over reloads: it changes when the rules that feed or read it change.
	Key string
	// MaxAge is the largest timeframe of the rules that read it, in seconds.
	MaxAge int64
}

// Plan is what a ruleset needs to remember.
type Plan struct {
	Lists   []ListPlan
	Queries []*Query
	// QueryRules are the indexes of the asking rules, by query.
	QueryRules []int
	// Names are the dynamic fields that correlation rules compare, Symbols their numbers in the ruleset.
	Names   []string
	Symbols []fields.Symbol
}

// Memory is what is remembered. All access goes through a Session.
type Memory struct {
	mu      mutex
	limits  Limits
	lists   map[string]*eventList
	floors  map[string]*floor // by key of the asking rule
	names   []string          // dynamic fields that are compared, folded, in the order of Event.Dynamic
	fired   map[string]*atomic.Uint64
	inUse   map[string]bool  // keys of lists and rules of the last Bind; nil: there was none
	ignored map[string]int64 // rule key to start of its ignore period, Unix seconds
	seen    recency[nothing]
	recent  []string // last keys of intrusion detection systems
	masked  recency[nothing]
	diffs   recency[string]
	acc     recency[*accumulated]

	bytes     int // of all lists
	evicted   Evicted
	restored  Restored
	held      time.Duration // longest time that a snapshot held the lock
	snapshots uint64
}

// floor is where a query begins to see a list: events from before its rule was defined as it is do not count.
type floor struct {
	list *eventList
	seq  int64
}

// New makes an empty Memory; a zero limit means the default.
func New(l Limits) *Memory {
	m := &Memory{limits: l.withDefaults()}
	m.reset()
	return m
}

func (m *Memory) reset() {
	m.lists = map[string]*eventList{}
	m.floors = map[string]*floor{}
	m.fired = map[string]*atomic.Uint64{}
	m.forgetKeys()
}

// forgetKeys forgets what does not belong to a list or counter.
func (m *Memory) forgetKeys() {
	m.evicted.FirstSeen += m.seen.evicted
	m.evicted.Masked += m.masked.evicted
	m.evicted.Diffs += m.diffs.evicted
	m.evicted.Accumulated += m.acc.evicted
	m.ignored = map[string]int64{}
	m.seen = newRecency(m.limits.Keys, 0, noSize)
	m.recent = nil
	m.masked = newRecency(m.limits.Keys, 0, noSize)
	m.diffs = newRecency(0, m.limits.Diffs, func(s string) int { return len(s) })
	m.acc = newRecency(0, m.limits.Accumulated, (*accumulated).size)
}

// Reset forgets everything. Bindings made before stay usable.
func (m *Memory) Reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clear()
}

func (m *Memory) clear() {
	for _, l := range m.lists {
		l.clearEvents()
	}
	m.bytes = 0
	for _, f := range m.floors {
		f.seq = f.list.end()
	}
	for _, n := range m.fired {
		n.Store(0)
	}
	m.forgetKeys()
}

// Binding is a Memory seen with the lists and counters of one ruleset.
type Binding struct {
	m       *Memory
	lists   []*eventList
	indexes [][]*valueIndex // by list, those of this ruleset or an earlier one
	queries []boundQuery
	fired   []*atomic.Uint64
	keys    []string
	// Symbols are the dynamic fields to put into Event.Dynamic.
	Symbols []fields.Symbol
}

// Bind connects a ruleset to the memory. Lists and counters whose keys are known already go on with their content.
// ruleKeys name the rules, in the order of their indexes. What neither this ruleset nor the one before it knows is
// forgotten.
func (m *Memory) Bind(p *Plan, ruleKeys []string) *Binding {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := &Binding{m: m, keys: ruleKeys}
	for _, lp := range p.Lists {
		l := m.lists[lp.Key]
		if l == nil {
			l = &eventList{}
			m.lists[lp.Key] = l
		}
		l.maxAge = max(l.maxAge, lp.MaxAge)
		b.lists = append(b.lists, l)
	}
	places := m.place(p, b)
	for _, q := range p.Queries {
		bound := boundQuery{Query: *q, list: b.lists[q.List]}
		bound.floor = m.floor(bound.list, p.queryKey(q, ruleKeys))
		bound.SameDynamic = translate(q.SameDynamic, places)
		bound.DifferentDynamic = translate(q.DifferentDynamic, places)
		bound.index = bound.list.index(bound.signature())
		b.queries = append(b.queries, bound)
	}
	for _, l := range b.lists {
		b.indexes = append(b.indexes, slices.Clone(l.indexes))
	}
	for _, key := range ruleKeys {
		n := m.fired[key]
		if n == nil {
			n = new(atomic.Uint64)
			m.fired[key] = n
		}
		b.fired = append(b.fired, n)
	}
	m.forget(b, p)
	return b
}

// queryKey is the key of the rule that asks a query.
func (p *Plan) queryKey(q *Query, ruleKeys []string) string {
	if q.ID < len(p.QueryRules) {
		return ruleKeys[p.QueryRules[q.ID]]
	}
	return ""
}

// floor gives the floor of a rule's query. A rule that is not known yet begins with an empty window.
func (m *Memory) floor(l *eventList, rule string) *floor {
	if rule == "" {
		return &floor{list: l}
	}
	f := m.floors[rule]
	if f == nil || f.list != l {
		f = &floor{list: l, seq: l.end()}
		m.floors[rule] = f
	}
	return f
}

// place gives each compared field of a ruleset its place in Event.Dynamic. A place is never used for another field,
// so that events kept from an earlier ruleset stay readable.
func (m *Memory) place(p *Plan, b *Binding) []int {
	places := make([]int, len(p.Names))
	for i, name := range p.Names {
		places[i] = m.namePlace(name)
	}
	b.Symbols = slices.Repeat([]fields.Symbol{fields.Unknown}, len(m.names))
	for i, n := range places {
		b.Symbols[n] = p.Symbols[i]
	}
	return places
}

func (m *Memory) namePlace(name string) int {
	name = fields.Fold(name)
	n := slices.Index(m.names, name)
	if n < 0 {
		n = len(m.names)
		m.names = append(m.names, name)
	}
	return n
}

func translate(list, places []int) []int {
	var out []int
	for _, n := range list {
		out = append(out, places[n])
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// forget drops what neither the new nor the last ruleset has. The last one's stays because its engine may still be at
// work.
func (m *Memory) forget(b *Binding, p *Plan) {
	now := make(map[string]bool, len(p.Lists)+len(b.keys))
	for _, l := range p.Lists {
		now[l.Key] = true
	}
	for _, key := range b.keys {
		now[key] = true
	}
	first := m.inUse == nil
	gone := m.drop(func(key string) bool { return now[key] || m.inUse[key] })
	if first {
		m.restored.LeftOut.add(gone)
	}
	m.inUse = now
}

// drop removes what belongs to keys that are not wanted, and counts what had content.
func (m *Memory) drop(wanted func(string) bool) (gone Left) {
	for key, l := range m.lists {
		if wanted(key) {
			continue
		}
		if l.len() > 0 {
			gone.Lists++
			gone.Events += l.len()
		}
		m.bytes -= l.bytes
		l.clearEvents()
		l.gone = true
		delete(m.lists, key)
	}
	for key, n := range m.fired {
		if !wanted(key) {
			if n.Load() > 0 {
				gone.Rules++
			}
			delete(m.fired, key)
		}
	}
	for key, f := range m.floors {
		if !wanted(key) || f.list.gone {
			delete(m.floors, key)
		}
	}
	for key := range m.ignored {
		if !wanted(key) {
			gone.Ignored++
			delete(m.ignored, key)
		}
	}
	gone.Diffs = m.diffs.removeKeys(func(key string) bool { return wanted(ruleOf(key)) })
	return gone
}

// Session is one event's access to the memory. It takes the lock at the first use and holds it until End, so that one
// event sees and changes the memory as a whole. Only the firing counter of an event that changes nothing else goes
// without. The zero Session is not usable: set it up with Begin.
type Session struct {
	b      *Binding
	locked bool
	spare  spare
	hashes hashes
	kept   *kept // a copy of the current event; nil: not made yet
	// ReadOnly: nothing is changed (an event that is evaluated once more).
	ReadOnly bool
	// Plain: searches go without the index.
	Plain bool
	// Touched: something was remembered, or used up, other than a firing counter.
	Touched bool
}

// Begin starts a session.
func (s *Session) Begin(b *Binding, readOnly bool) {
	s.b, s.locked, s.ReadOnly, s.Touched = b, false, readOnly, false
	s.hashes = s.hashes[:0]
	if s.kept != nil { // an ignore period kept it from being recorded
		s.spare.kept, s.kept = s.kept, nil
	}
}

func (s *Session) lock() *Memory {
	if !s.locked {
		s.b.m.mu.Lock()
		s.locked = true
	}
	return s.b.m
}

// lockFor takes the lock for an event that lists may have to keep.
func (s *Session) lockFor(cur *Event) {
	if !s.locked {
		s.spare.fit(cur) // before the lock is taken: it may have to wait for the collector
		s.lock()
	}
}

// End releases the lock.
func (s *Session) End() {
	if s.locked {
		s.locked = false
		s.b.m.mu.Unlock()
	}
}

// Search asks a correlation query about the current event. Earlier logs are appended to logs, newest first.
func (s *Session) Search(q *Query, cur *Event, sc *pattern.Scratch, logs []string) ([]string, bool) {
	if s.ReadOnly {
		return logs, false
	}
	bound := &s.b.queries[q.ID]
	var ok bool
	if s.Plain {
		s.lockFor(cur)
		logs, ok = bound.searchPlain(cur, sc, logs)
	} else {
		hash := s.hashes.of(bound.index, cur)
		if hash == none {
			return logs, false // it is like no other, whatever is remembered
		}
		s.lockFor(cur)
		logs, ok = bound.search(hash, cur, sc, logs)
	}
	s.Touched = s.Touched || ok // what it counted is used up
	return logs, ok
}

// Record remembers the current event in lists, for later queries.
func (s *Session) Record(cur *Event, lists ...int) {
	if len(lists) == 0 || s.ReadOnly {
		return
	}
	s.copy(cur)
	m := s.lock()
	s.Touched = true
	for _, n := range lists {
		m.add(s.b.lists[n], cur, s.kept, &s.hashes)
	}
	s.kept = nil
}

// add puts an event, of which k is the copy to be kept, into a list and forgets what is too old or too much.
func (m *Memory) add(l *eventList, e *Event, k *kept, known *hashes) {
	if k.bytes() > min(maxEventBytes, m.limits.BytesPerList) {
		m.evicted.TooLarge++
		return
	}
	before := l.bytes
	l.expire(e.Time)
	for l.len() > 0 && l.len() >= m.limits.EventsPerList {
		l.drop()
		m.evicted.ListEvents++
	}
	for l.len() > 0 && l.bytes+k.bytes() > m.limits.BytesPerList {
		l.drop()
		m.evicted.ListBytes++
	}
	l.add(e, k, known)
	if !l.gone {
		m.bytes += l.bytes - before
		m.makeRoom()
	}
}

// makeRoom keeps all lists together within their limit.
func (m *Memory) makeRoom() {
	for m.bytes > m.limits.Bytes {
		var largest *eventList
		for _, l := range m.lists {
			if largest == nil || l.bytes > largest.bytes {
				largest = l
			}
		}
		before := largest.bytes
		for n := max(1, largest.len()/16); n > 0 && largest.len() > 0 && m.bytes-(before-largest.bytes) > m.limits.Bytes; n-- {
			largest.drop()
			m.evicted.Bytes++
		}
		largest.compact()
		m.bytes -= before - largest.bytes
	}
}

// Fired counts a firing of the rule with an index and gives the count.
func (s *Session) Fired(rule int) uint64 {
	if s.ReadOnly {
		return s.b.fired[rule].Load()
	}
	return s.b.fired[rule].Add(1)
}

// Hold takes the lock for an event that will be recorded in lists, if nothing keeps it from it, so that its firing and its place in
// the lists are one change.
func (s *Session) Hold(cur *Event, lists ...int) {
	if s.ReadOnly {
		return
	}
	for _, n := range lists {
		for _, x := range s.b.indexes[n] {
			s.hashes.of(x, cur)
		}
	}
	if len(lists) > 0 {
		s.copy(cur)
	}
	s.lock()
}

// copy makes the copy of the current event that lists keep. It needs no lock.
func (s *Session) copy(cur *Event) {
	if s.kept == nil {
		s.spare.fit(cur)
		s.kept = cur.keep(&s.spare)
	}
}

// Ignored says whether the ignore period of a rule (seconds) is open at a time; if not, it opens now.
func (s *Session) Ignored(rule int, period, now int64) bool {
	m := s.lock()
	key := s.b.keys[rule]
	if from, ok := m.ignored[key]; ok && now-from < period {
		return true
	}
	if !s.ReadOnly {
		m.ignored[key] = now
		s.Touched = true
	}
	return false
}
