package jsontext

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// Visitor is told what a walk meets. Paths are member names joined by dots; arrays add nothing to them. Slices are
// valid during the call only.
type Visitor interface {
	// Enter tells whether anything at or below the path is of interest.
	Enter(path []byte) bool
	// Scalar is called for a string (its characters, unescaped), a number, true or false (as written). Null is skipped.
	Scalar(path, value []byte, isString bool)
}

// Walker walks documents. It keeps its buffers: use one per goroutine.
type Walker struct {
	path []byte
	text []byte
}

// Walk visits a document and tells whether it was well formed as far as it was read; it never panics.
func (w *Walker) Walk(b []byte, v Visitor) bool {
	w.path = w.path[:0]
	i := space(b, 0)
	if i >= len(b) || b[i] != '{' {
		return false
	}
	return w.value(b, i, v, 0) >= 0
}

func (w *Walker) value(b []byte, i int, v Visitor, depth int) int {
	if i >= len(b) || depth > MaxDepth {
		return -1
	}
	switch b[i] {
	case '{':
		return w.object(b, i, v, depth)
	case '[':
		return w.array(b, i, v, depth)
	case '"':
		s, end := w.str(b, i)
		if end >= 0 {
			v.Scalar(w.path, s, true)
		}
		return end
	}
	end := validWord(b, i)
	if end >= 0 && b[i] != 'n' {
		v.Scalar(w.path, b[i:end], false)
	}
	return end
}

func (w *Walker) object(b []byte, i int, v Visitor, depth int) int {
	base := len(w.path)
	for i = space(b, i+1); ; {
		if i < len(b) && b[i] == '}' {
			return i + 1
		}
		if i >= len(b) || b[i] != '"' {
			return -1
		}
		key, end := w.str(b, i)
		if end < 0 {
			return -1
		}
		if base > 0 {
			w.path = append(w.path, '.')
		}
		w.path = append(w.path, key...)
		i = space(b, end)
		if i >= len(b) || b[i] != ':' {
			return -1
		}
		i = space(b, i+1)
		if v.Enter(w.path) {
			i = w.value(b, i, v, depth+1)
		} else {
			i = skip(b, i)
		}
		w.path = w.path[:base]
		if i < 0 {
			return -1
		}
		if i = space(b, i); i < len(b) && b[i] == ',' {
			i = space(b, i+1)
		}
	}
}

func (w *Walker) array(b []byte, i int, v Visitor, depth int) int {
	for i = space(b, i+1); ; {
		if i < len(b) && b[i] == ']' {
			return i + 1
		}
		if i = w.value(b, i, v, depth+1); i < 0 {
			return -1
		}
		if i = space(b, i); i < len(b) && b[i] == ',' {
			i = space(b, i+1)
		}
	}
}

// skip passes over a value without looking at what is in it.
func skip(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		case '"':
			if i = skipString(b, i); i < 0 {
				return -1
			}
		case ',', ':', ' ', '\n', '\t', '\r':
			i++
			continue
		default:
			if i = validWord(b, i); i < 0 {
				return -1
			}
		}
		if depth <= 0 {
			return i
		}
	}
	return -1
}

func skipString(b []byte, i int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for i++; i+8 <= len(b); {
		w := binary.LittleEndian.Uint64(b[i:])
		quote, slash := w^(ones*'"'), w^(ones*'\\')
		// A byte's top bit is set where a quote or backslash stands, and maybe behind the first of them.
		stop := ((quote-ones)&^quote | (slash-ones)&^slash) & tops
		if stop == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(stop) / 8
		if b[i] == '"' {
			return i + 1
		}
		i += 2
	}
	for ; i < len(b); i++ {
		switch b[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return -1
}

// str reads the string at i. Without escapes the result is a part of b.
func (w *Walker) str(b []byte, i int) ([]byte, int) {
	start := i + 1
	for i = plainRun(b, start); i < len(b); i = plainRun(b, i) {
		switch b[i] {
		case '"':
			return b[start:i], i + 1
		case '\\':
			return w.unescape(b, start, i)
		}
		i++
	}
	return nil, -1
}

func (w *Walker) unescape(b []byte, start, i int) ([]byte, int) {
	s := append(w.text[:0], b[start:i]...)
	for i < len(b) {
		c := b[i]
		if c == '"' {
			w.text = s
			return s, i + 1
		}
		if c != '\\' {
			s = append(s, c)
			i++
			continue
		}
		if i+1 >= len(b) {
			break
		}
		switch e := b[i+1]; e {
		case 'b':
			s = append(s, '\b')
		case 'f':
			s = append(s, '\f')
		case 'n':
			s = append(s, '\n')
		case 'r':
			s = append(s, '\r')
		case 't':
			s = append(s, '\t')
		case 'u':
			r, n := unicodeEscape(b[i:])
			if n == 0 {
				return nil, -1
			}
			s = utf8.AppendRune(s, r)
			i += n
			continue
		default:
			s = append(s, e)
		}
		i += 2
	}
	return nil, -1
}

// unicodeEscape reads one \u escape, or two that are a surrogate pair; half a pair is U+FFFD.
func unicodeEscape(b []byte) (r rune, n int) {
	if len(b) < 6 {
		return 0, 0
	}
	if r = hex4(b[2:6]); r < 0 {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
		if low := hex4(b[8:12]); low >= 0 {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, 12
			}
		}
	}
	return utf8.RuneError, 6
}
