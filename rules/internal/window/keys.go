package window

import "strings"

// maxKey is how many bytes of a key count.
const maxKey = 256

type nothing = struct{}

func noSize(nothing) int { return 0 }

func cutKey(key []byte) string { return string(key[:min(len(key), maxKey)]) }

// FirstSeen says whether a key is seen for the first time, and remembers it.
func (s *Session) FirstSeen(key []byte) bool {
	m := s.lock()
	if len(key) > maxKey {
		key = key[:maxKey]
	}
	if s.ReadOnly {
		_, ok := m.seen.peek(string(key))
		return !ok
	}
	if _, ok := m.seen.get(string(key)); ok {
		return false
	}
	m.seen.put(string(key), nothing{})
	s.Touched = true
	return true
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
		m.recent = append(m.recent, cutKey(key))
	}
	return first
}

// Mask remembers a key of <ignore>.
func (s *Session) Mask(key []byte) {
	m := s.lock()
	if !s.ReadOnly {
		m.masked.put(cutKey(key), nothing{})
		s.Touched = true
	}
}

// Masked says whether a key was given to Mask.
func (s *Session) Masked(key []byte) bool {
	m := s.lock()
	if len(key) > maxKey {
		key = key[:maxKey]
	}
	if s.ReadOnly {
		_, ok := m.masked.peek(string(key))
		return ok
	}
	_, ok := m.masked.get(string(key))
	return ok
}

// diffKey is the key of a text that check_diff compares: the rule, so that a rule that changed starts anew, and the
// rest.
func diffKey(rule string, source []byte) string { return rule + "\x00" + string(source) }

// ruleOf gives the rule of a diffKey.
func ruleOf(key string) string {
	rule, _, _ := strings.Cut(key, "\x00")
	return rule
}

// Changed says whether a text differs from the last one of the same rule and source, and remembers it. The first text
// is no change.
func (s *Session) Changed(rule int, source []byte, text string) bool {
	m := s.lock()
	key := diffKey(s.b.keys[rule], source)
	if s.ReadOnly {
		old, known := m.diffs.peek(key)
		return known && old != text
	}
	old, known := m.diffs.get(key)
	if known && old == text {
		return false
	}
	if len(key)+len(text) > maxEventBytes {
		m.evicted.TooLarge++
		return known
	}
	m.diffs.put(key, strings.Clone(text))
	s.Touched = true
	return known
}
