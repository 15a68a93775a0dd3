package pattern

import "strings"

// finder looks for one literal, ASCII case ignored. It scans for the byte of
// the literal that is rarest in logs and compares the rest around each hit.
type finder struct {
	text  string // lower-cased, not empty
	at    int    // index of the rare byte in text
	low   byte   // the rare byte
	up    byte   // its upper case, or low if it has none
	quick bool   // the rare byte has one case: one scan is enough
	gram  uint32 // four bytes of the literal, compared before the rest
	off   int    // where they stand in it; -1: it is shorter
}

func newFinder(lowered string) finder {
	f := finder{text: lowered}
	best := 256
	for i := 0; i < len(lowered); i++ {
		if r := commonness(lowered[i]); r < best {
			best, f.at = r, i
		}
	}
	f.low = lowered[f.at]
	f.up = upper(f.low)
	f.quick = f.up == f.low
	f.off = -1
	if len(lowered) >= gramSize {
		f.off = rarestWindow(lowered, gramSize)
		f.gram = gramAt(lowered, f.off)
	}
	return f
}

// index returns the first index at or after from at which the literal begins,
// or -1.
func (f *finder) index(text string, from int) int {
	last := len(text) - len(f.text) + f.at // last place of the rare byte
	pos := from + f.at
	if f.quick {
		for pos <= last {
			i := strings.IndexByte(text[pos:last+1], f.low)
			if i < 0 {
				return -1
			}
			pos += i
			if f.is(text, pos-f.at) {
				return pos - f.at
			}
			pos++
		}
		return -1
	}
	low, up := f.low, f.up
	nextLow, nextUp := -1, -1 // the next hit of each case, once known
	for pos <= last {
		if nextLow < pos {
			nextLow = indexByteFrom(text, pos, last+1, low)
		}
		if nextUp < pos {
			nextUp = indexByteFrom(text, pos, last+1, up)
		}
		pos = min(nextLow, nextUp)
		if pos > last {
			return -1
		}
		if f.is(text, pos-f.at) {
			return pos - f.at
		}
		pos++
	}
	return -1
}

// is reports whether the literal stands at index i.
func (f *finder) is(text string, i int) bool {
	t := text[i : i+len(f.text)]
	return (f.off < 0 || gramAt(t, f.off) == f.gram) && equalFold(t, f.text)
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
