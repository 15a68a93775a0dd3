// Package jsontext reads JSON text in place, without building values: it tells whether text is one valid object, and
// walks its scalars with their dotted paths.
package jsontext

import "unicode/utf8"

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

// special marks the bytes that end a run of plain characters in a string.
var special = func() (t [256]bool) {
	for c := range 0x20 {
		t[c] = true
	}
	for c := utf8.RuneSelf; c < 256; c++ {
		t[c] = true
	}
	t['"'], t['\\'] = true, true
	return t
}()

func validString(b []byte, i int) int {
	for i++; i < len(b); {
		c := b[i]
		if !special[c] {
			i++
			continue
		}
		switch {
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
		default:
			r, n := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && n <= 1 {
				return -1
			}
			i += n
		}
	}
	return -1
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
	for _, word := range [...]string{"true", "false", "null"} {
		if len(b)-i >= len(word) && string(b[i:i+len(word)]) == word {
			return i + len(word)
		}
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
