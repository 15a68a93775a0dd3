package window

import (
	"strings"

	"armor/rules/internal/fields"
)

// accumulateExpiry is how long carried fields live without a new event, in seconds.
const accumulateExpiry = 120

// carried lists the static fields that accumulate carries on.
var carried = [...]fields.Slot{fields.DstUser, fields.SrcUser, fields.DstIP, fields.SrcIP, fields.DstPort, fields.SrcPort, fields.Data}

// accumulated holds the fields that one id carries on. It is not changed once it is remembered.
type accumulated struct {
	time    int64
	values  [len(carried)]string
	present [len(carried)]bool
}

func (a *accumulated) size() int {
	n := 200
	for _, v := range a.values {
		n += len(v)
	}
	return n
}

// Accumulate fills the fields of the current event from earlier ones with the same key and remembers those it has.
// Of a key that is not used for accumulateExpiry seconds nothing is left.
func (s *Session) Accumulate(key string, now int64, set *fields.Set) {
	m := s.lock()
	gone := func(a *accumulated) bool { return now-a.time > accumulateExpiry }
	old, _ := m.acc.peek(key)
	if old != nil && gone(old) {
		old = nil
	}
	if old != nil {
		for i, slot := range carried {
			if old.present[i] {
				set.Put(slot, old.values[i])
			}
		}
	}
	if s.ReadOnly {
		return
	}
	m.acc.removeOld(gone)
	e := &accumulated{time: now}
	for i, slot := range carried {
		v, ok := set.Static(slot)
		switch {
		case !ok:
			continue
		case old != nil && old.present[i] && old.values[i] == v:
			e.values[i] = old.values[i]
		default:
			e.values[i] = strings.Clone(v)
		}
		e.present[i] = true
	}
	if len(key)+e.size() > maxEventBytes {
		m.evicted.TooLarge++
		return
	}
	m.acc.put(strings.Clone(key), e)
	s.Touched = true
}
