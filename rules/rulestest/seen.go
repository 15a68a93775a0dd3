package rulestest

import "armor/rules"

// Seen is what events ended in: the base of coverage.
type Seen struct {
	// Rules by id; Decoders by name. The number is that of the events.
	Rules    map[int]int
	Decoders map[string]int
}

func (s *Seen) note(v *rules.Verdict) {
	if s.Rules == nil {
		s.Rules, s.Decoders = map[int]int{}, map[string]int{}
	}
	if r := ended(v); r != nil {
		s.Rules[r.ID]++
	}
	if v.Decoder != "" {
		s.Decoders[v.Decoder]++
	}
}

func (s *Seen) add(other Seen) {
	if s.Rules == nil {
		s.Rules, s.Decoders = map[int]int{}, map[string]int{}
	}
	for id, n := range other.Rules {
		s.Rules[id] += n
	}
	for name, n := range other.Decoders {
		s.Decoders[name] += n
	}
}
