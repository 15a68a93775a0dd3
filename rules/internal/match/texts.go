package match

import (
	"math/bits"

	"armor/rules/internal/fields"
	"armor/rules/internal/pattern"
)

// textIndex is a group of rules with what is known of the texts that they need. A set of them has a bit for each.
type textIndex struct {
	rules []trial
	// Rules that fail where the event does not have a text: a dynamic field, or one of the others.
	dynamic, fixed []need
	// Texts of which it pays to ask which rules can match them.
	texts []indexedText
}

// need is a text with some of the rules that need it: those of one word of a set.
type need struct {
	text  int32 // a dynamic field's symbol, or the bit of another text in Context.texts
	word  int32
	rules uint64
}

// indexedText is a text with the rules that need it.
type indexedText struct {
	source     source
	candidates *pattern.Candidates
	rules      []uint64
}

// Bits of texts, beside those of the static fields.
const (
	hasProgram = iota + int32(fields.NumSlots)
	hasHostname
	hasLocation
)

// findTexts notes which texts the event has.
func (x *Context) findTexts() {
	x.texts = x.Event.Fields.Present()
	if x.Event.Header.ProgramName != "" {
		x.texts |= 1 << hasProgram
	}
	if x.Hostname != "" {
		x.texts |= 1 << hasHostname
	}
	if x.Location != "" {
		x.texts |= 1 << hasLocation
	}
}

// bit is the text's bit; false: there is none, because it is a dynamic field or every event has it.
func (s *source) bit() (int32, bool) {
	switch s.kind {
	case fromProgram:
		return hasProgram, true
	case fromHostname:
		return hasHostname, true
	case fromLocation:
		return hasLocation, true
	case fromStatic:
		return int32(s.slot), true
	}
	return 0, false
}

// A text is looked at as a whole for so many rules at least, and for one more with every so many bytes of it.
const fewest, textPerRule = 2, 200

// collect adds the rules of which every text is there and may match.
func (t *textIndex) collect(x *Context, from int) {
	x.candidates = appendAll(x.candidates[:0], len(t.rules))
	set := x.candidates
	for i := range t.fixed {
		if n := &t.fixed[i]; x.texts&(1<<n.text) == 0 {
			set[n.word] &^= n.rules
		}
	}
	for i := range t.dynamic {
		n := &t.dynamic[i]
		if set[n.word]&n.rules == 0 {
			continue
		}
		if _, ok := x.Event.Fields.Get(n.text); !ok {
			set[n.word] &^= n.rules
		}
	}
	for i := range t.texts {
		t := &t.texts[i]
		n := common(set, t.rules)
		if n < fewest {
			continue
		}
		text, _ := t.source.of(x)
		if n < fewest+len(text)/textPerRule {
			continue
		}
		x.matching = t.candidates.Of(text, &x.Event.Scratch, x.matching[:0])
		for w, bits := range x.matching {
			set[w] &= bits
		}
	}
	for w, set := range set {
		for ; set != 0; set &= set - 1 {
			x.addTrial(t.rules[w*64+bits.TrailingZeros64(set)], from)
		}
	}
}

// appendAll appends a set of so many, all of them.
func appendAll(set []uint64, n int) []uint64 {
	for ; n > 64; n -= 64 {
		set = append(set, ^uint64(0))
	}
	return append(set, ^uint64(0)>>(64-n))
}

// common counts the bits of a that b has.
func common(a, b []uint64) int {
	n := 0
	for i := range a {
		n += bits.OnesCount64(a[i] & b[i])
	}
	return n
}
