package jsonfields

import (
	"slices"

	"armor/rules/internal/fields"
)

// object appends the fields of the object that begins at index i; on an error, those that stand before it. An object
// inside of it is no call: its path knows the way back.
func (f *Flattener) object(list []fields.Dynamic, i int) ([]fields.Dynamic, error) {
	text, p := f.text, &f.paths
	i, b := visible(text, i+1)
	if b == '}' {
		return list, nil
	}
	n, depth := int32(0), 1 // the path of the object at hand
	guess := &p.nodes[0].first
	for {
		c := guess[0] // the path of its member
		var err error
		if p.at(c, text[i:]) {
			i += int(p.nodes[c].length)
		} else if c, i, err = f.member(n, guess, i); err != nil {
			return list, err
		}
		i, b = visible(text, i)
		var v string
		array, add := false, true
		switch b {
		case '"':
			i++
			if end := i + quote(text[i:]); end < f.slash || !f.escaped(i, end) {
				v, i = text[i:end], end+1
			} else if v, i, err = f.unescaped(i, end); err != nil {
				return list, err
			}
		case '{':
			if depth++; depth > maxDepth {
				return list, ErrSyntax
			}
			n, guess = c, &p.nodes[c].first
			if i, b = visible(text, i+1); b != '}' {
				continue
			}
			add = false
		default:
			if v, i, err = f.other(i, b, depth); err != nil {
				return list, err
			}
			array = b == '[' && f.modes.Array == ArrayJSON
			add = b != 'n' || f.modes.Null != NullDiscard
		}
		if add {
			m := &p.nodes[c]
			if m.name == "" {
				if err = p.nameOf(c); err != nil {
					return list, err
				}
			}
			if m.name != "" {
				if len(list) == cap(list) {
					list = slices.Grow(list, 1)
				}
				list = list[:len(list)+1] // filled where it stands: what append takes is made elsewhere and copied
				d := &list[len(list)-1]
				d.Name, d.Value, d.Symbol, d.Array = m.name, v, m.symbol, array
			}
		}
		for {
			i, b = visible(text, i)
			i++
			if b == ',' {
				break
			}
			if b != '}' {
				return list, ErrSyntax
			}
			if n == 0 {
				return list, nil
			}
			c, n = n, p.branches[n].parent
			depth--
		}
		i, _ = visible(text, i)
		guess = &p.nodes[c].next
	}
}

// other reads the array, number or word at index i, where b is, in an object of that depth.
func (f *Flattener) other(i int, b byte, depth int) (v string, after int, err error) {
	switch b {
	case '[':
		return f.array(i, depth+1)
	case 't', 'f', 'n':
		v, err = literal(f.text, i)
		return v, i + len(v), err
	}
	return f.number(i, b)
}

// member reads the key at index i, of the object with path n, and the colon behind it; it returns the member's path
// and the index after the colon. The first guess was wrong.
func (f *Flattener) member(n int32, guess *[2]int32, i int) (c int32, after int, err error) {
	text, p := f.text, &f.paths
	if c = guess[1]; p.at(c, text[i:]) {
		guess[0], guess[1] = c, guess[0]
		return c, i + int(p.nodes[c].length), nil
	}
	key, after, err := f.readKey(i)
	if err != nil {
		return 0, 0, err
	}
	c = p.child(n, key, text[i+1:after-1], guess)
	if after = space(text, after); after == len(text) || text[after] != ':' {
		return 0, 0, ErrSyntax
	}
	return c, after + 1, nil
}

// readKey reads the string at index i. The key is good until the next call.
func (f *Flattener) readKey(i int) (key string, after int, err error) {
	if i == len(f.text) || f.text[i] != '"' {
		return "", 0, ErrSyntax
	}
	i++
	end := i + quote(f.text[i:])
	if !f.escaped(i, end) {
		return f.text[i:end], end + 1, nil
	}
	f.key, after, err = unescape(f.key[:0], f.text, i, end)
	return view(f.key), after, err
}

// unescaped reads the string that begins at index i and has escapes; end is where the first quote is.
func (f *Flattener) unescaped(i, end int) (v string, after int, err error) {
	from := len(f.buf)
	f.buf, after, err = unescape(f.buf, f.text, i, end)
	return view(f.buf[from:]), after, err
}
