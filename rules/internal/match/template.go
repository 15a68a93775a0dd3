package match

import (
	"strings"

	"armor/rules/internal/fields"
)

// template is a description with its $(field) parts cut out.
type template struct {
	parts []templatePart
}

type templatePart struct {
	text   string
	source source
	field  bool
}

// maxDescription is the longest filled-in description; a longer one is shown as written.
const maxDescription = 1024

// parseTemplate cuts up a description; nil: it has no fields. An unterminated $( stays as it is.
func parseTemplate(s string, symbols *fields.Symbols) *template {
	if !strings.Contains(s, "$(") {
		return nil
	}
	t := &template{}
	for {
		i := strings.Index(s, "$(")
		if i < 0 {
			break
		}
		n := strings.IndexByte(s[i:], ')')
		if n < 0 {
			break
		}
		if i > 0 {
			t.parts = append(t.parts, templatePart{text: s[:i]})
		}
		t.parts = append(t.parts, templatePart{field: true, source: sourceOf(s[i+2:i+n], symbols)})
		s = s[i+n+1:]
	}
	if s != "" {
		t.parts = append(t.parts, templatePart{text: s})
	}
	return t
}

// Describe gives a rule's description with its fields filled in, in buf's memory where possible.
func (x *Context) Describe(r *Rule, buf []byte) ([]byte, bool) {
	if r.text == nil {
		return buf, false
	}
	from := len(buf)
	for i := range r.text.parts {
		p := &r.text.parts[i]
		text := p.text
		if p.field {
			text, _ = p.source.of(x)
		}
		if len(buf)-from+len(text) >= maxDescription {
			return buf[:from], false
		}
		buf = append(buf, text...)
	}
	return buf, true
}
