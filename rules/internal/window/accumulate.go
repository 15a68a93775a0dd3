package window

import (
	"strings"

	"armor/rules/internal/fields"
)

// accumulateExpiry is how long carried fields live without a new event, in seconds.
const accumulateExpiry = 120

// carried lists the static fields that accumulate carries on.
var carried = [...]fields.Slot{fields.DstUser, fields.SrcUser, fields.DstIP, fields.SrcIP, fields.DstPort, fields.SrcPort, fields.Data}

// accumulator carries fields from one event of an id to the next.
type accumulator struct {
	limit   int
	entries map[string]*accumulated
	evicted uint64
}

type accumulated struct {
	time    int64
	values  [len(carried)]string
	present [len(carried)]bool
}

// Accumulate fills the fields of the current event from earlier ones with the same key and remembers those it has.
func (s *Session) Accumulate(key string, now int64, set *fields.Set) {
	m := s.lock()
	a := &m.acc
	e := a.entries[key]
	if e != nil && now-e.time > accumulateExpiry {
		delete(a.entries, key)
		e = nil
	}
	if e != nil {
		for i, slot := range carried {
			if e.present[i] {
				set.Put(slot, e.values[i])
			}
		}
	}
	if s.ReadOnly {
		return
	}
	if e == nil {
		if a.entries == nil {
			a.entries = map[string]*accumulated{}
		}
		if len(a.entries) >= a.limit {
			a.expire(now)
		}
		e = &accumulated{}
		a.entries[strings.Clone(key)] = e
	}
	e.time = now
	for i, slot := range carried {
		if v, ok := set.Static(slot); ok && (!e.present[i] || e.values[i] != v) {
			e.values[i], e.present[i] = strings.Clone(v), true
		}
	}
}

// expire makes room: entries past their time first, else any.
func (a *accumulator) expire(now int64) {
	for k, e := range a.entries {
		if now-e.time > accumulateExpiry {
			delete(a.entries, k)
		}
	}
	for k := range a.entries {
		if len(a.entries) < a.limit {
			return
		}
		delete(a.entries, k)
		a.evicted++
	}
}
