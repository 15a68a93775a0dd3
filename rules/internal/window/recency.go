package window

import "container/list"

// recency is a bounded map; when it is full, the entry not used for the longest time goes. Keys and values must not
// share memory with an event: whoever adds one clones it.
type recency[V any] struct {
	// entries and bytes are the limits; 0: none.
	maxEntries, maxBytes int
	// size gives the bytes of a value beside those of its key.
	size    func(V) int
	byKey   map[string]*list.Element
	order   list.List // newest in front
	bytes   int
	evicted uint64
}

type recent[V any] struct {
	key   string
	value V
}

func newRecency[V any](maxEntries, maxBytes int, size func(V) int) recency[V] {
	return recency[V]{maxEntries: maxEntries, maxBytes: maxBytes, size: size, byKey: map[string]*list.Element{}}
}

func (r *recency[V]) len() int { return len(r.byKey) }

// peek finds a value and leaves the order alone.
func (r *recency[V]) peek(key string) (v V, ok bool) {
	e, ok := r.byKey[key]
	if !ok {
		return v, false
	}
	return e.Value.(*recent[V]).value, true
}

// get finds a value and makes it the newest.
func (r *recency[V]) get(key string) (v V, ok bool) {
	e, ok := r.byKey[key]
	if !ok {
		return v, false
	}
	r.order.MoveToFront(e)
	return e.Value.(*recent[V]).value, true
}

// put sets a value, makes it the newest, and makes room for it.
func (r *recency[V]) put(key string, v V) {
	if e, ok := r.byKey[key]; ok {
		n := e.Value.(*recent[V])
		r.bytes += r.size(v) - r.size(n.value)
		n.value = v
		r.order.MoveToFront(e)
	} else {
		r.byKey[key] = r.order.PushFront(&recent[V]{key, v})
		r.bytes += len(key) + r.size(v)
	}
	for r.len() > 1 && (r.maxEntries > 0 && r.len() > r.maxEntries || r.maxBytes > 0 && r.bytes > r.maxBytes) {
		r.remove(r.order.Back())
		r.evicted++
	}
}

func (r *recency[V]) remove(e *list.Element) {
	n := r.order.Remove(e).(*recent[V])
	delete(r.byKey, n.key)
	r.bytes -= len(n.key) + r.size(n.value)
}

// removeOld removes entries from the oldest on while gone says so.
func (r *recency[V]) removeOld(gone func(V) bool) {
	for e := r.order.Back(); e != nil && gone(e.Value.(*recent[V]).value); e = r.order.Back() {
		r.remove(e)
	}
}

// removeKeys removes all entries whose key is not wanted, and gives their number.
func (r *recency[V]) removeKeys(wanted func(string) bool) int {
	n := 0
	for e := r.order.Front(); e != nil; {
		next := e.Next()
		if !wanted(e.Value.(*recent[V]).key) {
			r.remove(e)
			n++
		}
		e = next
	}
	return n
}

// all gives copies of all entries, oldest first.
func (r *recency[V]) all() []recent[V] {
	out := make([]recent[V], 0, r.len())
	for e := r.order.Back(); e != nil; e = e.Prev() {
		out = append(out, *e.Value.(*recent[V]))
	}
	return out
}
