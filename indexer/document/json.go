package document

import "strconv"

// key is what stands before a member's value: a comma, the name, which needs no escape, a colon, and the quote or bracket that
// opens the value. It may open objects on the way: `,"manager":{"name":"`.
type key string

// open appends the key, without its comma where the object has no member yet.
func (k key) open(dst []byte) []byte {
	if dst[len(dst)-1] == '{' {
		k = k[1:]
	}
	return append(dst, k...)
}

// str appends a member unless it is empty.
func str(dst []byte, k key, value string) []byte {
	if value == "" {
		return dst
	}
	return text(dst, k, value)
}

// text appends a member that may be empty.
func text[T ~string | ~[]byte](dst []byte, k key, value T) []byte {
	dst = appendEscaped(k.open(dst), value)
	return append(dst, '"')
}

// nested is str for a member alone in its object, which the key opens.
func nested(dst []byte, k key, value string) []byte {
	if value == "" {
		return dst
	}
	return append(text(dst, k, value), '}')
}

func number(dst []byte, k key, value uint64) []byte {
	return strconv.AppendUint(k.open(dst), value, 10)
}

// array is a member with several values, appended one by one. It is left out when it has none; empty values are left out too.
type array struct {
	// key opens the array and the first value.
	key  key
	some bool
}

func (a *array) add(dst []byte, values []string) []byte {
	for _, v := range values {
		if v != "" {
			dst = appendEscaped(a.value(dst), v)
		}
	}
	return dst
}

// value begins a value, whose text follows.
func (a *array) value(dst []byte) []byte {
	if a.some {
		return append(dst, `","`...)
	}
	a.some = true
	return a.key.open(dst)
}

func (a *array) close(dst []byte) []byte {
	if !a.some {
		return dst
	}
	return append(dst, `"]`...)
}

// strs appends an array whole.
func strs(dst []byte, k key, values []string) []byte {
	a := array{key: k}
	dst = a.add(dst, values)
	return a.close(dst)
}
