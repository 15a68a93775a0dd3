package window

import "slices"

// recency is a bounded map; when it is full, the entry not used for the longest time goes. Keys and values must not
// share memory with an event: whoever adds one clones it. Its entries lie in one slice, so that a snapshot copies them
// at once.
type recency[V any] struct {
	maxEntries, maxBytes int         // 0: no limit
	size                 func(V) int // bytes of a value beside those of its key
	byKey                map[string]int32
	entries              []recent[V] // entries[0] stands before the newest and behind the oldest
	free                 []int32
	bytes                int
	evicted              uint64
}

type recent[V any] struct {
	key          string
	value        V
	newer, older int32
}

func newRecency[V any](maxEntries, maxBytes int, size func(V) int) recency[V] {
	return recency[V]{maxEntries: maxEntries, maxBytes: maxBytes, size: size, byKey: map[string]int32{}, entries: make([]recent[V], 1)}
}

func (r *recency[V]) len() int { return len(r.byKey) }

// peek finds a value and leaves the order alone.
func (r *recency[V]) peek(key string) (v V, ok bool) {
	n, ok := r.byKey[key]
	if !ok {
		return v, false
	}
	return r.entries[n].value, true
}

// get finds a value and makes it the newest.
func (r *recency[V]) get(key string) (v V, ok bool) {
	n, ok := r.byKey[key]
	if !ok {
		return v, false
	}
	r.unlink(n)
	r.link(n)
	return r.entries[n].value, true
}

func (r *recency[V]) unlink(n int32) {
	e := &r.entries[n]
	r.entries[e.newer].older = e.older
	r.entries[e.older].newer = e.newer
}

// link makes an entry the newest.
func (r *recency[V]) link(n int32) {
	newest := r.entries[0].older
	r.entries[n].newer, r.entries[n].older = 0, newest
	r.entries[newest].newer = n
	r.entries[0].older = n
}

// oldest is the entry not used for the longest time; 0: there is none.
func (r *recency[V]) oldest() int32 { return r.entries[0].newer }

// put sets a value, makes it the newest, and makes room for it.
func (r *recency[V]) put(key string, v V) {
	n, ok := r.byKey[key]
	switch {
	case ok:
		r.unlink(n)
		r.bytes += r.size(v) - r.size(r.entries[n].value)
		r.entries[n].value = v
	default:
		if last := len(r.free) - 1; last >= 0 {
			n, r.free = r.free[last], r.free[:last]
		} else {
			n = int32(len(r.entries))
			r.entries = append(r.entries, recent[V]{})
		}
		r.entries[n].key, r.entries[n].value = key, v
		r.byKey[key] = n
		r.bytes += len(key) + r.size(v)
	}
	r.link(n)
	for r.len() > 1 && (r.maxEntries > 0 && r.len() > r.maxEntries || r.maxBytes > 0 && r.bytes > r.maxBytes) {
		r.remove(r.oldest())
		r.evicted++
	}
}

func (r *recency[V]) remove(n int32) {
	e := &r.entries[n]
	r.unlink(n)
	delete(r.byKey, e.key)
	r.bytes -= len(e.key) + r.size(e.value)
	*e = recent[V]{}
	r.free = append(r.free, n)
}

// removeOld removes entries from the oldest on while gone says so.
func (r *recency[V]) removeOld(gone func(V) bool) {
	for n := r.oldest(); n != 0 && gone(r.entries[n].value); n = r.oldest() {
		r.remove(n)
	}
}

// removeKeys removes all entries whose key is not wanted, and gives their number.
func (r *recency[V]) removeKeys(wanted func(string) bool) int {
	removed := 0
	for n := r.oldest(); n != 0; {
		next := r.entries[n].newer
		if !wanted(r.entries[n].key) {
			r.remove(n)
			removed++
		}
		n = next
	}
	return removed
}

// copied is a copy of the entries at one moment.
type copied[V any] []recent[V]

func (r *recency[V]) copy() copied[V] { return slices.Clone(r.entries) }

// all gives the entries, oldest first.
func (c copied[V]) all(yield func(string, V) bool) {
	if len(c) == 0 {
		return
	}
	for n := c[0].newer; n != 0; n = c[n].newer {
		if !yield(c[n].key, c[n].value) {
			return
		}
	}
}

// add puts an entry behind the others.
func (c *copied[V]) add(key string, v V) {
	if len(*c) == 0 {
		*c = make([]recent[V], 1)
	}
	n := int32(len(*c))
	last := (*c)[0].older
	*c = append(*c, recent[V]{key: key, value: v, older: last})
	(*c)[last].newer = n
	(*c)[0].older = n
}
