package embedded

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"armor/indexer/document"
	"armor/indexer/jsontext"
)

// facetRoots are the objects of a document that many alerts share.
var facetRoots = [...]string{"rule", "agent", "manager", "decoder"}

// notShared is the one member of them that differs from alert to alert.
const notShared = "rule.firedtimes"

// inFacet tells whether a field's values stand in the facet.
func inFacet(path string) bool {
	if path == notShared {
		return false
	}
	for _, root := range facetRoots {
		if path == root || strings.HasPrefix(path, root) && path[len(root)] == '.' {
			return true
		}
	}
	return false
}

// faceter takes the facet out of documents: an object of dotted names, which reads the same as the document's part.
type faceter struct {
	walker jsontext.Walker
	out    []byte
	last   []byte // path of the last scalar
	many   bool   // its array is open
	value  int    // where its value begins
}

// facet makes the facet of a document. The slice is valid until the next call.
func (f *faceter) facet(doc []byte) []byte {
	f.out = append(f.out[:0], '{')
	f.last = f.last[:0]
	f.many = false
	f.walker.Walk(doc, f)
	if f.many {
		f.out = append(f.out, ']')
	}
	f.out = append(f.out, '}')
	return f.out
}

// Enter is part of the walk.
func (f *faceter) Enter(path []byte) bool {
	switch path[0] {
	case 'r', 'a', 'm', 'd':
		return inFacet(string(path))
	}
	return false
}

// Scalar is part of the walk.
func (f *faceter) Scalar(path, value []byte, isString bool) {
	switch {
	case len(f.out) > 1 && string(path) == string(f.last):
		if !f.many {
			f.out = append(f.out, 0)
			copy(f.out[f.value+1:], f.out[f.value:])
			f.out[f.value] = '['
			f.many = true
		}
		f.out = append(f.out, ',')
	default:
		if f.many {
			f.out = append(f.out, ']')
			f.many = false
		}
		if len(f.out) > 1 {
			f.out = append(f.out, ',')
		}
		f.last = append(f.last[:0], path...)
		f.out = document.AppendString(f.out, path)
		f.out = append(f.out, ':')
		f.value = len(f.out)
	}
	if isString {
		f.out = document.AppendString(f.out, value)
		return
	}
	f.out = append(f.out, value...)
}

// hash63 is a stable hash that is never negative. It is the first of a run of maxChain numbers.
func hash63[T ~string | ~[]byte](s T) int64 {
	sum := sha256.Sum256([]byte(s))
	return int64(binary.BigEndian.Uint64(sum[:8])>>1) &^ (maxChain - 1)
}
