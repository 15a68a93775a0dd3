package pattern

// valueSet holds whole texts, ASCII case ignored, in an open hash table.
type valueSet struct {
	shortest, longest int
	list              []string // of few values: all of them
	slots             []string // of many: a hash table by open addressing
	used              []bool
	mask              uint32
}

// fewValues are compared one by one.
const fewValues = 3

// newValueSet makes a set of lower-cased values.
func newValueSet(values []string) *valueSet {
	s := &valueSet{shortest: -1}
	for _, v := range values {
		if s.shortest < 0 || len(v) < s.shortest {
			s.shortest = len(v)
		}
		s.longest = max(s.longest, len(v))
	}
	if len(values) <= fewValues {
		s.list = values
		return s
	}
	size := 4
	for size < 2*len(values) {
		size *= 2
	}
	s.slots, s.used, s.mask = make([]string, size), make([]bool, size), uint32(size-1)
	for _, v := range values {
		i := foldHash(v) & s.mask
		for s.used[i] && s.slots[i] != v {
			i = (i + 1) & s.mask
		}
		s.slots[i], s.used[i] = v, true
	}
	return s
}

func (s *valueSet) has(text string) bool {
	if len(text) < s.shortest || len(text) > s.longest {
		return false
	}
	if s.slots == nil {
		for _, v := range s.list {
			if equalFold(text, v) {
				return true
			}
		}
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
