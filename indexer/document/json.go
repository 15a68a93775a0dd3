package document

import (
	"math/bits"
	"strconv"
	"unicode/utf8"
)

// object writes the members of one JSON object.
type object struct {
	dst   []byte
	comma bool
}

func (o *object) open(name string) {
	if name != "" {
		o.key(name)
	}
	o.dst = append(o.dst, '{')
	o.comma = false
}

func (o *object) close() {
	o.dst = append(o.dst, '}')
	o.comma = true
}

// key writes a member's name, which must need no escape.
func (o *object) key(name string) {
	if o.comma {
		o.dst = append(o.dst, ',')
	}
	o.comma = true
	o.dst = append(o.dst, '"')
	o.dst = append(o.dst, name...)
	o.dst = append(o.dst, '"', ':')
}

// str writes a member unless it is empty.
func (o *object) str(name, value string) {
	if value == "" {
		return
	}
	o.key(name)
	o.dst = AppendString(o.dst, value)
}

func (o *object) number(name string, value uint64) {
	o.key(name)
	o.dst = strconv.AppendUint(o.dst, value, 10)
}

func (o *object) boolean(name string, value bool) {
	o.key(name)
	o.dst = strconv.AppendBool(o.dst, value)
}

// strs writes an array unless it has no values; empty values are left out.
func (o *object) strs(name string, values []string) {
	first := true
	for _, v := range values {
		if v == "" {
			continue
		}
		if first {
			o.key(name)
			o.dst = append(o.dst, '[')
			first = false
		} else {
			o.dst = append(o.dst, ',')
		}
		o.dst = AppendString(o.dst, v)
	}
	if !first {
		o.dst = append(o.dst, ']')
	}
}

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string in valid UTF-8: every byte that is none becomes U+FFFD.
func AppendString[T ~string | ~[]byte](dst []byte, s T) []byte {
	dst = append(dst, '"')
	dst = appendEscaped(dst, s)
	return append(dst, '"')
}

// appendEscaped appends the inside of a JSON string.
func appendEscaped[T ~string | ~[]byte](dst []byte, s T) []byte {
	start := 0
	for i := plainRun(s, 0); i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if !escaped[c] {
				i++
				continue
			}
			dst = append(dst, s[start:i]...)
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
			start = i
			i = plainRun(s, i)
			continue
		}
		n := runeLen(s, i)
		if n > 0 {
			i += n
			continue
		}
		dst = append(dst, s[start:i]...)
		dst = append(dst, "\uFFFD"...)
		i++
		start = i
	}
	return append(dst, s[start:]...)
}

// plainRun is up to where a text can be copied as it is from i on: a byte that is escaped or no ASCII, or the last seven
// bytes, which it leaves to the caller.
func plainRun[T ~string | ~[]byte](s T, i int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(s); i += 8 {
		b := s[i : i+8]
		w := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 | uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		quote, slash, del := w^(ones*'"'), w^(ones*'\\'), w^(ones*0x7f)
		// The first byte with its top bit set is one that is not plain. Borrows reach only bytes behind such a one.
		if stop := (w | (w - ones*0x20) | (quote - ones) | (slash - ones) | (del - ones)) & tops; stop != 0 {
			return i + bits.TrailingZeros64(stop)/8
		}
	}
	return i
}

// runeLen is the length of the valid multi-byte character at i; 0: there is none.
func runeLen[T ~string | ~[]byte](s T, i int) int {
	var b [utf8.UTFMax]byte
	n := copy(b[:], s[i:min(i+utf8.UTFMax, len(s))])
	if r, size := utf8.DecodeRune(b[:n]); r != utf8.RuneError || size > 1 {
		return size
	}
	return 0
}

// escaped marks the ASCII characters that cannot stand in a JSON string as they are. DEL is escaped for eyes' sake.
var escaped = func() (t [utf8.RuneSelf]bool) {
	for c := range 0x20 {
		t[c] = true
	}
	t['"'], t['\\'], t[0x7f] = true, true, true
	return t
}()
