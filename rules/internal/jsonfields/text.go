package jsonfields

import (
	"math"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf8"
)

// stringEnd returns the index of the quote that ends the string beginning with
// the quote at index i, and whether there are escapes in between.
func stringEnd(text string, i int) (end int, escaped bool, err error) {
	if i >= len(text) || text[i] != '"' {
		return 0, false, ErrSyntax
	}
	for i++; ; i += 2 {
		if i = plainEnd(text, i); i >= len(text) {
			return 0, false, ErrSyntax
		}
		if text[i] == '"' {
			return i, escaped, nil
		}
		escaped = true
	}
}

// plainEnd returns the index of the first quote or backslash at or after i; without one, the length of the text or
// more. It looks at eight bytes at once.
func plainEnd(text string, i int) int {
	const (
		ones    = 0x0101010101010101
		highs   = 0x80 * ones
		quotes  = '"' * ones
		slashes = '\\' * ones
	)
	for ; i+8 <= len(text); i += 8 {
		s := text[i : i+8]
		w := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		// The lowest high bit that is set marks the first byte that became zero.
		q, b := w^quotes, w^slashes
		if found := ((q-ones)&^q | (b-ones)&^b) & highs; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(text) && text[i] != '"' && text[i] != '\\' {
		i++
	}
	return i
}

// unescape appends the text of a JSON string without its quotes.
func unescape(dst []byte, s string) ([]byte, error) {
	for {
		i := strings.IndexByte(s, '\\')
		if i < 0 {
			return append(dst, s...), nil
		}
		dst = append(dst, s[:i]...)
		if i+1 == len(s) {
			return dst, ErrSyntax
		}
		c := s[i+1]
		s = s[i+2:]
		switch c {
		case '"', '\\', '/':
			dst = append(dst, c)
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, n, err := codePoint(s)
			if err != nil {
				return dst, err
			}
			dst = utf8.AppendRune(dst, r)
			s = s[n:]
		default:
			return dst, ErrSyntax
		}
	}
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

// numberEnd returns the index after the number at index i, in the grammar of
// the C library that the reference reads numbers with: leading zeros and a
// missing digit on one side of the point are let through.
func numberEnd(text string, i int) (int, error) {
	if text[i] == '-' {
		i++
	}
	from := i
	i = digits(text, i)
	count := i - from
	if i < len(text) && text[i] == '.' {
		end := digits(text, i+1)
		count += end - i - 1
		i = end
	}
	if count == 0 {
		return 0, ErrSyntax
	}
	if i < len(text) && text[i]|0x20 == 'e' {
		j := i + 1
		if j < len(text) && (text[j] == '+' || text[j] == '-') {
			j++
		}
		end := digits(text, j)
		if end == j {
			return 0, ErrSyntax
		}
		i = end
	}
	return i, nil
}

func digits(text string, i int) int {
	for i < len(text) && '0' <= text[i] && text[i] <= '9' {
		i++
	}
	return i
}

// number returns the text of the number at index i as a field shows it, and
// the index after it.
func (f *Flattener) number(i int) (string, int, error) {
	end, err := numberEnd(f.text, i)
	if err != nil {
		return "", 0, err
	}
	token := f.text[i:end]
	if plainInt(token) {
		return token, end, nil
	}
	from := len(f.buf)
	f.buf = appendNumber(f.buf, token)
	return view(f.buf[from:]), end, nil
}

// plainInt reports whether a number is written as an int32 would be printed.
// Those of ten digits are left to the slow way.
func plainInt(token string) bool {
	if token[0] == '-' {
		if token = token[1:]; token == "0" {
			return false
		}
	}
	if len(token) > 9 || token[0] == '0' && len(token) > 1 {
		return false
	}
	return digits(token, 0) == len(token)
}

// appendNumber appends a number as a field shows it: as an integer if an int32
// holds it, else with six decimals.
func appendNumber(dst []byte, token string) []byte {
	v := parseFloat(token)
	switch {
	case isInt32(v):
		return strconv.AppendInt(dst, int64(v), 10)
	case math.IsInf(v, 0):
		return appendInf(dst, v)
	}
	return strconv.AppendFloat(dst, v, 'f', 6, 64)
}

// appendArrayNumber appends a number as the JSON text of an array shows it:
// with as many digits as it needs, of 15 or 17.
func appendArrayNumber(dst []byte, token string) []byte {
	if plainInt(token) {
		return append(dst, token...)
	}
	v := parseFloat(token)
	switch {
	case isInt32(v):
		return strconv.AppendInt(dst, int64(v), 10)
	case math.IsInf(v, 0):
		return append(dst, "null"...)
	}
	from := len(dst)
	dst = strconv.AppendFloat(dst, v, 'g', 15, 64)
	if parseFloat(string(dst[from:])) != v {
		dst = strconv.AppendFloat(dst[:from], v, 'g', 17, 64)
	}
	return dst
}

// parseFloat reads a checked number; one out of range is an infinity.
func parseFloat(token string) float64 {
	v, _ := strconv.ParseFloat(token, 64) // the grammar is checked; out of range gives ±Inf
	return v
}

func isInt32(v float64) bool {
	return v >= math.MinInt32 && v <= math.MaxInt32 && v == math.Trunc(v)
}

func appendInf(dst []byte, v float64) []byte {
	if v < 0 {
		return append(dst, "-inf"...)
	}
	return append(dst, "inf"...)
}
