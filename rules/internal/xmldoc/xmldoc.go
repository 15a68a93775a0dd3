// Package xmldoc reads the XML dialect of decoder and rule files: several roots in a file, bare ampersands, "<"
// escaped as "\<", no entities. It finds every mistake in one pass and says where it is.
package xmldoc

// Limits of a file. They are far above what real rulesets need.
const (
	// MaxFile is the largest file, in bytes.
	MaxFile = 32 << 20
	// MaxDepth is how deep elements may nest.
	MaxDepth = 16
	// MaxAttributes is how many attributes an element may have.
	MaxAttributes = 32
)

// Element is one element with its attributes, its own text and its children.
type Element struct {
	Name     string
	Attrs    []Attr
	Text     string
	Children []*Element
	// Line of its start tag, from 1.
	Line int
	// Start and End are the offsets of the whole element in the file.
	Start, End int
}

// Attr is one attribute.
type Attr struct {
	Name, Value string
}

// Attr gives the value of an attribute.
func (e *Element) Attr(name string) (string, bool) {
	for _, a := range e.Attrs {
		if a.Name == name {
			return a.Value, true
		}
	}
	return "", false
}

// Mistake is one thing wrong in a file.
type Mistake struct {
	Line    int
	Message string
	// Fatal: the reference engines refuse the file; else they go on.
	Fatal bool
}

// Parse reads a file. It always returns what could be read.
func Parse(text string) (roots []*Element, mistakes []Mistake) {
	if len(text) > MaxFile {
		return nil, []Mistake{{Message: "file is larger than 32 MiB; split it", Fatal: true}}
	}
	p := parser{text: text, line: 1}
	p.run()
	p.mistakes = append(p.mistakes, applyVariables(p.root.Children)...)
	return p.root.Children, p.mistakes
}
