package data

import (
	"encoding/binary"
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

// appendEscaped appends the inside of a JSON string, eight bytes at a time as long as they can stay as they are. It may use up to
// seven bytes behind the result, within the capacity of dst.
func appendEscaped(dst []byte, s string) []byte {
	n := len(s)
	if n < 8 {
		w := short(s)
		if bits.TrailingZeros64(special(w)) < n*8 {
			return appendHard(dst, s)
		}
		dst = binary.LittleEndian.AppendUint64(dst, w)
		return dst[:len(dst)-8+n]
	}
	i := 0
	for ; i <= n-8; i += 8 {
		w := word(s[i:])
		if special(w) != 0 {
			return appendHard(dst, s[i:])
		}
		dst = binary.LittleEndian.AppendUint64(dst, w)
	}
	if i == n {
		return dst
	}
	w := word(s[n-8:]) // some of its bytes are there already
	if special(w) != 0 {
		return appendHard(dst, s[i:])
	}
	return binary.LittleEndian.AppendUint64(dst[:len(dst)-(i+8-n)], w)
}

// appendHard is appendEscaped for a text in which something is escaped or no ASCII.
func appendHard(dst []byte, s string) []byte {
	from := 0
	for i := 0; i < len(s); {
		if i <= len(s)-8 {
			stop := special(word(s[i:]))
			if stop == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(stop) / 8
		}
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
	}
	return append(dst, s[from:]...)
}

// special marks, by their top bits, the bytes of a word that are escaped or no ASCII. The first mark is right; behind it there may
// be false ones, since borrows reach the next byte.
func special(w uint64) uint64 {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	return (w | (w - ones*0x20) | (w ^ ones*'"' - ones) | (w ^ ones*'\\' - ones)) & tops
}

// word is the first eight bytes of a text.
func word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// short is a text of less than eight bytes, with zeros behind.
func short(s string) uint64 {
	half := func(s string) uint64 { return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 }
	n := len(s)
	if i := n - 4; i >= 0 {
		return half(s) | half(s[i:])<<(i*8)
	}
	if n == 0 {
		return 0
	}
	return uint64(s[0]) | uint64(s[n/2])<<(n/2*8) | uint64(s[n-1])<<(n*8-8)
}
