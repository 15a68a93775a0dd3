package pattern

// place says where in a text a literal must stand.
type place uint8

const (
	anywhere place = iota
	atStart
	atEnd
	whole
)

// literal is one alternative that is plain text, ASCII case ignored.
type literal struct {
	find  finder // its text; where it may stand anywhere, how to look for it
	place place
}

func newLiteral(text string, start, end bool) *literal {
	l := &literal{find: finder{text: asciiLower(text)}}
	switch {
	case start && end:
		l.place = whole
	case start:
		l.place = atStart
	case end:
		l.place = atEnd
	case text != "":
		l.find = newFinder(l.find.text)
	}
	return l
}

// index returns where the literal begins in text, or -1.
func (l *literal) index(text string, sc *Scratch) int {
	want := l.find.text
	switch l.place {
	case atStart:
		if hasPrefixFold(text, want) {
			return 0
		}
	case atEnd:
		if hasSuffixFold(text, want) {
			return len(text) - len(want)
		}
	case whole:
		if equalFold(text, want) {
			return 0
		}
	case anywhere:
		if want == "" {
			return 0
		}
		return sc.find(&l.find, text, 0)
	}
	return -1
}
