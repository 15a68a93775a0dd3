package data

import (
	"strings"

	"armor/rules/internal/fields"
)

// tree nests field names by their dots. It is reused, and empty in between.
type tree struct {
	nodes []node
	index map[key]int32 // children by parent and name, for parents with many
	// The last name and the nodes of its parts: fields of one object mostly follow each other.
	lastName string
	lastPath []pathStep
}

// pathStep is a node and the end of its part in lastName, the dot included.
type pathStep struct {
	end  int
	node int32
}

type key struct {
	parent int32
	name   string
}

type node struct {
	name        string
	value       hole
	set         bool  // it has a value of its own
	first, last int32 // children; 0: none
	next        int32 // sibling; 0: none
	count       int32 // of children
}

// fewChildren is up to how many children are searched one by one.
const fewChildren = 24

// ownValue is the key of a value that stands where an object stands too ("a" beside "a.b").
const ownValue = "_value"

// maxNesting is how many dots of a name nest; the rest of the name stays together.
const maxNesting = 64

// layOut makes the form of a set, in used memory.
func (t *tree) layOut(f *form, set *fields.Set) {
	t.nodes = append(t.nodes, node{})
	for s := range fields.NumSlots {
		if _, ok := set.Static(s); ok {
			t.add(s.String(), hole{field: ^int32(s)})
		}
	}
	dynamic := set.Dynamic()
	for i := range dynamic {
		if d := &dynamic[i]; d.Value != "" {
			t.add(d.Name, hole{field: int32(i), array: d.Array})
		}
	}
	f.text, f.holes = f.text[:0], f.holes[:0]
	t.write(f, 0)
	t.reset()
}

// reset empties the tree. Its names may point into the event, which does not last.
func (t *tree) reset() {
	clear(t.nodes)
	clear(t.index)
	t.nodes, t.lastName, t.lastPath = t.nodes[:0], "", t.lastPath[:0]
}

// add puts a field into the tree; of two equal names the first holds.
func (t *tree) add(name string, value hole) {
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
		n.set, n.value = true, value
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
func (t *tree) child(parent int32, name string) int32 {
	p := &t.nodes[parent]
	if p.count <= fewChildren {
		for c := p.first; c != 0; c = t.nodes[c].next {
			if t.nodes[c].name == name {
				return c
			}
		}
	} else if n, ok := t.index[key{parent, name}]; ok {
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
	t.nodes = append(t.nodes, node{name: name})
	switch {
	case count == fewChildren+1:
		if t.index == nil {
			t.index = map[key]int32{}
		}
		for c := first; c != 0; c = t.nodes[c].next {
			t.index[key{parent, t.nodes[c].name}] = c
		}
	case count > fewChildren:
		t.index[key{parent, name}] = n
	}
	return n
}

func (t *tree) write(f *form, at int32) {
	n := &t.nodes[at]
	if n.first == 0 && at != 0 {
		f.hole(n.value)
		return
	}
	f.text = append(f.text, '{')
	separate := false
	if n.set {
		f.text = append(f.text, `"`+ownValue+`":`...)
		f.hole(n.value)
		separate = true
	}
	for c := n.first; c != 0; c = t.nodes[c].next {
		if separate {
			f.text = append(f.text, ',')
		}
		separate = true
		f.text = appendString(f.text, t.nodes[c].name)
		f.text = append(f.text, ':')
		t.write(f, c)
	}
	f.text = append(f.text, '}')
}

// hole adds a place for a value.
func (f *form) hole(h hole) {
	if h.array {
		h.end = int32(len(f.text))
		f.holes = append(f.holes, h)
		return
	}
	f.text = append(f.text, '"')
	h.end = int32(len(f.text))
	f.holes = append(f.holes, h)
	f.text = append(f.text, '"')
}
