package document

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string in valid UTF-8: every byte that is none becomes U+FFFD. It may use up to seven bytes of
// dst's capacity behind the result.
func AppendString[T ~string | ~[]byte](dst []byte, s T) []byte {
	dst = append(dst, '"')
	dst = appendEscaped(dst, s)
	return append(dst, '"')
}

// appendEscaped appends the inside of a JSON string. It takes eight bytes at a time, as long as they can stay as they are.
func appendEscaped[T ~string | ~[]byte](dst []byte, s T) []byte {
	n := len(s)
	if n < 8 {
		w := short(s)
		if bits.TrailingZeros64(special(w)) < n*8 {
			return appendHard(dst, s, 0)
		}
		dst = binary.LittleEndian.AppendUint64(dst, w)
		return dst[:len(dst)-8+n]
	}
	i := 0
	for ; i < len(s)-7; i += 8 {
		w := word(s, i)
		if special(w) != 0 {
			return appendHard(dst, s, i)
		}
		dst = binary.LittleEndian.AppendUint64(dst, w)
	}
	if i == n {
		return dst
	}
	w := word(s[n-8:], 0) // of which some bytes are there already
	if special(w) != 0 {
		return appendHard(dst, s, i)
	}
	return binary.LittleEndian.AppendUint64(dst[:len(dst)-(i+8-n)], w)
}

// appendHard is appendEscaped from i on, for a text in which something is escaped or no ASCII.
func appendHard[T ~string | ~[]byte](dst []byte, s T, i int) []byte {
	for i >= 0 && i < len(s) {
		if i < len(s)-7 {
			w := word(s, i)
			dst = binary.LittleEndian.AppendUint64(dst, w)
			stop := special(w)
			if i += 8; stop == 0 {
				continue
			}
			over := 8 - bits.TrailingZeros64(stop)/8
			dst, i = dst[:len(dst)-over], i-over
		}
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
			i++
		case c < utf8.RuneSelf && !escaped[c]:
			dst = append(dst, c)
			i++
		default:
			dst, i = appendSpecial(dst, s, i)
		}
	}
	return dst
}

// word is the eight bytes of a text from i on.
func word[T ~string | ~[]byte](s T, i int) uint64 {
	return uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
		uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
}

// short is a text of less than eight bytes, with zeros behind.
func short[T ~string | ~[]byte](s T) uint64 {
	n := len(s)
	if i := n - 4; i >= 0 {
		return uint64(half(s, 0)) | uint64(half(s, i))<<(i*8)
	}
	if n == 0 {
		return 0
	}
	return uint64(s[0]) | uint64(s[n/2])<<(n/2*8) | uint64(s[n-1])<<(n*8-8)
}

// half is the four bytes of a text from i on.
func half[T ~string | ~[]byte](s T, i int) uint32 {
	return uint32(s[i]) | uint32(s[i+1])<<8 | uint32(s[i+2])<<16 | uint32(s[i+3])<<24
}

// special marks, by their top bits, the bytes of a word that are escaped or no ASCII. The first mark is right; behind it there may
// be false ones, since borrows and carries reach the next byte.
func special(w uint64) uint64 {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	return (w | (w + ones) | (w - ones*0x20) | (w ^ ones*'"' - ones) | (w ^ ones*'\\' - ones)) & tops // w + 1 is for DEL
}

// appendSpecial appends a control character at i, or all that is no ASCII from there on, and gives where the text goes on.
func appendSpecial[T ~string | ~[]byte](dst []byte, s T, i int) ([]byte, int) {
	switch c := s[i]; {
	case c == '\n':
		return append(dst, '\\', 'n'), i + 1
	case c == '\r':
		return append(dst, '\\', 'r'), i + 1
	case c == '\t':
		return append(dst, '\\', 't'), i + 1
	case c < utf8.RuneSelf:
		return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15]), i + 1
	}
	for i < len(s) && s[i] >= utf8.RuneSelf {
		var b [utf8.UTFMax]byte
		n := copy(b[:], s[i:])
		_, size := utf8.DecodeRune(b[:n])
		if size > 1 {
			dst = append(dst, b[:size]...)
		} else {
			dst = append(dst, "\uFFFD"...)
		}
		i += size
	}
	return dst, i
}

// escaped marks the ASCII characters that cannot stand in a JSON string as they are. DEL is escaped for eyes' sake.
var escaped = func() (t [utf8.RuneSelf]bool) {
	for c := range 0x20 {
		t[c] = true
	}
	t['"'], t['\\'], t[0x7f] = true, true, true
	return t
}()
