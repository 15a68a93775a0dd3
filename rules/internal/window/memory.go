package window

import (
	"slices"
	"sync"

	"armor/rules/internal/fields"
	"armor/rules/internal/pattern"
)

// Limits bound what a Memory remembers.
type Limits struct {
	// EventsPerList and BytesPerList bound one list of correlation events.
	EventsPerList, BytesPerList int
	// Keys bounds the first-time-seen keys, the ignored keys and the accumulated events, each.
	Keys int
	// Diffs bounds the texts kept by check_diff, in bytes.
	Diffs int
}

// DefaultLimits are those of a Memory made with the zero Limits.
var DefaultLimits = Limits{EventsPerList: 8192, BytesPerList: 32 << 20, Keys: 200_000, Diffs: 64 << 20}

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
	// Names are the dynamic fields that correlation rules compare, Symbols their numbers in the ruleset.
	Names   []string
	Symbols []fields.Symbol
}

// Memory is what is remembered. All access goes through a Session.
type Memory struct {
	mu      sync.Mutex
	limits  Limits
	lists   map[string]*eventList
	names   []string // dynamic fields that are compared, folded, in the order of Event.Dynamic
	fired   map[string]*uint64
	inUse   map[string]bool  // keys of lists and rules of the last Bind
	ignored map[string]int64 // rule key to start of its ignore period, Unix seconds
	seen    keySet
	recent  []string // last keys of intrusion detection systems
	masked  keySet   // keys of <ignore>, compared by <check_if_ignored>
	diffs   diffs
	acc     accumulator
}

// New makes an empty Memory; a zero limit means the default.
func New(l Limits) *Memory {
	d := DefaultLimits
	if l.EventsPerList <= 0 {
		l.EventsPerList = d.EventsPerList
	}
	if l.BytesPerList <= 0 {
		l.BytesPerList = d.BytesPerList
	}
	if l.Keys <= 0 {
		l.Keys = d.Keys
	}
	if l.Diffs <= 0 {
		l.Diffs = d.Diffs
	}
	m := &Memory{limits: l}
	m.reset()
	return m
}

func (m *Memory) reset() {
	m.lists = map[string]*eventList{}
	m.fired = map[string]*uint64{}
	m.ignored = map[string]int64{}
	m.seen = keySet{limit: m.limits.Keys}
	m.recent = nil
	m.masked = keySet{limit: m.limits.Keys}
	m.diffs = diffs{limit: m.limits.Diffs}
	m.acc = accumulator{limit: m.limits.Keys}
}

// Reset forgets everything. Bindings made before stay usable.
func (m *Memory) Reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.lists {
		l.clearEvents()
	}
	for _, n := range m.fired {
		*n = 0
	}
	lists, fired := m.lists, m.fired
	m.reset()
	m.lists, m.fired = lists, fired
}

// Stats counts what is remembered.
type Stats struct {
	Events  int
	Evicted uint64
	Keys    int
}

// Stats counts what is remembered, and what was forgotten early.
func (m *Memory) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	var s Stats
	for _, l := range m.lists {
		s.Events += l.len()
		s.Evicted += l.evicted
	}
	s.Keys = m.seen.len() + m.masked.len()
	s.Evicted += m.seen.evicted + m.masked.evicted + m.diffs.evicted + m.acc.evicted
	return s
}

// Binding is a Memory seen with the lists and counters of one ruleset.
type Binding struct {
	m       *Memory
	lists   []*eventList
	queries []boundQuery
	fired   []*uint64
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
		bound.SameDynamic = translate(q.SameDynamic, places)
		bound.DifferentDynamic = translate(q.DifferentDynamic, places)
		bound.index = bound.list.index(bound.signature())
		b.queries = append(b.queries, bound)
	}
	for _, key := range ruleKeys {
		n := m.fired[key]
		if n == nil {
			n = new(uint64)
			m.fired[key] = n
		}
		b.fired = append(b.fired, n)
	}
	m.forget(b, p)
	return b
}

// place gives each compared field of a ruleset its place in Event.Dynamic. A place is never used for another field,
// so that events kept from an earlier ruleset stay readable.
func (m *Memory) place(p *Plan, b *Binding) []int {
	places := make([]int, len(p.Names))
	for i, name := range p.Names {
		name = fields.Fold(name)
		n := slices.Index(m.names, name)
		if n < 0 {
			n = len(m.names)
			m.names = append(m.names, name)
		}
		places[i] = n
	}
	b.Symbols = slices.Repeat([]fields.Symbol{fields.Unknown}, len(m.names))
	for i, n := range places {
		b.Symbols[n] = p.Symbols[i]
	}
	return places
}

func translate(list, places []int) []int {
	var out []int
	for _, n := range list {
		out = append(out, places[n])
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// forget drops lists and counters that neither the new nor the last ruleset has.
func (m *Memory) forget(b *Binding, p *Plan) {
	now := make(map[string]bool, len(p.Lists)+len(b.keys))
	for _, l := range p.Lists {
		now[l.Key] = true
	}
	for _, key := range b.keys {
		now[key] = true
	}
	for key := range m.lists {
		if !now[key] && !m.inUse[key] {
			delete(m.lists, key)
		}
	}
	for key := range m.fired {
		if !now[key] && !m.inUse[key] {
			delete(m.fired, key)
		}
	}
	for key := range m.ignored {
		if !now[key] && !m.inUse[key] {
			delete(m.ignored, key)
		}
	}
	m.inUse = now
}

// Session is one event's access to the memory. It takes the lock at the first use and holds it until End, so that one
// event sees and changes the memory as a whole. The zero Session is not usable: set it up with Begin.
type Session struct {
	b      *Binding
	locked bool
	// ReadOnly: nothing is changed (an event that is evaluated once more).
	ReadOnly bool
}

// Begin starts a session.
func (s *Session) Begin(b *Binding, readOnly bool) {
	s.b, s.locked, s.ReadOnly = b, false, readOnly
}

func (s *Session) lock() *Memory {
	if !s.locked {
		s.b.m.mu.Lock()
		s.locked = true
	}
	return s.b.m
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
	s.lock()
	if s.ReadOnly {
		return logs, false
	}
	return s.b.queries[q.ID].search(cur, sc, logs)
}

// Record remembers the current event in lists, for later queries.
func (s *Session) Record(cur *Event, lists ...int) {
	if len(lists) == 0 || s.ReadOnly {
		return
	}
	m := s.lock()
	e := cur.clone()
	for _, n := range lists {
		s.b.lists[n].add(e, m.limits)
	}
}

// Fired counts a firing of the rule with an index and gives the count.
func (s *Session) Fired(rule int) uint64 {
	s.lock()
	n := s.b.fired[rule]
	if !s.ReadOnly {
		*n++
	}
	return *n
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
	}
	return false
}
