package jsonfields

import "strings"

const (
	maxPaths     = 4096    // cached key paths
	maxPathBytes = 1 << 20 // of their keys and names
)

// node is one key path that was seen before.
type node struct {
	key      string // its last key
	name     string // the dotted path; made when a value is first met
	symbol   int32
	order    []*node          // children, in the order in which they were first seen
	index    int              // in the parent's order
	children map[string]*node // by key
	parent   *node
	plain    bool // the key needs no escapes
}

// paths is a cache of key paths. When it is full it is dropped as a whole, so
// that hostile keys cannot fill it for good.
type paths struct {
	resolve func(string) int32
	root    *node
	count   int
	bytes   int
	spent   int // bytes of names made for the object at hand
}

// begin prepares for the next object.
func (p *paths) begin() {
	if p.root == nil || p.count > maxPaths || p.bytes > maxPathBytes {
		p.root, p.count, p.bytes = &node{}, 0, 0
	}
	p.spent = 0
}

// expected returns the child at index guess of n's order, if its key stands in
// quotes at index i, and the index after it; else nil. Records of one kind
// mostly have their keys in one order.
func (n *node) expected(text string, i, guess int) (*node, int) {
	if guess >= len(n.order) {
		return nil, 0
	}
	c := n.order[guess]
	end := i + 1 + len(c.key)
	if c.plain && end < len(text) && text[i] == '"' && text[end] == '"' && text[i+1:end] == c.key {
		return c, end + 1
	}
	return nil, 0
}

// child returns the path of key below n.
func (p *paths) child(n *node, key string) *node {
	if c := n.children[key]; c != nil {
		return c
	}
	return p.add(n, key)
}

func (p *paths) add(n *node, key string) *node {
	c := &node{key: strings.Clone(key), parent: n, index: len(n.order), plain: strings.IndexByte(key, '\\') < 0 && strings.IndexByte(key, '"') < 0}
	p.count++
	p.bytes += len(key)
	if n.children == nil {
		n.children = make(map[string]*node)
	}
	n.children[c.key] = c
	n.order = append(n.order, c)
	return c
}

// named makes sure that n has its dotted name.
func (p *paths) named(n *node) error {
	if n.name != "" || n.key == "" && n.parent == p.root {
		return nil
	}
	length := len(n.key)
	for up := n.parent; up != p.root; up = up.parent {
		length += len(up.key) + 1
	}
	if p.spent += length; p.spent > maxNameBytes {
		return ErrLimit
	}
	p.bytes += length
	name := make([]byte, length)
	end := length
	for up := n; up != p.root; up = up.parent {
		if up != n {
			end--
			name[end] = '.'
		}
		end -= len(up.key)
		copy(name[end:], up.key)
	}
	n.name = string(name)
	if p.resolve != nil {
		n.symbol = p.resolve(n.name)
	}
	return nil
}
