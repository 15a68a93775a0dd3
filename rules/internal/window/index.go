package window

import (
	"hash/maphash"
	"math/bits"
	"slices"
)

// signature is what events must share to be alike for a query, and what they must not share.
type signature struct {
	same, different values
}

// values are some of an event's values.
type values struct {
	static          uint32 // bit set of slots
	dynamic         []int
	location, agent bool
}

func (v *values) empty() bool { return v.static == 0 && len(v.dynamic) == 0 && !v.location && !v.agent }

func (v *values) equal(o *values) bool {
	return v.static == o.static && v.location == o.location && v.agent == o.agent && slices.Equal(v.dynamic, o.dynamic)
}

// shared says whether a kept event and another have all of the values, and the same.
func (v *values) shared(a *kept, b *Event) bool {
	if v.agent && a.text(spanAgent) != b.Agent || v.location && a.text(spanLocation) != b.Location || a.present&b.Present&v.static != v.static {
		return false
	}
	for set := v.static; set != 0; set &= set - 1 {
		if s := bits.TrailingZeros32(set); a.static(s) != b.Static[s] {
			return false
		}
	}
	for _, n := range v.dynamic {
		if x, y := a.dynamic(n), b.dynamic(n); !x.Set || !y.Set || x.Text != y.Text {
			return false
		}
	}
	return true
}

// anyShared says whether a kept event and another have one of the values, and the same.
func (v *values) anyShared(a *kept, b *Event) bool {
	if v.agent && a.text(spanAgent) == b.Agent || v.location && a.text(spanLocation) == b.Location {
		return true
	}
	for set := v.static & a.present & b.Present; set != 0; set &= set - 1 {
		if s := bits.TrailingZeros32(set); a.static(s) == b.Static[s] {
			return true
		}
	}
	for _, n := range v.dynamic {
		if x, y := a.dynamic(n), b.dynamic(n); x.Set && y.Set && x.Text == y.Text {
			return true
		}
	}
	return false
}

// valueIndex chains the events of a list that share the values of a signature, newest first. It only proposes events:
// the query still compares the values, so that equal hashes of different values do no harm.
type valueIndex struct {
	signature signature
	seed      maphash.Seed
	chains    map[uint64]chain // by hash
	hashes    []uint64         // by place in the list
	previous  []int64          // by place in the list: sequence of the event before; -1: none
	// differing has, by place in the list, the event before that does not share the different values with this one and with all
	// in between; -1: none. It is kept only where the signature has such values.
	differing []int64
}

// chain is where a chain of events begins, and how many of it the list still has.
type chain struct {
	newest int64 // its sequence
	count  int
}

// none is the hash of events that lack one of the values, and so are like no other.
const none = 0

func newIndex(s signature) *valueIndex {
	return &valueIndex{signature: s, seed: maphash.MakeSeed(), chains: map[uint64]chain{}}
}

func (x *valueIndex) clear() {
	clear(x.chains)
	x.hashes, x.previous, x.differing = nil, nil, nil
}

// hash gives the hash of an event's values. It may be asked without the lock.
func (x *valueIndex) hash(e *Event) uint64 {
	const odd = 0x9e3779b97f4a7c15
	v := &x.signature.same
	if e.Present&v.static != v.static {
		return none
	}
	h := uint64(1)
	if v.agent {
		h = h*odd ^ maphash.String(x.seed, e.Agent)
	}
	if v.location {
		h = bits.RotateLeft64(h, 29)*odd ^ maphash.String(x.seed, e.Location)
	}
	for set := v.static; set != 0; set &= set - 1 {
		h = bits.RotateLeft64(h, 29)*odd ^ maphash.String(x.seed, e.Static[bits.TrailingZeros32(set)])
	}
	for _, n := range v.dynamic {
		d := e.dynamic(n)
		if !d.Set {
			return none
		}
		h = bits.RotateLeft64(h, 29)*odd ^ maphash.String(x.seed, d.Text)
	}
	return h | 1
}

// add chains the event that the list gets next.
func (x *valueIndex) add(l *eventList, e *Event, hash uint64) {
	previous := int64(-1)
	if hash != none {
		c := x.chains[hash]
		if c.count > 0 {
			previous = c.newest
		}
		x.chains[hash] = chain{newest: l.end(), count: c.count + 1}
	}
	x.hashes = append(x.hashes, hash)
	x.previous = append(x.previous, previous)
	if x.signature.different.empty() {
		return
	}
	differing := previous
	if previous >= 0 {
		if place := previous - l.offset; x.signature.different.shared(l.events[place], e) {
			differing = x.differing[place]
		}
	}
	x.differing = append(x.differing, differing)
}

// drop forgets the oldest event of the list.
func (x *valueIndex) drop(place int) {
	h := x.hashes[place]
	if h == none {
		return
	}
	if c := x.chains[h]; c.count > 1 {
		c.count--
		x.chains[h] = c
	} else {
		delete(x.chains, h)
	}
}

// shift forgets the first n places.
func (x *valueIndex) shift(n int) {
	x.hashes = shift(x.hashes, n)
	x.previous = shift(x.previous, n)
	if !x.signature.different.empty() {
		x.differing = shift(x.differing, n)
	}
}

// index finds or makes the index of a list for a signature.
func (l *eventList) index(s signature) *valueIndex {
	for _, x := range l.indexes {
		if x.signature.same.equal(&s.same) && x.signature.different.equal(&s.different) {
			return x
		}
	}
	x := newIndex(s)
	before := eventList{offset: l.offset}
	var e Event
	for i, k := range l.events {
		before.events = l.events[:i]
		if i < l.head {
			x.add(&before, nil, none)
		} else {
			k.event(&e)
			x.add(&before, &e, x.hash(&e))
		}
	}
	l.indexes = append(l.indexes, x)
	return x
}

// hashed is the hash of the current event in an index.
type hashed struct {
	index *valueIndex
	hash  uint64
}

// hashes are those of the current event, each made once.
type hashes []hashed

func (h *hashes) of(x *valueIndex, e *Event) uint64 {
	if h == nil {
		return x.hash(e)
	}
	for i := range *h {
		if (*h)[i].index == x {
			return (*h)[i].hash
		}
	}
	hash := x.hash(e)
	*h = append(*h, hashed{x, hash})
	return hash
}
