package jsonfields

import (
	"strings"

	"armor/rules/internal/fields"
)

const (
	maxPaths     = 4096    // cached key paths
	maxPathBytes = 1 << 20 // of their keys and names
)

// node is one key path that was seen before: what the walk through a text looks at, in a cache line.
type node struct {
	head   [3]uint64 // the first bytes of its last key, as it stood in the text, with its quotes and the colon
	length uint32    // of all of them
	symbol int32
	name   string   // the dotted path; made when a value is first met
	next   [2]int32 // the keys that last came after it, the last one first
	first  [2]int32 // those that came first in it
}

// branch is what the walk seldom needs of a node.
type branch struct {
	quoted   string // what head begins with
	key      string
	parent   int32
	children map[string]int32
}

// noKey is what the root has for a key: a text that is found nowhere behind white space.
const noKey = "\x00"

// paths is a cache of key paths. When it is full it is dropped as a whole, so that hostile keys cannot fill it for
// good.
type paths struct {
	resolve  func(name string, top bool) fields.Symbol
	nodes    []node // the first is the root, whose number stands for none in next and first
	branches []branch
	bytes    int // of keys and names
	spent    int // bytes of names made for the object at hand
}

// headBytes is how much of a key is compared without a jump that depends on its length.
const headBytes = 24

// masks has, for each length, what leaves so many bytes of a head.
var masks = func() (m [headBytes + 1][3]uint64) {
	for n := range m {
		for i := range n {
			m[n][i/8] |= 0xff << (i % 8 * 8)
		}
	}
	return m
}()

// at reports whether the key of n and the colon stand at the start of text.
func (p *paths) at(n int32, text string) bool {
	c := &p.nodes[n]
	if c.length > headBytes || len(text) < headBytes {
		return strings.HasPrefix(text, p.branches[n].quoted)
	}
	m := &masks[c.length]
	return (word(text)&m[0]^c.head[0])|(word(text[8:])&m[1]^c.head[1])|(word(text[16:])&m[2]^c.head[2]) == 0
}

// begin prepares for the next object.
func (p *paths) begin() {
	if len(p.nodes) == 0 || len(p.nodes) > maxPaths || p.bytes > maxPathBytes {
		p.nodes, p.branches, p.bytes = nil, nil, 0
		p.add(noKey, "", 0)
	}
	p.spent = 0
}

// child returns the path of a key below n, which is to be guessed there next time; raw is the key as it stands in
// the text.
func (p *paths) child(n int32, key, raw string, guess *[2]int32) int32 {
	c, ok := p.branches[n].children[key]
	if !ok {
		c = int32(len(p.nodes))
	}
	guess[0], guess[1] = c, guess[0]
	if ok {
		return c
	}
	quoted := `"` + raw + `":`
	if key == raw {
		key = quoted[1 : 1+len(raw)]
	} else {
		key = strings.Clone(key)
	}
	p.add(quoted, key, n)
	b := &p.branches[n]
	if b.children == nil {
		b.children = make(map[string]int32)
	}
	b.children[key] = c
	return c
}

// add adds a node.
func (p *paths) add(quoted, key string, parent int32) {
	var head [headBytes]byte
	copy(head[:], quoted)
	h := string(head[:])
	p.nodes = append(p.nodes, node{head: [3]uint64{word(h), word(h[8:]), word(h[16:])}, length: uint32(len(quoted))})
	p.branches = append(p.branches, branch{quoted: quoted, key: key, parent: parent})
	p.bytes += len(quoted)
}

// nameOf makes the dotted name of a path when its first value is met. That of the empty key alone is empty.
func (p *paths) nameOf(n int32) error {
	length := len(p.branches[n].key)
	for up := p.branches[n].parent; up != 0; up = p.branches[up].parent {
		length += len(p.branches[up].key) + 1
	}
	if p.spent += length; p.spent > maxNameBytes {
		return ErrLimit
	}
	p.bytes += length
	name := make([]byte, length)
	end := length
	for up := n; up != 0; up = p.branches[up].parent {
		if up != n {
			end--
			name[end] = '.'
		}
		key := p.branches[up].key
		end -= len(key)
		copy(name[end:], key)
	}
	c := &p.nodes[n]
	c.name = string(name)
	if p.resolve != nil && c.name != "" {
		c.symbol = p.resolve(c.name, p.branches[n].parent == 0)
	}
	return nil
}
