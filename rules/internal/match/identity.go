package match

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"strconv"

	"armor/rules/internal/xmldoc"
)

// digest is the hash of a rule's own definition: the group around it and its elements as they are after variables are
// filled in. Comments and spaces between elements do not count.
func digest(e *xmldoc.Element, group, decoder string) [sha256.Size]byte {
	h := sha256.New()
	writeText(h, group)
	writeText(h, decoder)
	writeElement(h, e)
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	return sum
}

func writeText(h hash.Hash, s string) {
	io.WriteString(h, strconv.Itoa(len(s)))
	io.WriteString(h, ":")
	io.WriteString(h, s)
}

func writeElement(h hash.Hash, e *xmldoc.Element) {
	writeText(h, e.Name)
	for _, a := range e.Attrs {
		writeText(h, a.Name)
		writeText(h, a.Value)
	}
	if len(e.Children) == 0 {
		writeText(h, e.Text)
	}
	for _, c := range e.Children {
		writeElement(h, c)
	}
	writeText(h, "")
}

// identify gives each rule its key: its number and the hash of its own and its ancestors' definitions. What the memory
// holds for a rule is kept under this key, so it goes on over a reload if, and only if, none of them changed.
func (l *Loader) identify() (keys []string) {
	sums := make([][sha256.Size]byte, len(l.tree.rules))
	keys = make([]string, len(l.tree.rules))
	for i, r := range l.tree.rules { // parents stand before their children
		h := sha256.New()
		h.Write(r.digest[:])
		if l.opts.OSSEC {
			io.WriteString(h, "ossec")
		}
		for _, id := range r.parents {
			if parent := l.tree.byID[id]; parent != nil && parent.Index < i {
				h.Write(sums[parent.Index][:])
			}
		}
		h.Sum(sums[i][:0])
		keys[i] = strconv.Itoa(r.ID) + ":" + hex.EncodeToString(sums[i][:8])
	}
	for i, owner := range l.owners {
		if owner != nil {
			l.tree.plan.Lists[i].Key += keys[owner.Index]
		}
	}
	return keys
}
