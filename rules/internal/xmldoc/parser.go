package xmldoc

import (
	"fmt"
	"strings"
)

// maxMistakes ends the reading of a file that is no XML at all.
const maxMistakes = 200

type parser struct {
	text     string
	pos      int
	line     int
	root     Element
	stack    []*Element
	buf      [][]byte // text of the open elements, by depth
	mistakes []Mistake
}

func (p *parser) fail(line int, format string, args ...any) {
	if len(p.mistakes) < maxMistakes {
		p.mistakes = append(p.mistakes, Mistake{Line: line, Message: fmt.Sprintf(format, args...), Fatal: true})
	}
}

func (p *parser) top() *Element {
	if len(p.stack) == 0 {
		return &p.root
	}
	return p.stack[len(p.stack)-1]
}

// advance moves to pos and counts the lines on the way.
func (p *parser) advance(pos int) {
	p.line += strings.Count(p.text[p.pos:pos], "\n")
	p.pos = pos
}

func (p *parser) run() {
	for p.pos < len(p.text) && len(p.mistakes) < maxMistakes {
		next := p.nextTag()
		p.content(p.text[p.pos:next])
		p.advance(next)
		if p.pos >= len(p.text) {
			break
		}
		rest := p.text[p.pos:]
		switch {
		case strings.HasPrefix(rest, "<!--"):
			p.comment()
		case strings.HasPrefix(rest, "</"):
			p.closeTag()
		case strings.HasPrefix(rest, "<?"), strings.HasPrefix(rest, "<!"):
			p.declaration()
		default:
			p.openTag()
		}
	}
	for i := len(p.stack) - 1; i >= 0; i-- {
		e := p.stack[i]
		p.fail(e.Line, "<%s> is never closed; add </%s>", e.Name, e.Name)
		p.pop(len(p.text))
	}
}

// nextTag finds the next "<" that is not escaped by a backslash.
func (p *parser) nextTag() int {
	escaped := false
	for i := p.pos; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case escaped:
			escaped = false
		case c == '\\':
			escaped = true
		case c == '<':
			return i
		}
	}
	return len(p.text)
}

func (p *parser) content(s string) {
	if s == "" {
		return
	}
	if len(p.stack) > 0 {
		p.buf[len(p.stack)-1] = append(p.buf[len(p.stack)-1], s...)
		return
	}
	if t := strings.TrimSpace(s); t != "" {
		line := p.line + strings.Count(s[:strings.Index(s, t)], "\n")
		p.fail(line, "text %q stands outside any element; put it into a comment", cut(t))
	}
}

func (p *parser) comment() {
	end := strings.Index(p.text[p.pos+4:], "-->")
	if end < 0 {
		p.fail(p.line, "comment is never closed; add -->")
		p.advance(len(p.text))
		return
	}
	p.advance(p.pos + 4 + end + 3)
}

func (p *parser) declaration() {
	end := strings.IndexByte(p.text[p.pos:], '>')
	if end < 0 {
		p.fail(p.line, "declaration is never closed; remove it")
		p.advance(len(p.text))
		return
	}
	p.mistakes = append(p.mistakes, Mistake{Line: p.line, Message: "declaration " + cut(p.text[p.pos:p.pos+end+1]) + " is ignored; remove it"})
	p.advance(p.pos + end + 1)
}

func (p *parser) closeTag() {
	line, start := p.line, p.pos
	end := strings.IndexByte(p.text[p.pos:], '>')
	if end < 0 {
		p.fail(line, "closing tag has no \">\"")
		p.advance(len(p.text))
		return
	}
	name := strings.TrimSpace(p.text[p.pos+2 : p.pos+end])
	p.advance(p.pos + end + 1)
	at := -1
	for i := len(p.stack) - 1; i >= 0; i-- {
		if p.stack[i].Name == name {
			at = i
			break
		}
	}
	if at < 0 {
		if len(p.stack) > 0 {
			e := p.top()
			if e.Line == line && len(e.Children) == 0 && !strings.Contains(p.text[e.Start:start], "\n") {
				p.fail(line, "<%s> is closed by </%s>; write </%s>", e.Name, cut(name), e.Name)
				p.pop(p.pos)
				return
			}
			p.fail(line, "</%s> closes nothing; <%s> of line %d is open", cut(name), e.Name, e.Line)
		} else {
			p.fail(line, "</%s> closes nothing; remove it", cut(name))
		}
		return
	}
	for len(p.stack) > at+1 {
		e := p.top()
		p.fail(e.Line, "<%s> is not closed before </%s> in line %d; add </%s>", e.Name, name, line, e.Name)
		p.pop(p.pos)
	}
	p.pop(p.pos)
}

// pop ends the innermost element.
func (p *parser) pop(end int) {
	n := len(p.stack) - 1
	e := p.stack[n]
	e.Text = string(p.buf[n])
	e.End = end
	p.stack = p.stack[:n]
	p.buf = p.buf[:n]
}

func cut(s string) string {
	if len(s) > 60 {
		return s[:60] + "..."
	}
	return s
}
