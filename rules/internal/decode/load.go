package decode

import (
	"strings"

	"armor/rules/internal/fields"
	"armor/rules/internal/jsonfields"
	"armor/rules/internal/pattern"
	"armor/rules/internal/problem"
	"armor/rules/internal/xmldoc"
)

// Limits of decoder files.
const (
	// MaxDecoders is how many decoders a ruleset may have.
	MaxDecoders = 100000
	// MaxOrder is how many fields one decoder may fill.
	MaxOrder = 1024
	// maxText is the longest program name, prematch or regex, in bytes.
	maxText = pattern.MaxPattern
)

// Loader collects the decoders of a ruleset. Call File for each file, in order, then Link.
type Loader struct {
	symbols *fields.Symbols
	tree    *Tree
	full    bool
	broken  map[string]bool // names of decoders with mistakes
}

// NewLoader starts a tree whose dynamic fields are interned in symbols.
func NewLoader(symbols *fields.Symbols) *Loader {
	return &Loader{symbols: symbols, broken: map[string]bool{}, tree: &Tree{ids: map[string]int32{}, symbols: symbols}}
}

// File adds the decoders of one file.
func (l *Loader) File(roots []*xmldoc.Element, rep *problem.Reporter) {
	for _, e := range roots {
		switch e.Name {
		case "decoder":
			l.add(e, rep)
		case "var":
		default:
			rep.Errorf(e.Line, "", "<%s> is no decoder; only <decoder> and <var> may stand here", e.Name)
		}
	}
}

func (l *Loader) add(e *xmldoc.Element, rep *problem.Reporter) {
	name, ok := e.Attr("name")
	if !ok || name == "" {
		rep.Errorf(e.Line, "decoder", "has no name; write <decoder name=\"...\">")
		return
	}
	if len(l.tree.all) >= MaxDecoders {
		if !l.full {
			l.full = true
			rep.Errorf(e.Line, "decoder "+name, "is one too many: a ruleset may have %d decoders", MaxDecoders)
		}
		return
	}
	p := decoderParser{l: l, rep: rep, subject: "decoder " + name, d: &Decoder{OwnName: name, Name: name, File: rep.File, Line: e.Line}}
	for _, a := range e.Attrs {
		switch a.Name {
		case "name":
		case "id", "status", "type":
			// Known to the reference, without effect.
		default:
			rep.Errorf(e.Line, p.subject, "unknown attribute %s; remove it", a.Name)
		}
	}
	if _, known := l.tree.ids[name]; !known {
		l.tree.ids[name] = int32(len(l.tree.ids))
	}
	p.d.ID = l.tree.ids[name]
	if p.parse(e) {
		l.tree.all = append(l.tree.all, p.d)
	} else {
		// What refers to it is not reported once more.
		l.broken[name] = true
	}
}

// decoderParser reads one <decoder>.
type decoderParser struct {
	l       *Loader
	rep     *problem.Reporter
	subject string
	d       *Decoder
	bad     bool

	program, prematch, regex expression
	orderLine                int
}

// expression is an element that may stand several times: the texts are joined, and the last type holds for all.
type expression struct {
	text    strings.Builder
	dialect pattern.Dialect
	line    int // of the first; 0: absent
	offset  string
	written string // for people
}

func (p *decoderParser) errorf(line int, format string, args ...any) {
	p.bad = true
	p.rep.Errorf(line, p.subject, format, args...)
}

func (p *decoderParser) parse(e *xmldoc.Element) bool {
	for _, c := range e.Children {
		p.element(c)
	}
	p.finish(e)
	return !p.bad
}

func (p *decoderParser) element(c *xmldoc.Element) {
	d := p.d
	switch c.Name {
	case "program_name":
		p.expression(&p.program, c, pattern.OSMatch)
	case "program_name_pcre2":
		p.expression(&p.program, c, pattern.PCRE2)
	case "prematch":
		p.expression(&p.prematch, c, pattern.OSRegex)
	case "prematch_pcre2":
		p.expression(&p.prematch, c, pattern.PCRE2)
	case "regex":
		p.expression(&p.regex, c, pattern.OSRegex)
	case "regex_pcre2":
		p.expression(&p.regex, c, pattern.PCRE2)
	case "parent":
		d.Parent = strings.TrimSpace(c.Text)
	case "order":
		p.order(c)
	case "type":
		cat, ok := ParseCategory(strings.TrimSpace(c.Text))
		if !ok {
			p.errorf(c.Line, "unknown type %q; use one of %s", c.Text, strings.Join(categoryNames[:], ", "))
			return
		}
		d.Category = cat
	case "plugin_decoder":
		newPlugin, ok := plugins[strings.TrimSpace(c.Text)]
		if !ok {
			p.errorf(c.Line, "unknown plugin_decoder %q; known are JSON_Decoder, CloudTrail_Decoder, PF_Decoder, SymantecWS_Decoder, SonicWall_Decoder and OSSECAlert_Decoder", c.Text)
			return
		}
		d.plugin = newPlugin(p.l.symbols)
		if off, ok := c.Attr("offset"); ok {
			p.regexOffset(c.Line, off)
		}
	case "fts":
		p.fts(c)
	case "ftscomment":
		d.FTSComment = c.Text
	case "use_own_name":
		if strings.TrimSpace(c.Text) != "true" {
			p.errorf(c.Line, "use_own_name is %q; only true is possible, else remove it", c.Text)
			return
		}
		d.useOwnName = true
	case "accumulate":
		d.Accumulate = true
	case "json_null_field":
		switch strings.TrimSpace(c.Text) {
		case "discard":
			d.modes.Null = jsonfields.NullDiscard
		case "string":
			d.modes.Null = jsonfields.NullString
		default:
			p.errorf(c.Line, "json_null_field is %q; use discard or string", c.Text)
		}
	case "json_array_structure":
		switch strings.TrimSpace(c.Text) {
		case "csv":
			d.modes.Array = jsonfields.ArrayCSV
		case "array":
			d.modes.Array = jsonfields.ArrayJSON
		default:
			p.errorf(c.Line, "json_array_structure is %q; use array or csv", c.Text)
		}
	default:
		p.errorf(c.Line, "unknown element <%s>; remove it or check its spelling", c.Name)
	}
}
