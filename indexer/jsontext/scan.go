// Package jsontext reads JSON text in place, without building values: it tells whether text is one valid object, and
// walks its scalars with their dotted paths.
package jsontext

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// MaxDepth is the deepest nesting of objects and arrays that is accepted.
const MaxDepth = 512

// ValidObject tells whether b is exactly one JSON object (RFC 8259) in valid UTF-8, not nested deeper than MaxDepth.
func ValidObject(b []byte) bool {
	_, ok := Object(b)
	return ok
}

// Object is ValidObject, and tells whether the object spans lines: a line feed or carriage return is in the white space between its
// parts, since it cannot be elsewhere.
func Object(b []byte) (lines, ok bool) {
	i := blank(b, 0, &lines)
	if i >= len(b) || b[i] != '{' {
		return false, false
	}
	i = valid(b, i, &lines)
	ok = i >= 0 && blank(b, i, &lines) == len(b)
	return lines && ok, ok
}

// valid checks the object or array that starts at i and gives its end; -1: it is not valid. Lines is set where a line ends.
func valid(b []byte, i int, lines *bool) int {
	var objects [MaxDepth/64 + 1]uint64 // a bit by depth: what is open there is an object, not an array
	depth, end := uint(0), byte(0)      // how deep, and what closes the innermost
	name := false                       // a member's name is to start at i, not a value
	for i < len(b) {
		switch c := b[i]; {
		case c == '"':
			i, name = plainStrings(b, i+1, name, end == '}')
			if i >= 0 && i < len(b) && b[i] == '"' {
				i++
			} else if i = validString(b, i); i < 0 {
				return -1
			}
			if name {
				if i = blank(b, i, lines); i >= len(b) || b[i] != ':' {
					return -1
				}
				i, name = blank(b, i+1, lines), false
				continue
			}
		case name:
			return -1
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return -1
			}
			end, name = c+2, c == '{' // { and }, [ and ] are two apart
			bit := uint64(1) << (depth % 64)
			if objects[depth/64] &^= bit; name {
				objects[depth/64] |= bit
			}
			if i = blank(b, i+1, lines); i >= len(b) || b[i] != end {
				continue
			}
		default:
			if i = validWord(b, i); i < 0 {
				return -1
			}
		}
		// A value ended before i, or the innermost ends there at once.
		for {
			if i = blank(b, i, lines); i >= len(b) {
				return -1
			}
			if b[i] == ',' {
				i, name = blank(b, i+1, lines), end == '}'
				break
			}
			if b[i] != end {
				return -1
			}
			i++
			if depth--; depth == 0 {
				return i
			}
			end = ']'
			if objects[depth/64]>>(depth%64)&1 != 0 {
				end = '}'
			}
		}
	}
	return -1
}

// plainStrings passes over strings, the first of them from its character at i on, as long as they are plain and nothing but a comma
// or colon stands between them. It gives a place in the last one, up to where that is plain, and whether that is a name.
func plainStrings(b []byte, i int, name, inObject bool) (int, bool) {
	behind, next := byte(','), byte(0) // what is to stand behind the string, and how that differs behind the next one
	if name {
		behind = ':'
	}
	if inObject {
		next = ',' ^ ':'
	}
	for i >= 0 && i <= len(b)-8 {
		// As special does it, but the quote alone, since the next string waits for it.
		w := binary.LittleEndian.Uint64(b[i : i+8 : i+8])
		quote := (w ^ ones*'"' - ones) & tops
		others := (w | (w - ones*0x20) | (w ^ ones*'\\' - ones)) & tops
		if others&(quote^(quote-1)) != 0 {
			break
		}
		if quote == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(quote) / 8
		if i >= len(b)-2 || b[i+1] != behind || b[i+2] != '"' {
			break
		}
		i += 3
		behind ^= next
	}
	return i, behind == ':'
}

// space skips white space.
func space(b []byte, i int) int {
	if i < len(b) && b[i] <= ' ' {
		return spaces(b, i)
	}
	return i
}

func spaces(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// blank is space, and sets lines where a line ends.
func blank(b []byte, i int, lines *bool) int {
	if i < len(b) && b[i] <= ' ' {
		return blanks(b, i, lines)
	}
	return i
}

func blanks(b []byte, i int, lines *bool) int {
	end := spaces(b, i)
	*lines = *lines || bytes.ContainsAny(b[i:end], "\r\n")
	return end
}

// plainRun skips characters of a string that need no look: ASCII without controls, quotes and backslashes.
func plainRun(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		if stop := special(binary.LittleEndian.Uint64(b[i:])); stop != 0 {
			return i + bits.TrailingZeros64(stop)/8
		}
	}
	for i < len(b) && b[i] >= 0x20 && b[i] < utf8.RuneSelf && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

const ones, tops = 0x0101010101010101, 0x8080808080808080

// special marks the bytes of a word that plainRun stops at, by their top bits. The first mark is right; behind it there may be false
// ones, since a borrow reaches the next byte.
func special(w uint64) uint64 {
	return ((w - ones*0x20) | (w ^ ones*'"' - ones) | (w ^ ones*'\\' - ones) | w) & tops
}

// validString checks a string from one of its characters on and gives its end.
func validString(b []byte, i int) int {
	for {
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
