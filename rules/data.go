package rules

import (
	"encoding/json"
	"math/bits"
	"strings"
	"unicode/utf8"

	"armor/rules/internal/fields"
)

// dataTree nests field names by their dots, to be written as JSON. It is reused.
type dataTree struct {
	nodes []dataNode
	index map[dataKey]int32 // children by parent and name, for parents with many
	// The last name and the nodes of its parts: fields of one object mostly follow each other.
	lastName string
	lastPath []pathStep
	text     []byte // of Verdict.Data
}

// pathStep is a node and the end of its part in lastName, the dot included.
type pathStep struct {
	end  int
	node int32
}

type dataKey struct {
	parent int32
	name   string
}

type dataNode struct {
	name        string
	value       string
	first, last int32 // children; 0: none
	next        int32 // sibling; 0: none
	count       int32 // of children
	set         bool  // it has a value of its own
	array       bool  // value is a JSON array
}

// fewChildren is up to how many children are searched one by one.
const fewChildren = 24

// ownValue is the key of a value that stands where an object stands too ("a" beside "a.b").
const ownValue = "_value"

// maxNesting is how many dots of a name nest; the rest of the name stays together.
const maxNesting = 64

// appendData appends the data object of the event.
func (x *Evaluation) appendData(dst []byte) []byte {
	t := &x.data
	t.nodes = append(t.nodes[:0], dataNode{})
	t.lastName, t.lastPath = "", t.lastPath[:0]
	if len(t.index) > 0 {
		clear(t.index)
	}
	for s := range fields.NumSlots {
		if v, ok := x.event.Fields.Static(s); ok {
			t.add(s.String(), v, false)
		}
	}
	for _, d := range x.event.Fields.Dynamic() {
		if d.Value != "" { // as in the reference, an empty dynamic field is not shown
			t.add(d.Name, d.Value, d.Array)
		}
	}
	return t.write(dst, 0)
}

// add puts a field into the tree; of two equal names the first holds.
func (t *dataTree) add(name, value string, array bool) {
	common := commonPrefix(name, t.lastName)
	for len(t.lastPath) > 0 && t.lastPath[len(t.lastPath)-1].end > common {
		t.lastPath = t.lastPath[:len(t.lastPath)-1]
	}
	at, from := int32(0), 0
	if n := len(t.lastPath); n > 0 {
		at, from = t.lastPath[n-1].node, t.lastPath[n-1].end
	}
	for len(t.lastPath) < maxNesting {
		i := strings.IndexByte(name[from:], '.')
		if i < 0 {
			break
		}
		at = t.child(at, name[from:from+i])
		from += i + 1
		t.lastPath = append(t.lastPath, pathStep{end: from, node: at})
	}
	t.lastName = name
	n := &t.nodes[t.child(at, name[from:])]
	if !n.set {
		n.set, n.value, n.array = true, value, array
	}
}

func commonPrefix(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// child finds or makes the child of a node.
func (t *dataTree) child(parent int32, name string) int32 {
	p := &t.nodes[parent]
	if p.count <= fewChildren {
		for c := p.first; c != 0; c = t.nodes[c].next {
			if t.nodes[c].name == name {
				return c
			}
		}
	} else if n, ok := t.index[dataKey{parent, name}]; ok {
		return n
	}
	n := int32(len(t.nodes))
	if p.last == 0 {
		p.first = n
	} else {
		t.nodes[p.last].next = n
	}
	p.last = n
	p.count++
	count, first := p.count, p.first
	t.nodes = append(t.nodes, dataNode{name: name})
	switch {
	case count == fewChildren+1:
		if t.index == nil {
			t.index = map[dataKey]int32{}
		}
		for c := first; c != 0; c = t.nodes[c].next {
			t.index[dataKey{parent, t.nodes[c].name}] = c
		}
	case count > fewChildren:
		t.index[dataKey{parent, name}] = n
	}
	return n
}

func (t *dataTree) write(dst []byte, at int32) []byte {
	n := &t.nodes[at]
	if n.first == 0 && at != 0 {
		return n.writeValue(dst)
	}
	dst = append(dst, '{')
	separate := false
	if n.set {
		dst = append(dst, `"`+ownValue+`":`...)
		dst = n.writeValue(dst)
		separate = true
	}
	for c := n.first; c != 0; c = t.nodes[c].next {
		if separate {
			dst = append(dst, ',')
		}
		separate = true
		dst = appendJSONString(dst, t.nodes[c].name)
		dst = append(dst, ':')
		dst = t.write(dst, c)
	}
	return append(dst, '}')
}

func (n *dataNode) writeValue(dst []byte) []byte {
	if n.array && utf8.ValidString(n.value) {
		from := len(dst)
		dst = append(dst, n.value...)
		if json.Valid(dst[from:]) {
			return dst
		}
		dst = dst[:from]
	}
	return appendJSONString(dst, n.value)
}

const hexDigits = "0123456789abcdef"

// appendJSONString appends a string as JSON. Bytes that are no UTF-8 become U+FFFD.
func appendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
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
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}

// plainRun is up to where a text can be copied as it is from i on: a control character, a quote, a backslash, a byte that is no
// ASCII, or the last seven bytes, which it leaves to the caller.
func plainRun(s string, i int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(s); i += 8 {
		b := s[i : i+8]
		w := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 | uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		quote, slash := w^(ones*'"'), w^(ones*'\\')
		// The first byte with its top bit set is one that is not plain. Borrows reach only bytes behind such a one.
		if stop := (w | (w - ones*0x20) | (quote - ones) | (slash - ones)) & tops; stop != 0 {
			return i + bits.TrailingZeros64(stop)/8
		}
	}
	return i
}
