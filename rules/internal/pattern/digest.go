package pattern

import (
	"slices"
	"unsafe"
)

// Bounds of a digest.
const (
	digestBits = 13
	// maxDigest is the longest text of which a digest is made, in bytes: of a longer one it would say too little.
	maxDigest = 4096
)

// digest knows which groups of four bytes occur in a text, ASCII case ignored, but for groups with equal hashes. One look at the
// text spares many searches for literals that it does not have.
type digest struct {
	text string // which may be looked at in parts
	made bool
	now  uint8 // what stands in the table for the groups of this text
	of   [1 << digestBits]uint8
}

// Cover has the Scratch make a digest of a text when it is needed first, until the next Reset. The text must not change as long.
func (sc *Scratch) Cover(text string) {
	if len(text) > maxDigest {
		text = ""
	}
	sc.digest.text, sc.digest.made = text, false
}

// covers says whether a text is all or a part of the one that was covered, and makes the digest.
func (d *digest) covers(text string) bool {
	// A text that begins before the other is far behind it, unsigned.
	before, whole := addressOf(text)-addressOf(d.text), uintptr(len(d.text))
	return before <= whole && uintptr(len(text)) <= whole-before && (d.made || d.make())
}

// addressOf is where a text lies in memory.
func addressOf(text string) uintptr { return uintptr(unsafe.Pointer(unsafe.StringData(text))) }

func (d *digest) make() bool {
	d.made = true
	d.now++
	if d.now == 0 {
		clear(d.of[:])
		d.now = 1
	}
	d.of[always] = d.now
	text, now := d.text, d.now
	for ; len(text) >= 8; text = text[5:] {
		w := word8(text[:8]) | 0x20*ones
		d.of[digestHash(uint32(w))] = now
		d.of[digestHash(uint32(w>>8))] = now
		d.of[digestHash(uint32(w>>16))] = now
		d.of[digestHash(uint32(w>>24))] = now
		d.of[digestHash(uint32(w>>32))] = now
	}
	for ; len(text) >= gramSize; text = text[1:] {
		d.of[digestHash(gramAt(text, 0))] = now
	}
	return true
}

// always is the place in a digest of what every text is taken to have.
const always = 0

func digestHash(gram uint32) uint32 { return gramHash(gram) >> (32 - digestBits) }

// trace is two groups of four of a literal, by their places in a digest: the rarest and another.
type trace [2]uint16

func traceOf(literal string) trace {
	if len(literal) < gramSize {
		return trace{always, always}
	}
	first := rarestWindow(literal, gramSize)
	second := first
	// The other one shares as few bytes with it as the literal allows.
	if before, behind := first, len(literal)-gramSize-first; before > 0 && before >= behind {
		second = max(0, first-gramSize)
	} else if behind > 0 {
		second = min(len(literal)-gramSize, first+gramSize)
	}
	return trace{uint16(digestHash(gramAt(literal, first))), uint16(digestHash(gramAt(literal, second)))}
}

func (d *digest) has(t trace) bool { return d.at(t[0]) && d.at(t[1]) }

func (d *digest) at(place uint16) bool { return d.of[place%(1<<digestBits)] == d.now }

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
	n := Needs{known: true, first: traceOf(required[0])}
	for _, l := range required[1:] {
		n.others = append(n.others, traceOf(l))
	}
	return n
}

// Lacks says that a text has none of the literals; false: it may have one, or nothing is known of it.
func (sc *Scratch) Lacks(text string, n *Needs) bool {
	if !n.known || !sc.digest.covers(text) || sc.digest.has(n.first) {
		return false
	}
	return !slices.ContainsFunc(n.others, sc.digest.has)
}

// occurs says whether a literal may occur in a text from an index on; without a digest it is looked for.
func (sc *Scratch) occurs(f *finder, text string, from int) bool {
	if f.trace != (trace{always, always}) && sc.digest.covers(text) {
		return sc.digest.has(f.trace)
	}
	return f.index(text, from) >= 0
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
		t.list = append(t.list, matcherTrace{traceOf(l), uint32(bit)})
	}
}

// scan sets in out the bits of the matchers of which a text may have a literal.
func (t *traces) scan(d *digest, out []uint64) {
	for i := range t.list {
		if m := &t.list[i]; d.at(m.trace[0]) && d.at(m.trace[1]) {
			out[m.bit/64] |= 1 << (m.bit % 64)
		}
	}
}
