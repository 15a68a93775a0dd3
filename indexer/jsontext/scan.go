// Package jsontext reads JSON text in place, without building values: it tells whether text is one valid object, and
// walks its scalars with their dotted paths.
package jsontext

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// MaxDepth is the deepest nesting of objects and arrays that is accepted.
const MaxDepth = 512

// ValidObject tells whether b is exactly one JSON object (RFC 8259) in valid UTF-8, not nested deeper than MaxDepth.
func ValidObject(b []byte) bool {
	i := space(b, 0)
	if i >= len(b) || b[i] != '{' {
		return false
	}
	i = valid(b, i)
	return i >= 0 && space(b, i) == len(b)
}

// valid checks the object or array that starts at i and gives its end; -1: it is not valid.
func valid(b []byte, i int) int {
	var inObject [MaxDepth + 1]bool
	depth := 0
	for {
		// A value starts at i.
		if i >= len(b) {
			return -1
		}
		switch c := b[i]; c {
		case '{', '[':
			if depth++; depth > MaxDepth {
				return -1
			}
			inObject[depth] = c == '{'
			i = space(b, i+1)
			if i < len(b) && b[i] == c+2 { // { and }, [ and ] are two apart
				depth--
				i++
				break
			}
			if c == '{' {
				if i = name(b, i); i < 0 {
					return -1
				}
			}
			continue
		case '"':
			i = validString(b, i)
		default:
			i = validWord(b, i)
		}
		if i < 0 {
			return -1
		}
		// A value ended before i.
		for {
			if depth == 0 {
				return i
			}
			if i = space(b, i); i >= len(b) {
				return -1
			}
			if b[i] == ',' {
				i = space(b, i+1)
				if inObject[depth] {
					if i = name(b, i); i < 0 {
						return -1
					}
				}
				break
			}
			if inObject[depth] && b[i] != '}' || !inObject[depth] && b[i] != ']' {
				return -1
			}
			depth--
			i++
		}
	}
}

// name checks a member's name and colon at i and gives the start of its value.
func name(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	if i = validString(b, i); i < 0 {
		return -1
	}
	i = space(b, i)
	if i >= len(b) || b[i] != ':' {
		return -1
	}
	return space(b, i+1)
}

func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// plainRun skips characters of a string that need no look: ASCII without controls, quotes and backslashes.
func plainRun(b []byte, i int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for i+8 <= len(b) {
		w := binary.LittleEndian.Uint64(b[i:])
		quote, slash := w^(ones*'"'), w^(ones*'\\')
		// A byte has its top bit set when it is not plain. Borrows reach only bytes behind one that is not plain.
		stop := ((w - ones*0x20) | (quote - ones) | (slash - ones) | w) & tops
		if stop != 0 {
			return i + bits.TrailingZeros64(stop)/8
		}
		i += 8
	}
	for i < len(b) && b[i] >= 0x20 && b[i] < utf8.RuneSelf && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

func validString(b []byte, i int) int {
	for i++; ; {
		if i = plainRun(b, i); i >= len(b) {
			return -1
		}
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			if i+1 >= len(b) {
				return -1
			}
			switch b[i+1] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
				i += 2
			case 'u':
				if i+6 > len(b) || hex4(b[i+2:i+6]) < 0 {
					return -1
				}
				i += 6
			default:
				return -1
			}
		case c < 0x20:
			return -1
		case c < utf8.RuneSelf:
			i++
		default:
			r, n := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && n <= 1 {
				return -1
			}
			i += n
		}
	}
}

func hex4(b []byte) rune {
	var r rune
	for _, c := range b[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// validWord checks true, false, null or a number.
func validWord(b []byte, i int) int {
	word := ""
	switch b[i] {
	case 't':
		word = "true"
	case 'f':
		word = "false"
	case 'n':
		word = "null"
	}
	if word != "" {
		if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
			return -1
		}
		return i + len(word)
	}
	if b[i] == '-' {
		i++
	}
	switch {
	case i >= len(b):
		return -1
	case b[i] == '0':
		i++
	default:
		if i = digits(b, i); i < 0 {
			return -1
		}
	}
	if i < len(b) && b[i] == '.' {
		if i = digits(b, i+1); i < 0 {
			return -1
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if i = digits(b, i); i < 0 {
			return -1
		}
	}
	return i
}

func digits(b []byte, i int) int {
	start := i
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	if i == start {
		return -1
	}
	return i
}
