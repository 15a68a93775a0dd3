package pattern

// valueSet holds whole texts, ASCII case ignored, in an open hash table.
type valueSet struct {
	slots    []string
	used     []bool
	mask     uint32
	shortest int
	longest  int
}

// newValueSet makes a set of lower-cased values.
func newValueSet(values []string) *valueSet {
	size := 4
	for size < 2*len(values) {
		size *= 2
	}
	s := &valueSet{slots: make([]string, size), used: make([]bool, size), mask: uint32(size - 1), shortest: -1}
	for _, v := range values {
		i := foldHash(v) & s.mask
		for s.used[i] && s.slots[i] != v {
			i = (i + 1) & s.mask
		}
		s.slots[i], s.used[i] = v, true
		if s.shortest < 0 || len(v) < s.shortest {
			s.shortest = len(v)
		}
		s.longest = max(s.longest, len(v))
	}
	return s
}

func (s *valueSet) has(text string) bool {
	if len(text) < s.shortest || len(text) > s.longest {
		return false
	}
	for i := foldHash(text) & s.mask; s.used[i]; i = (i + 1) & s.mask {
		if equalFold(text, s.slots[i]) {
			return true
		}
	}
	return false
}

// foldHash is FNV-1a over the lower-cased bytes.
func foldHash(text string) uint32 {
	h := uint32(2166136261)
	for i := 0; i < len(text); i++ {
		h = (h ^ uint32(lower[text[i]])) * 16777619
	}
	return h
}
