package xmldoc

import "strings"

// openTag reads a start tag, with its attributes.
func (p *parser) openTag() {
	line, start := p.line, p.pos
	i := start + 1
	for i < len(p.text) && isName(p.text[i]) {
		i++
	}
	name := p.text[start+1 : i]
	if name == "" {
		p.fail(line, "\"<\" does not start a tag here; write it as \\<")
		p.content("<")
		p.advance(start + 1)
		return
	}
	e := &Element{Name: name, Line: line, Start: start}
	i, closed, ok := p.attributes(e, i)
	if !ok {
		// The tag is broken: go on after its ">", as if it were whole, so that what follows is still checked.
		end := strings.IndexByte(p.text[i:], '>')
		if end < 0 {
			p.advance(len(p.text))
			return
		}
		i += end + 1
		closed = p.text[i-2] == '/'
	}
	p.advance(i)
	if len(p.stack) >= MaxDepth {
		p.fail(line, "<%s> is nested more than %d deep; it is left out", name, MaxDepth)
		return
	}
	parent := p.top()
	parent.Children = append(parent.Children, e)
	if closed {
		e.End = i
		return
	}
	p.stack = append(p.stack, e)
	p.buf = append(p.buf, nil)
}

// attributes reads up to and over the ">" of a start tag. It gives the position behind, and whether the tag closes
// itself.
func (p *parser) attributes(e *Element, i int) (end int, closed, ok bool) {
	t := p.text
	for {
		for i < len(t) && isSpace(t[i]) {
			i++
		}
		switch {
		case i >= len(t):
			p.fail(e.Line, "tag <%s> has no \">\"", e.Name)
			return i, false, false
		case t[i] == '>':
			return i + 1, false, true
		case t[i] == '/' && i+1 < len(t) && t[i+1] == '>':
			return i + 2, true, true
		}
		from := i
		for i < len(t) && isName(t[i]) {
			i++
		}
		name := t[from:i]
		if name == "" {
			p.fail(e.Line, "tag <%s> has %q where an attribute should be; write name=\"value\"", e.Name, cut(t[i:i+1]))
			return i, false, false
		}
		for i < len(t) && isSpace(t[i]) {
			i++
		}
		if i >= len(t) || t[i] != '=' {
			p.fail(e.Line, "attribute %s of <%s> has no value; write %s=\"...\"", name, e.Name, name)
			return i, false, false
		}
		i++
		for i < len(t) && isSpace(t[i]) {
			i++
		}
		if i >= len(t) || (t[i] != '"' && t[i] != '\'') {
			p.fail(e.Line, "value of attribute %s of <%s> is not quoted; write %s=\"...\"", name, e.Name, name)
			return i, false, false
		}
		n := strings.IndexByte(t[i+1:], t[i])
		if n < 0 || strings.Contains(t[i+1:i+1+n], "\n\n") {
			p.fail(e.Line, "value of attribute %s of <%s> has no closing quote", name, e.Name)
			return i, false, false
		}
		if _, twice := e.Attr(name); twice {
			p.fail(e.Line, "attribute %s of <%s> stands twice; remove one", name, e.Name)
		} else if len(e.Attrs) < MaxAttributes {
			e.Attrs = append(e.Attrs, Attr{Name: name, Value: t[i+1 : i+1+n]})
		} else {
			p.fail(e.Line, "<%s> has more than %d attributes", e.Name, MaxAttributes)
			return i, false, false
		}
		i += n + 2
	}
}

func isName(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-'
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
