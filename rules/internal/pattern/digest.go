package pattern

import "unsafe"

// Bounds of a digest.
const (
	digestBits = 12
	// patience is how often a text may be asked about as a whole before a digest is cheaper.
	patience = 4
	// From often on, in sixteenths, texts are usually asked about so often that it is made at once: with a digest fewer questions
	// come than without. maxUsual bounds what one text counts for.
	often, maxUsual = 16 * 5 / 2, 64
	// maxDigest is the longest text of which a digest is made, in bytes: of a longer one it would say too little.
	maxDigest = 4096
)

// digest knows where in a text each group of four bytes stands first, ASCII case ignored; groups of equal hashes count as one. One
// look at the text spares many searches for literals that it does not have, and most of the way to those that it has.
type digest struct {
	text  string // which may be looked at in parts
	made  bool
	asked int // how many bytes of text were asked about so far
	// usual is how often a text is asked about as a whole, in sixteenths, on an average that forgets the texts of long ago;
	// 0: there was none yet. JSON objects have one of their own: fewer rules look at their text.
	usual [2]int
	// By hash: base plus one plus the index of the first such group. What is not above base is left from other texts, which
	// ended before next.
	first      [1 << digestBits]uint16
	base, next uint16
}

// Cover has the Scratch make a digest of a text when that is likely to pay, until the next Reset. The text must not change as long.
func (sc *Scratch) Cover(text string) {
	d := &sc.digest
	if len(d.text) > 0 {
		usual := d.kind()
		*usual = max(*usual+(min(16*d.asked/len(d.text), 16*maxUsual)-*usual)/16, 1)
	}
	if len(text) > maxDigest {
		text = ""
	}
	d.text, d.made, d.asked = text, false, 0
}

// covers says whether a text is all or a part of the one that was covered, of which there is a digest now; before is where in it.
// again: the same was asked before, and it counts as one question.
func (d *digest) covers(text string, again bool) (before int, ok bool) {
	before, ok = Within(text, d.text)
	if !ok {
		return 0, false
	}
	if !again {
		d.asked += len(text)
	}
	return before, d.made || d.pays()
}

// Within says whether a text is a part of another's memory, and where in it.
func Within(text, whole string) (at int, ok bool) {
	// A text that begins before the other is far behind it, unsigned.
	begin, length := addressOf(text)-addressOf(whole), uintptr(len(whole))
	return int(begin), begin <= length && uintptr(len(text)) <= length-begin
}

// addressOf is where a text lies in memory.
func addressOf(text string) uintptr { return uintptr(unsafe.Pointer(unsafe.StringData(text))) }

// pays makes the digest, unless so little was asked so far, and is usually, that searching is cheaper.
func (d *digest) pays() bool {
	if usual := *d.kind(); usual > 0 && usual < often && d.asked < patience*len(d.text) {
		return false
	}
	d.make()
	return true
}

// kind gives the average that the text counts for.
func (d *digest) kind() *int {
	if len(d.text) > 0 && d.text[0] == '{' {
		return &d.usual[1]
	}
	return &d.usual[0]
}

func (d *digest) make() {
	d.made = true
	if d.base = d.next; d.base >= 1<<16-1-maxDigest {
		clear(d.first[:])
		d.base = 0
	}
	text, first := d.text, &d.first
	d.next = d.base + uint16(len(text))
	// From the end on, so that of equal groups the first one stays.
	mark := d.next - (gramSize - 1)
	for ; len(text) >= 8; text = text[:len(text)-5] {
		w := word8(text[len(text)-8:]) | 0x20*ones
		first[digestHash(uint32(w>>32))] = mark
		first[digestHash(uint32(w>>24))] = mark - 1
		first[digestHash(uint32(w>>16))] = mark - 2
		first[digestHash(uint32(w>>8))] = mark - 3
		first[digestHash(uint32(w))] = mark - 4
		mark -= 5
	}
	for ; len(text) >= gramSize; text = text[:len(text)-1] {
		first[digestHash(gramAt(text, len(text)-gramSize))] = mark
		mark--
	}
}

// reach is the index in the covered text at which the last group of a part ends to begin: one that stands first there or behind it
// is not in the part.
func reach(before, length int) uint16 { return uint16(max(before+length-(gramSize-1), 0)) }

func digestHash(gram uint32) uint32 { return gramHash(gram) >> (32 - digestBits) }

// trace is two groups of four of a literal, by their hashes: the rarest and another. The zero value stands for nothing known.
type trace [2]uint16

// traceOf gives a literal's trace, and where in the literal the two groups stand.
func traceOf(literal string) (t trace, at [2]uint16) {
	if len(literal) < gramSize {
		return t, at
	}
	first := rarestWindow(literal, gramSize)
	second := first
	// The other one shares as few bytes with it as the literal allows.
	if before, behind := first, len(literal)-gramSize-first; before > 0 && before >= behind {
		second = max(0, first-gramSize)
	} else if behind > 0 {
		second = min(len(literal)-gramSize, first+gramSize)
	}
	return trace{uint16(digestHash(gramAt(literal, first))), uint16(digestHash(gramAt(literal, second)))}, [2]uint16{uint16(first), uint16(second)}
}

// has says whether both groups stand first before reach.
func (d *digest) has(t trace, reach uint16) bool { return d.at(t[0]) < reach && d.at(t[1]) < reach }

// at gives the index of the first group of a hash; if there is none, it is beyond every reach.
func (d *digest) at(hash uint16) uint16 { return d.first[hash%(1<<digestBits)] - d.base - 1 }

// Needs are literals of which a text must have one for a matcher to match it. The zero value is of a matcher that needs none.
type Needs struct {
	known  bool
	first  trace
	others []trace
}

// maxNeeds is up to how many literals are looked for: more of them hardly ever all lack.
const maxNeeds = 16

// NeedsOf gives what a matcher, which may be nil, needs.
func NeedsOf(m Matcher) Needs {
	if m == nil {
		return Needs{}
	}
	required := m.Facts().Required
	if len(required) > maxNeeds || shortestOf(required) < gramSize {
		return Needs{}
	}
	n := Needs{known: true}
	n.first, _ = traceOf(required[0])
	for _, l := range required[1:] {
		t, _ := traceOf(l)
		n.others = append(n.others, t)
	}
	return n
}

// Lacks says that a text has none of the literals; false: it may have one, or nothing is known of it.
func (sc *Scratch) Lacks(text string, n *Needs) bool {
	if !n.known {
		return false
	}
	before, ok := sc.digest.covers(text, false)
	if !ok {
		return false
	}
	reach := reach(before, len(text))
	if sc.digest.has(n.first, reach) {
		return false
	}
	for _, t := range n.others {
		if sc.digest.has(t, reach) {
			return false
		}
	}
	return true
}

// find returns the first index at or after from at which a literal begins in a text, or -1.
func (sc *Scratch) find(f *finder, text string, from int) int {
	from, ok := sc.earliest(f, text, from)
	if !ok {
		return f.index(text, from)
	}
	switch end := from + len(f.text); {
	case end > len(text):
		return -1
	case equalFold(text[from:end], f.text):
		return from
	}
	return f.index(text, from+1)
}

// occurs says whether a literal may occur in a text from an index on; without a digest it is looked for.
func (sc *Scratch) occurs(f *finder, text string, from int) bool {
	from, ok := sc.earliest(f, text, from)
	if !ok {
		return f.index(text, from) >= 0
	}
	return from+len(f.text) <= len(text)
}

// earliest gives an index, from or one behind it, before which a literal does not begin in a text; ok: the digest was asked.
func (sc *Scratch) earliest(f *finder, text string, from int) (begin int, ok bool) {
	if f.trace == (trace{}) {
		return from, false
	}
	d := &sc.digest
	before, ok := d.covers(text, true)
	if !ok {
		return from, false
	}
	return max(from, int(d.at(f.trace[0]))-int(f.groups[0])-before, int(d.at(f.trace[1]))-int(f.groups[1])-before), true
}

// traces are the literals of many matchers.
type traces struct {
	rest []uint64 // matchers of which no literal can be looked for
	list []matcherTrace
}

type matcherTrace struct {
	trace
	bit uint32
}

// add notes that a matcher needs one of some literals.
func (t *traces) add(literals []string, bit int) {
	if shortestOf(literals) < gramSize {
		t.rest[bit/64] |= 1 << (bit % 64)
		return
	}
	for _, l := range literals {
		of, _ := traceOf(l)
		t.list = append(t.list, matcherTrace{of, uint32(bit)})
	}
}

// scan sets in out the bits of the matchers of which a text may have a literal, before reach. It asks as has does, with what stays the
// same read once.
func (t *traces) scan(d *digest, reach uint16, out []uint64) {
	first, base := &d.first, d.base+1
	for i := range t.list {
		m := &t.list[i]
		if first[m.trace[0]%(1<<digestBits)]-base < reach && first[m.trace[1]%(1<<digestBits)]-base < reach {
			out[m.bit/64] |= 1 << (m.bit % 64)
		}
	}
}
