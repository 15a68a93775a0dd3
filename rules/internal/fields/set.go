package fields

// Dynamic is a field that has no slot.
type Dynamic struct {
	Name   string
	Value  string
	Symbol Symbol
	// Array: Value is the JSON text of an array.
	Array bool
}

// Set holds the fields of one event. Make it with NewSet and reuse it: a warm one allocates nothing.
type Set struct {
	static  [NumSlots]string
	present uint32
	dynamic []Dynamic
	first   []int32 // symbol plus one to index in dynamic plus one; 0: absent. The first stands for all unknown names
}

// NewSet makes a set for the names of a ruleset.
func NewSet(s *Symbols) Set { return Set{first: make([]int32, s.Len()+1)} }

// Reset empties the set.
func (s *Set) Reset() {
	if s.present != 0 {
		s.static = [NumSlots]string{}
		s.present = 0
	}
	first := s.first
	for i := range s.dynamic {
		first[s.dynamic[i].Symbol+1] = 0
	}
	clear(s.dynamic)
	s.dynamic = s.dynamic[:0]
}

// Put sets a static field.
func (s *Set) Put(slot Slot, value string) {
	s.static[slot] = value
	s.present |= 1 << slot
}

// Drop removes a static field.
func (s *Set) Drop(slot Slot) {
	s.static[slot] = ""
	s.present &^= 1 << slot
}

// Add adds a dynamic field. When a name comes twice, Get gives the first value.
func (s *Set) Add(d Dynamic) {
	s.dynamic = append(s.dynamic, d)
	if first := &s.first[d.Symbol+1]; *first == 0 {
		*first = int32(len(s.dynamic))
	}
}

// Take takes over the fields that stand in list behind those that Dynamic gives: static ones, which OfSlot marks, go
// into their slots. The list belongs to the set from then on.
func (s *Set) Take(list []Dynamic) {
	first := s.first
	// From the last to the first, so that the first of a name stays without a look at what is there.
	for i := len(list) - 1; i >= 0; i-- {
		n := list[i].Symbol
		if n < Unknown {
			list = s.putStatic(list)
			i = len(list)
			continue
		}
		first[n+1] = int32(i + 1)
	}
	s.dynamic = list
}

// putStatic puts the static fields of a list into their slots and returns the others.
func (s *Set) putStatic(list []Dynamic) []Dynamic {
	n := 0
	for i := range list {
		d := &list[i]
		switch {
		case d.Symbol >= Unknown:
			if i > n {
				list[n] = *d
			}
			n++
		case d.Name == "user" && s.present&(1<<DstUser) != 0: // the other name of dstuser
		default:
			s.Put(Slot(Unknown-1-d.Symbol), d.Value)
		}
	}
	clear(list[n:])
	return list[:n]
}

// Static gives a static field.
func (s *Set) Static(slot Slot) (string, bool) {
	return s.static[slot], s.present&(1<<slot) != 0
}

// Present has the bit of each static field that is set.
func (s *Set) Present() uint32 { return s.present }

// Get gives a dynamic field by its number.
func (s *Set) Get(n Symbol) (string, bool) {
	if n < 0 {
		return "", false
	}
	if i := s.first[n+1]; i > 0 {
		return s.dynamic[i-1].Value, true
	}
	return "", false
}

// Find gives a dynamic field by its name, without regard to ASCII case. It is the slow way, for names not known at
// load.
func (s *Set) Find(name string) (string, bool) {
	for i := range s.dynamic {
		if d := &s.dynamic[i]; len(d.Name) == len(name) && EqualFold(d.Name, name) {
			return d.Value, true
		}
	}
	return "", false
}

// Dynamic gives all dynamic fields in order of arrival. The slice belongs to the set.
func (s *Set) Dynamic() []Dynamic { return s.dynamic }

// Empty says whether there is no field at all.
func (s *Set) Empty() bool { return s.present == 0 && len(s.dynamic) == 0 }
