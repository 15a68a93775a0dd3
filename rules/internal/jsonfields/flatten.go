package jsonfields

import (
	"strings"
	"unsafe"
)

// space returns the index of the first byte at or after i that is no white
// space; every byte up to 0x20 counts as such, as in the reference.
func space(text string, i int) int {
	for i < len(text) && text[i] <= ' ' {
		i++
	}
	return i
}

// object flattens the object that begins at index i, below n, and returns the
// index after it.
func (f *Flattener) object(n *node, i, depth int) (int, error) {
	if depth > maxDepth {
		return 0, ErrSyntax
	}
	text := f.text
	i = space(text, i+1)
	if i < len(text) && text[i] == '}' {
		return i + 1, nil
	}
	guess := 0
	for {
		c, after := n.expected(text, i, guess)
		if c == nil {
			key, end, err := f.readKey(i)
			if err != nil {
				return 0, err
			}
			c, after = f.paths.child(n, key), end
		}
		guess = c.index + 1
		var err error
		i = space(text, after)
		if i == len(text) || text[i] != ':' {
			return 0, ErrSyntax
		}
		if i, err = f.value(c, space(text, i+1), depth); err != nil {
			return 0, err
		}
		i = space(text, i)
		switch {
		case i == len(text):
			return 0, ErrSyntax
		case text[i] == '}':
			return i + 1, nil
		case text[i] != ',':
			return 0, ErrSyntax
		}
		i = space(text, i+1)
	}
}

// readKey reads the string at index i. The key is good until the next call.
func (f *Flattener) readKey(i int) (key string, after int, err error) {
	end, escaped, err := stringEnd(f.text, i)
	if err != nil {
		return "", 0, err
	}
	key = f.text[i+1 : end]
	if escaped {
		if f.key, err = unescape(f.key[:0], key); err != nil {
			return "", 0, err
		}
		key = view(f.key)
	}
	return key, end + 1, nil
}

// value adds what stands at index i as field n and returns the index after it.
func (f *Flattener) value(n *node, i, depth int) (int, error) {
	if i == len(f.text) {
		return 0, ErrSyntax
	}
	text := f.text
	switch c := text[i]; {
	case c == '"':
		end, escaped, err := stringEnd(text, i)
		if err != nil {
			return 0, err
		}
		v := text[i+1 : end]
		if escaped {
			from := len(f.buf)
			if f.buf, err = unescape(f.buf, v); err != nil {
				return 0, err
			}
			v = view(f.buf[from:])
		}
		return end + 1, f.add(n, v, false)
	case c == '{':
		return f.object(n, i, depth+1)
	case c == '[':
		return f.array(n, i, depth+1)
	case c == '-' || '0' <= c && c <= '9':
		v, after, err := f.number(i)
		if err != nil {
			return 0, err
		}
		return after, f.add(n, v, false)
	}
	word, err := literal(text, i)
	if err != nil {
		return 0, err
	}
	if word == "null" && f.modes.Null == NullDiscard {
		return i + len(word), nil
	}
	return i + len(word), f.add(n, word, false)
}

// add appends a field; one whose path is the empty key alone has no name and
// is left out.
func (f *Flattener) add(n *node, value string, array bool) error {
	if err := f.paths.named(n); err != nil || n.name == "" {
		return err
	}
	f.out = append(f.out, Field{Name: n.name, Value: value, Symbol: n.symbol, Top: n.parent == f.paths.root, Array: array})
	return nil
}

// literal returns the true, false or null at index i.
func literal(text string, i int) (string, error) {
	for _, word := range [...]string{"true", "false", "null"} {
		if strings.HasPrefix(text[i:], word) {
			return word, nil
		}
	}
	return "", ErrSyntax
}

// view returns b as a string without a copy.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
