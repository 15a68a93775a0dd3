package xmldoc

import (
	"fmt"
	"strings"
)

// maxExpanded bounds the text that variables may grow an element to.
const maxExpanded = 1 << 20

// applyVariables takes the <var name="X"> roots of a file and replaces $X in all texts and attribute values. A file
// without variables is left as it is.
func applyVariables(roots []*Element) []Mistake {
	var mistakes []Mistake
	vars := map[string]string{}
	for _, e := range roots {
		if e.Name != "var" {
			continue
		}
		name, ok := e.Attr("name")
		switch {
		case !ok || name == "":
			mistakes = append(mistakes, Mistake{Line: e.Line, Message: "<var> has no name; write <var name=\"X\">", Fatal: true})
		case e.Text == "":
			mistakes = append(mistakes, Mistake{Line: e.Line, Message: fmt.Sprintf("<var name=%q> is empty; give it a value", name), Fatal: true})
		default:
			if _, twice := vars[name]; !twice {
				vars[name] = e.Text
			}
		}
	}
	if len(vars) == 0 {
		return mistakes
	}
	x := expander{vars: vars}
	for _, e := range roots {
		if e.Name != "var" {
			x.element(e)
		}
	}
	return append(mistakes, x.mistakes...)
}

type expander struct {
	vars     map[string]string
	mistakes []Mistake
}

func (x *expander) element(e *Element) {
	e.Text = x.expand(e, e.Text)
	for i := range e.Attrs {
		e.Attrs[i].Value = x.expand(e, e.Attrs[i].Value)
	}
	for _, c := range e.Children {
		x.element(c)
	}
}

func (x *expander) expand(e *Element, s string) string {
	if !strings.Contains(s, "$") {
		return s
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '$')
		if i < 0 {
			break
		}
		n := i + 1
		for n < len(s) && isName(s[n]) {
			n++
		}
		name := s[i+1 : n]
		value, ok := x.vars[name]
		switch {
		case ok:
			b.WriteString(s[:i])
			b.WriteString(value)
		default:
			if name != "" {
				x.mistakes = append(x.mistakes, Mistake{Line: e.Line, Message: fmt.Sprintf("variable $%s is not defined in this file and stays as it is; add <var name=%q> or check the name", name, name)})
			}
			b.WriteString(s[:n])
		}
		s = s[n:]
		if b.Len() > maxExpanded {
			x.mistakes = append(x.mistakes, Mistake{Line: e.Line, Message: "variables make this text longer than 1 MiB", Fatal: true})
			return b.String()[:maxExpanded]
		}
	}
	b.WriteString(s)
	return b.String()
}
