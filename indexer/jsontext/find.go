package jsontext

import "bytes"

// Node is a place in a set of paths, the zero Node its root. A walk that has such a set passes over everything else.
type Node struct {
	edges []edge
	// ID is what the set's owner makes of it.
	ID int
	// Below: what lies below the node and is not in the set is of interest too.
	Below bool
}

type edge struct {
	name string
	node *Node
}

// At gives the node of a path (names joined by dots) below n, making it where it is new.
func (n *Node) At(path string) *Node {
	for {
		name, rest, more := cutDot(path)
		next := n.child(name)
		if next == nil {
			next = &Node{ID: -1}
			n.edges = append(n.edges, edge{name, next})
		}
		if n = next; !more {
			return n
		}
		path = rest
	}
}

// All calls f for a node and every node below it, from the top.
func (n *Node) All(f func(*Node)) {
	f(n)
	for _, e := range n.edges {
		e.node.All(f)
	}
}

// Children calls f for the nodes one step below.
func (n *Node) Children(f func(*Node)) {
	for _, e := range n.edges {
		f(e.node)
	}
}

func cutDot[T ~string | ~[]byte](path T) (name, rest T, more bool) {
	for i := range len(path) {
		if path[i] == '.' {
			return path[:i], path[i+1:], true
		}
	}
	return path, path[:0], false
}

func (n *Node) child(name string) *Node {
	for i := range n.edges {
		if n.edges[i].name == name {
			return n.edges[i].node
		}
	}
	return nil
}

// step goes down by a member's name, which may hold dots. It gives the last node on the way, and whether the name ends there.
func (n *Node) step(name []byte) (*Node, bool) {
	for i := range n.edges {
		if e := &n.edges[i]; len(e.name) == len(name) && e.name == string(name) {
			return e.node, true
		}
	}
	if len(n.edges) == 0 || bytes.IndexByte(name, '.') < 0 {
		return n, false
	}
	for more := true; more; {
		var part []byte
		part, name, more = cutDot(name)
		next := n.child(string(part))
		if next == nil {
			return n, false
		}
		n = next
	}
	return n, true
}

// Finder is told what a walk finds. Slices are valid during the call only.
type Finder interface {
	// Found is called for a scalar at the node, or below it at a path that is not in the set. Null is skipped.
	Found(n *Node, at bool, path, value []byte, isString bool)
	// Wants tells whether what lies below the node, which has Below, is still of interest.
	Wants(n *Node) bool
}

// Find visits the scalars of a document at the paths of a set and tells whether it was well formed as far as it was read; it
// never panics.
func (w *Walker) Find(b []byte, root *Node, f Finder) bool {
	w.path = w.path[:0]
	i := space(b, 0)
	if i >= len(b) || b[i] != '{' {
		return false
	}
	return w.findIn(b, i, root, true, f, 0) >= 0
}

func (w *Walker) find(b []byte, i int, n *Node, at bool, f Finder, depth int) int {
	if i >= len(b) || depth > MaxDepth {
		return -1
	}
	switch b[i] {
	case '{':
		if at && len(n.edges) == 0 && !n.Below {
			return skip(b, i)
		}
		return w.findIn(b, i, n, at, f, depth)
	case '[':
		for i = space(b, i+1); ; {
			if i < len(b) && b[i] == ']' {
				return i + 1
			}
			if i = w.find(b, i, n, at, f, depth+1); i < 0 {
				return -1
			}
			if i = space(b, i); i < len(b) && b[i] == ',' {
				i = space(b, i+1)
			}
		}
	case '"':
		s, end := w.str(b, i)
		if end >= 0 {
			f.Found(n, at, w.path, s, true)
		}
		return end
	}
	end := validWord(b, i)
	if end >= 0 && b[i] != 'n' {
		f.Found(n, at, w.path, b[i:end], false)
	}
	return end
}

func (w *Walker) findIn(b []byte, i int, n *Node, at bool, f Finder, depth int) int {
	base := len(w.path)
	for i = space(b, i+1); ; {
		if i < len(b) && b[i] == '}' {
			return i + 1
		}
		if i >= len(b) || b[i] != '"' {
			return -1
		}
		key, end := w.str(b, i)
		if end < 0 {
			return -1
		}
		next, on := n, false
		if at {
			next, on = n.step(key)
		}
		wanted := on || next.Below && f.Wants(next)
		if wanted {
			if base > 0 {
				w.path = append(w.path, '.')
			}
			w.path = append(w.path, key...)
		}
		i = space(b, end)
		if i >= len(b) || b[i] != ':' {
			return -1
		}
		i = space(b, i+1)
		if wanted {
			i = w.find(b, i, next, on, f, depth+1)
		} else {
			i = skip(b, i)
		}
		w.path = w.path[:base]
		if i < 0 {
			return -1
		}
		if i = space(b, i); i < len(b) && b[i] == ',' {
			i = space(b, i+1)
		}
	}
}
