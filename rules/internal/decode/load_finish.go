package decode

import (
	"strings"

	"armor/rules/internal/fields"
	"armor/rules/internal/pattern"
	"armor/rules/internal/xmldoc"
)

// expression adds one element to an expression.
func (p *decoderParser) expression(x *expression, c *xmldoc.Element, dialect pattern.Dialect) {
	first := x.line == 0
	if first {
		x.line = c.Line
	}
	for _, a := range c.Attrs {
		switch {
		case a.Name == "type":
			d, err := pattern.ParseDialect(a.Value)
			if err != nil {
				p.errorf(c.Line, "<%s>: %v", c.Name, err)
				return
			}
			dialect = d
		case a.Name == "offset" && x != &p.program:
			if !first {
				p.errorf(c.Line, "<%s>: only the first may have an offset; move it there", c.Name)
				return
			}
			x.offset = a.Value
		default:
			p.errorf(c.Line, "<%s>: unknown attribute %s; remove it", c.Name, a.Name)
		}
	}
	x.dialect = dialect
	if x.text.Len()+len(c.Text) > maxText {
		p.errorf(c.Line, "<%s> is longer than %d bytes", c.Name, maxText)
		return
	}
	x.text.WriteString(c.Text)
	x.written = strings.TrimSpace(x.written + " " + asWritten(c))
}

// asWritten shows an element as it stands in its file, variables filled in.
func asWritten(c *xmldoc.Element) string {
	var b strings.Builder
	b.WriteString("<" + c.Name)
	for _, a := range c.Attrs {
		b.WriteString(" " + a.Name + `="` + a.Value + `"`)
	}
	b.WriteString(">" + c.Text + "</" + c.Name + ">")
	return b.String()
}

func (p *decoderParser) compile(x *expression, what string) pattern.Matcher {
	if x.line == 0 {
		return nil
	}
	if what != "program_name" && (x.dialect == pattern.OSMatch || x.dialect == pattern.Exact) {
		p.errorf(x.line, "<%s> may not have type %s; use osregex or pcre2", what, x.dialect)
		return nil
	}
	m, err := pattern.Compile(x.dialect, x.text.String())
	if err != nil {
		p.errorf(x.line, "<%s>: %v", what, err)
		return nil
	}
	return m
}

// finish compiles what was read and checks that it fits together.
func (p *decoderParser) finish(e *xmldoc.Element) {
	d := p.d
	d.program = p.compile(&p.program, "program_name")
	d.prematch = p.compile(&p.prematch, "prematch")
	d.regex = p.compile(&p.regex, "regex")
	d.prematchNeeds, d.regexNeeds = pattern.NeedsOf(d.prematch), pattern.NeedsOf(d.regex)
	d.written = written{program: p.program.written, prematch: p.prematch.written, regex: p.regex.written}
	switch {
	case p.prematch.offset == "":
	case d.Parent == "":
		p.errorf(p.prematch.line, "<prematch> has an offset but the decoder has no parent; remove it")
	case p.prematch.offset == "after_parent":
		d.prematchOffset = afterParent
	default:
		p.errorf(p.prematch.line, "<prematch> offset is %q; only after_parent is possible", p.prematch.offset)
	}
	if p.regex.offset != "" {
		p.regexOffset(p.regex.line, p.regex.offset)
	}
	if d.Parent == "" && d.regexOffset == afterPrematch {
		d.regexOffset = afterParent
	}
	if d.Parent == "" && d.regexOffset == afterRegex {
		p.errorf(p.regex.line, "<regex> offset after_regex needs an earlier decoder of the same name and a parent")
	}
	switch {
	case d.regex != nil && d.order == nil && p.orderLine == 0:
		p.errorf(p.regex.line, "<regex> has no <order>; add the fields that its groups fill")
	case p.orderLine != 0 && p.regex.line == 0:
		p.errorf(p.orderLine, "<order> has no <regex>; add one with a group for each field")
	}
	if d.FTS != nil && p.regex.line == 0 && d.plugin == nil {
		p.errorf(e.Line, "<fts> needs a <regex> that fills its fields")
	}
	if d.plugin != nil && p.regex.line != 0 {
		p.errorf(p.regex.line, "<regex> and <plugin_decoder> exclude each other; remove one")
	}
	if d.Parent == "" && p.program.line == 0 && p.prematch.line == 0 {
		p.errorf(e.Line, "has neither <parent>, <program_name> nor <prematch>; add one")
	}
	if d.Parent != "" && p.program.line != 0 {
		p.rep.Warnf(p.program.line, p.subject, "<program_name> has no effect on a decoder with a parent; move it to the parent")
	}
}

func (p *decoderParser) regexOffset(line int, value string) {
	switch value {
	case "after_parent":
		p.d.regexOffset = afterParent
	case "after_prematch":
		p.d.regexOffset = afterPrematch
	case "after_regex":
		p.d.regexOffset = afterRegex
	default:
		p.errorf(line, "offset is %q; use after_parent, after_prematch or after_regex", value)
	}
}

// order reads <order>: the fields that the groups of the regex fill, one after the other.
func (p *decoderParser) order(c *xmldoc.Element) {
	if p.orderLine != 0 {
		p.errorf(c.Line, "<order> stands twice; join them")
		return
	}
	p.orderLine = c.Line
	for part := range strings.SplitSeq(c.Text, ",") {
		name := strings.Trim(part, " \t\r\n")
		if len(p.d.order) >= MaxOrder {
			p.errorf(c.Line, "<order> has more than %d fields", MaxOrder)
			return
		}
		t := target{slot: fields.SlotOf(name), symbol: fields.Unknown, name: name}
		if t.slot == fields.None {
			t.symbol = p.l.symbols.Intern(name)
		}
		p.d.order = append(p.d.order, t)
	}
}

// fts reads <fts>: the fields whose combination is seen for the first time.
func (p *decoderParser) fts(c *xmldoc.Element) {
	for part := range strings.SplitSeq(c.Text, ",") {
		name := strings.Trim(part, " \t\r\n")
		switch name {
		case "":
		case "name":
			p.d.FTS = append(p.d.FTS, FTSKey{Kind: FTSName})
		case "location":
			p.d.FTS = append(p.d.FTS, FTSKey{Kind: FTSLocation})
		default:
			if slot := fields.SlotOf(name); slot != fields.None {
				p.d.FTS = append(p.d.FTS, FTSKey{Kind: FTSStatic, Slot: slot})
			} else {
				p.d.FTS = append(p.d.FTS, FTSKey{Kind: FTSDynamic, Symbol: p.l.symbols.Intern(name)})
			}
		}
	}
}
