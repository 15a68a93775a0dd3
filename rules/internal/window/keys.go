package window

import "container/list"

// keySet is a bounded set of strings; when it is full, the key not used for the longest time goes.
type keySet struct {
	limit   int
	byKey   map[string]*keyEntry
	order   keyList
	evicted uint64
}

type keyList = list.List

type keyEntry = list.Element

func (k *keySet) len() int { return len(k.byKey) }

// has says whether a key is in the set.
func (k *keySet) has(key string) bool {
	e, ok := k.byKey[key]
	if ok {
		k.order.MoveToFront(e)
	}
	return ok
}

// add puts a key in; it says whether it is new.
func (k *keySet) add(key string) bool {
	if k.has(key) {
		return false
	}
	if k.byKey == nil {
		k.byKey = map[string]*keyEntry{}
	}
	for len(k.byKey) >= k.limit {
		last := k.order.Back()
		delete(k.byKey, k.order.Remove(last).(string))
		k.evicted++
	}
	k.byKey[key] = k.order.PushFront(key)
	return true
}

// maxKey is how many bytes of a key count.
const maxKey = 256

// FirstSeen says whether a key is seen for the first time, and remembers it.
func (s *Session) FirstSeen(key []byte) bool {
	m := s.lock()
	if len(key) > maxKey {
		key = key[:maxKey]
	}
	if _, ok := m.seen.byKey[string(key)]; ok || s.ReadOnly {
		return !ok
	}
	return m.seen.add(string(key))
}

// Intrusion detection systems name many things that differ in their last bytes only: after a few that share their
// first similarPrefix bytes, all others that do so are one.
const (
	similarPrefix = 14
	similarCount  = 3
	similarRecent = 32
)

// FirstSeenIDS is FirstSeen for keys of intrusion detection systems.
func (s *Session) FirstSeenIDS(key []byte) bool {
	m := s.lock()
	alike := 0
	for _, k := range m.recent {
		if len(key) > similarPrefix && len(k) > similarPrefix && k[:similarPrefix+1] == string(key[:similarPrefix+1]) {
			alike++
		}
	}
	if alike >= similarCount {
		key = key[:similarPrefix]
	}
	first := s.FirstSeen(key)
	if first && !s.ReadOnly {
		if len(m.recent) == similarRecent {
			m.recent = append(m.recent[:0], m.recent[1:]...)
		}
		m.recent = append(m.recent, string(key[:min(len(key), maxKey)]))
	}
	return first
}

// Mask remembers a key of <ignore>.
func (s *Session) Mask(key []byte) {
	m := s.lock()
	if !s.ReadOnly {
		m.masked.add(string(key[:min(len(key), maxKey)]))
	}
}

// Masked says whether a key was given to Mask.
func (s *Session) Masked(key []byte) bool {
	m := s.lock()
	return m.masked.has(string(key[:min(len(key), maxKey)]))
}
