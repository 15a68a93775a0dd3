package pattern

import "strings"

// finder looks for one literal, ASCII case ignored. A long one is looked for at every few bytes only, where four
// neighbouring bytes must be four of the literal's; a short one by its byte that is rarest in logs.
type finder struct {
	text   string    // lower-cased, not empty
	rare   rareByte  // of a short literal
	stride uint8     // of a long literal: how far apart the text is looked at; 0: it is short
	from   uint16    // of a long literal: where its part begins of which four bytes are always met
	trace  trace     // of it, for a digest
	groups [2]uint16 // where in it the trace stands
	filter [4]uint64
}

// Which literals are long. With fewer bytes a scan for one byte is as quick, and for a byte that logs hardly have
// quicker.
const (
	minStride = 5
	maxFinder = 16 // longest stride: more of a literal would fill the filter
	unheardOf = 20 // commonness below which a byte is hardly met
)

func newFinder(lowered string) finder {
	f := finder{text: lowered, rare: rarestByte(lowered)}
	f.trace, f.groups = traceOf(lowered)
	stride := min(len(lowered)-gramSize+1, maxFinder)
	if stride < minStride || f.rare.low == f.rare.up && commonness(f.rare.low) < unheardOf {
		return f
	}
	f.stride = uint8(stride)
	f.from = uint16(rarestWindow(lowered, shortestFor(stride)))
	for at := int(f.from); at < int(f.from)+stride; at++ {
		h := gramHash(gramAt(lowered, at))
		f.filter[h>>30] |= 1 << (h >> 24 & 63)
		f.filter[h>>22&3] |= 1 << (h >> 16 & 63)
	}
	return f
}

// may reports whether the filter knows a group of four.
func (f *finder) may(gram uint32) bool {
	h := gramHash(gram)
	return f.filter[h>>30]&(1<<(h>>24&63)) != 0 && f.filter[h>>22&3]&(1<<(h>>16&63)) != 0
}

// index returns the first index at or after from at which the literal begins, or -1.
func (f *finder) index(text string, from int) int {
	if f.stride == 0 {
		return f.rare.index(f.text, text, from)
	}
	stride := int(f.stride)
	for i := f.next(text, from+int(f.from)+stride-1); i >= 0; i = f.next(text, i+stride) {
		if at := f.around(text, i); at >= 0 {
			return at
		}
	}
	return -1
}

// next gives the next index, from i on in strides, at which four bytes of the literal may stand; -1: there is none.
func (f *finder) next(text string, i int) int {
	stride := int(f.stride)
	for {
		if i < 0 || i > len(text)-gramSize { // see grams.next
			return -1
		}
		if f.may(gramAt(text, i)) {
			return i
		}
		i += stride
	}
}

// around returns the first index at which the literal begins within a stride up to i, or -1.
func (f *finder) around(text string, i int) int {
	gram := gramAt(text, i)
	for at := int(f.from) + int(f.stride) - 1; at >= int(f.from); at-- {
		if begin := i - at; gramAt(f.text, at) == gram && len(text)-begin >= len(f.text) && equalFold(text[begin:begin+len(f.text)], f.text) {
			return begin
		}
	}
	return -1
}

// rareByte is the byte of a literal that is rarest in logs.
type rareByte struct {
	at      uint16 // where in the literal
	low, up byte
}

func rarestByte(lowered string) rareByte {
	at, best := 0, 256
	for i := range len(lowered) {
		if r := commonness(lowered[i]); r < best {
			best, at = r, i
		}
	}
	return rareByte{at: uint16(at), low: lowered[at], up: upper(lowered[at])}
}

// index returns the first index at or after from at which the literal begins, or -1.
func (r rareByte) index(literal, text string, from int) int {
	at := int(r.at)
	last := len(text) - len(literal) + at // last place of the byte
	pos := from + at
	nextLow, nextUp := -1, -1 // the next hit of each case, once known
	for pos <= last {
		if nextLow < pos {
			nextLow = indexByteFrom(text, pos, last+1, r.low)
		}
		if r.up == r.low {
			pos = nextLow
		} else {
			if nextUp < pos {
				nextUp = indexByteFrom(text, pos, last+1, r.up)
			}
			pos = min(nextLow, nextUp)
		}
		if pos > last {
			return -1
		}
		if begin := pos - at; equalFold(text[begin:begin+len(literal)], literal) {
			return begin
		}
		pos++
	}
	return -1
}

// indexByteFrom returns the first index of c in text[from:to], or to.
func indexByteFrom(text string, from, to int, c byte) int {
	if i := strings.IndexByte(text[from:to], c); i >= 0 {
		return from + i
	}
	return to
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}

// commonness ranks how often a byte, of either case, is met in logs: the
// higher, the more often. Only the order matters.
func commonness(c byte) int {
	const order = "\x00`~^\\!&#$|;?*%+{}<>'@jqzx_,][()vkybwg=/hf\"mup.:ldc-8975643rns120toiae "
	if i := strings.IndexByte(order, c); i >= 0 {
		return i
	}
	return 1
}

// indexFold returns the first index at or after from of a byte whose lower
// case is c, or len(text).
func indexFold(text string, from int, c byte) int {
	end := indexByteFrom(text, from, len(text), c)
	if u := upper(c); u != c {
		end = indexByteFrom(text, from, end, u)
	}
	return end
}
