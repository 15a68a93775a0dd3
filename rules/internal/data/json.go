package data

import (
	"math/bits"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// appendString appends a string as JSON. Bytes that are no UTF-8 become U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	dst = appendEscaped(dst, s)
	return append(dst, '"')
}

// appendEscaped appends the inside of a JSON string.
func appendEscaped(dst []byte, s string) []byte {
	from := 0
	for i := plainRun(s, 0); i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(dst, s[from:i]...)
				dst = append(dst, "\ufffd"...)
				from = i + 1
			}
			i += size
			continue
		}
		if c >= 0x20 && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[from:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		from = i
		i = plainRun(s, i)
	}
	return append(dst, s[from:]...)
}

// plainRun is up to where a text can be copied as it is from i on: a control character, a quote, a backslash or a byte that is
// no ASCII. Of a text under eight bytes it looks at none, which is left to the caller.
func plainRun(s string, i int) int {
	for ; i+8 <= len(s); i += 8 {
		if stop := stops(s[i : i+8]); stop != 0 {
			return i + bits.TrailingZeros64(stop)/8
		}
	}
	last := len(s) - 8
	if i >= len(s) || last < 0 {
		return i
	}
	// The last eight bytes, without those before i. One of those may mark a plain byte, which the caller then looks at itself.
	if stop := stops(s[last:]) >> (8 * uint(i-last)); stop != 0 {
		return i + bits.TrailingZeros64(stop)/8
	}
	return len(s)
}

// stops marks, by its top bit, the first of eight bytes that is not plain; those behind it may be marked too.
func stops(b string) uint64 {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	_ = b[7]
	w := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 | uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
	quote, slash := w^(ones*'"'), w^(ones*'\\')
	return (w | (w - ones*0x20) | (quote - ones) | (slash - ones)) & tops
}
