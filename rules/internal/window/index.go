package window

import (
	"hash/maphash"
	"slices"

	"armor/rules/internal/fields"
)

// signature is what events must share to be alike for a query.
type signature struct {
	same     uint32
	dynamic  []int
	location bool
	agent    bool
}

func (s *signature) equal(o *signature) bool {
	return s.same == o.same && s.location == o.location && s.agent == o.agent && slices.Equal(s.dynamic, o.dynamic)
}

// valueIndex chains the events of a list that share the values of a signature, newest first. It only proposes events:
// the query still compares the values, so that equal hashes of different values do no harm.
type valueIndex struct {
	signature signature
	seed      maphash.Seed
	newest    map[uint64]int64 // sequence of the newest event by hash
	hashes    []uint64         // by place in the list
	previous  []int64          // by place in the list: sequence of the event before; -1: none
}

// none is the hash of events that lack one of the values, and so are like no other.
const none = 0

func newIndex(s signature) *valueIndex {
	return &valueIndex{signature: s, seed: maphash.MakeSeed(), newest: map[uint64]int64{}}
}

func (x *valueIndex) clear() {
	clear(x.newest)
	x.hashes, x.previous = nil, nil
}

// hash gives the hash of an event's values.
func (x *valueIndex) hash(e *Event) uint64 {
	var h maphash.Hash
	h.SetSeed(x.seed)
	put := func(s string) {
		h.WriteString(s)
		h.WriteByte(0)
	}
	s := &x.signature
	if s.agent {
		put(e.Agent)
	}
	if s.location {
		put(e.Location)
	}
	if e.Present&s.same != s.same {
		return none
	}
	for slot := range fields.NumSlots {
		if s.same&(1<<slot) != 0 {
			put(e.Static[slot])
		}
	}
	for _, n := range s.dynamic {
		v := e.dynamic(n)
		if !v.Set {
			return none
		}
		put(v.Text)
	}
	return h.Sum64() | 1
}

// add chains an event that is appended to the list with a sequence number.
func (x *valueIndex) add(e *Event, seq int64) {
	h := x.hash(e)
	previous := int64(-1)
	if h != none {
		if n, ok := x.newest[h]; ok {
			previous = n
		}
		x.newest[h] = seq
	}
	x.hashes = append(x.hashes, h)
	x.previous = append(x.previous, previous)
}

// drop forgets the oldest event of the list.
func (x *valueIndex) drop(place int, seq int64) {
	if h := x.hashes[place]; h != none && x.newest[h] == seq {
		delete(x.newest, h)
	}
}

// index finds or makes the index of a list for a signature.
func (l *eventList) index(s signature) *valueIndex {
	for _, x := range l.indexes {
		if x.signature.equal(&s) {
			return x
		}
	}
	x := newIndex(s)
	x.hashes = make([]uint64, l.head)
	x.previous = make([]int64, l.head)
	for i := l.head; i < len(l.events); i++ {
		x.add(l.events[i], l.offset+int64(i))
	}
	l.indexes = append(l.indexes, x)
	return x
}
