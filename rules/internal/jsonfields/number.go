package jsonfields

import (
	"math"
	"strconv"
	"strings"
)

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
// the index after it; first is the byte there, or 0 at the end of the text.
func (f *Flattener) number(i int, first byte) (string, int, error) {
	if first != '-' && (first < '0' || '9' < first) {
		return "", 0, ErrSyntax
	}
	end, err := numberEnd(f.text, i)
	if err != nil {
		return "", 0, err
	}
	token := f.text[i:end]
	if plainInt(token) {
		return token, end, nil
	}
	from := len(f.buf)
	if zeros, ok := missing(token); ok {
		f.buf = append(append(f.buf, token...), zeros...)
	} else {
		f.buf = appendNumber(f.buf, token)
	}
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

// missing returns what a number lacks to be what appendNumber makes of it: for those of at most 15 digits, of which a
// float64 loses none. The others must be converted, and so must whole numbers that an int32 may hold.
func missing(token string) (zeros string, ok bool) {
	if token[0] == '-' {
		token = token[1:]
	}
	n := digits(token, 0)
	if n == 0 || token[0] == '0' && n > 1 {
		return "", false
	}
	if n == len(token) {
		return ".000000", 10 < n && n <= 15
	}
	decimals := len(token) - n - 1
	if token[n] != '.' || n > 9 || decimals > 6 || digits(token, n+1) != len(token) || strings.Trim(token[n+1:], "0") == "" {
		return "", false
	}
	return "000000"[decimals:], true
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
