package jsonfields

import (
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// visible returns the index of the first byte at or after i that is no white space, and that byte; 0: there is none.
// Every byte up to 0x20 counts as white space, as in the reference.
func visible(text string, i int) (int, byte) {
	for uint(i) < uint(len(text)) {
		if c := text[i]; c > ' ' {
			return i, c
		}
		i++
	}
	return i, 0
}

// space returns the index of the first byte at or after i that is no white space.
func space(text string, i int) int {
	i, _ = visible(text, i)
	return i
}

const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// word gives the first eight bytes of s.
func word(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// marks sets the high bit of the first byte of a word that is c; bits above that one may be set too.
func marks(w uint64, c byte) uint64 {
	w ^= uint64(c) * ones
	return (w - ones) &^ w & highs
}

// quote returns the index of the first quote in s; without one, its length.
func quote(s string) int {
	i := 0
	for ; i <= len(s)-16; i += 16 {
		first, second := marks(word(s[i:]), '"'), marks(word(s[i+8:]), '"')
		if first|second == 0 {
			continue
		}
		if first == 0 {
			first = second
			i += 8
		}
		return i + bits.TrailingZeros64(first)/8
	}
	for i < len(s) && s[i] != '"' {
		i++
	}
	return i
}

// findSlash looks for the first backslash at or after i.
func (f *Flattener) findSlash(i int) {
	if f.slash = len(f.text); i < len(f.text) {
		if n := strings.IndexByte(f.text[i:], '\\'); n >= 0 {
			f.slash = i + n
		}
	}
}

// escaped reports whether the string from i to the quote at end has escapes, or no such quote.
func (f *Flattener) escaped(i, end int) bool {
	if f.slash < i {
		f.findSlash(i)
	}
	return end >= f.slash
}

// escapes has what the byte after a backslash stands for; 0: no escape, or one with digits.
var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescape appends the string whose text begins at index i and returns the index after the quote that ends it; end
// is where the first quote is.
func unescape(dst []byte, text string, i, end int) ([]byte, int, error) {
	n := len(dst)
	for ; end < len(text); end = i + quote(text[i:]) {
		dst = slices.Grow(dst[:n], end-i) // the text is longer than what it stands for
		dst = dst[:cap(dst)]
		for i < end {
			if text[i] != '\\' {
				size := strings.IndexByte(text[i:end], '\\')
				if size < 0 {
					size = end - i
				}
				copy(dst[n:], text[i:i+size])
				n += size
				i += size
				continue
			}
			c := text[i+1]
			i += 2
			if e := escapes[c]; e != 0 {
				dst[n] = e
				n++
				continue
			}
			if c != 'u' {
				return dst[:n], 0, ErrSyntax
			}
			r, size, err := codePoint(text[i:])
			if err != nil {
				return dst[:n], 0, err
			}
			n += utf8.EncodeRune(dst[n:], r)
			i += size
		}
		if i == end {
			return dst[:n], end + 1, nil
		}
	}
	return dst[:n], 0, ErrSyntax
}

// codePoint reads the four hexadecimal digits after \u, and a second escape if
// they are the first half of a pair; it returns the length of what it read.
func codePoint(s string) (rune, int, error) {
	r, ok := hex4(s)
	switch {
	case !ok || 0xdc00 <= r && r <= 0xdfff:
		return 0, 0, ErrSyntax
	case r < 0xd800 || r > 0xdfff:
		return r, 4, nil
	}
	if !strings.HasPrefix(s[4:], `\u`) {
		return 0, 0, ErrSyntax
	}
	low, ok := hex4(s[6:])
	if !ok || low < 0xdc00 || low > 0xdfff {
		return 0, 0, ErrSyntax
	}
	return 0x10000 + (r-0xd800)<<10 + (low - 0xdc00), 10, nil
}

func hex4(s string) (r rune, ok bool) {
	if len(s) < 4 {
		return 0, false
	}
	for i := range 4 {
		c := s[i]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// literal returns the true, false or null at index i.
func literal(text string, i int) (string, error) {
	switch text = text[i:]; {
	case strings.HasPrefix(text, "true"):
		return "true", nil
	case strings.HasPrefix(text, "false"):
		return "false", nil
	case strings.HasPrefix(text, "null"):
		return "null", nil
	}
	return "", ErrSyntax
}

// view returns b as a string without a copy.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// hasControl reports whether there is a byte below 0x20.
func hasControl(s string) bool {
	i := 0
	for ; i <= len(s)-8; i += 8 {
		if w := word(s[i:]); (w-' '*ones)&^w&highs != 0 {
			return true
		}
	}
	for ; i < len(s); i++ {
		if s[i] < ' ' {
			return true
		}
	}
	return false
}
