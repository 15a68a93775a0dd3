package query

import (
	"unicode"
	"unicode/utf8"
)

// term reads a field with its condition, or a bare value.
func (p *parser) term() (Node, error) {
	start := p.pos
	if p.at('"') {
		return p.condition("", start)
	}
	name, found, err := p.field()
	if err != nil {
		return nil, err
	}
	if !found {
		p.pos = start
		return p.condition("", start)
	}
	if name == "" {
		return nil, p.fail(start, `there is no field before this ":": write field:value, or quote the text to search for it`)
	}
	switch {
	case p.end() || isSpace(p.text[p.pos:]) || p.at(')'):
		return nil, p.fail(p.pos, `there is no value after "%s:": write one, or %s:* for any`, name, name)
	case p.at('('):
		return p.group(name)
	}
	return p.condition(name, start)
}

// field reads a field name and its colon; found is false when the word has no colon.
func (p *parser) field() (name string, found bool, err error) {
	var b []byte
	for p.pos < len(p.text) && !isSpace(p.text[p.pos:]) {
		switch c := p.text[p.pos]; c {
		case '(', ')', '"':
			return "", false, nil
		case '*':
			if i, colon := p.colonAhead(); colon {
				return "", false, p.fail(i, `a field name cannot have wildcards: name the field, or write \* for the character`)
			}
			return "", false, nil
		case ':':
			p.pos++
			return string(b), true, nil
		case '\\':
			p.pos++
			if p.end() {
				return "", false, nil
			}
			fallthrough
		default:
			_, n := utf8.DecodeRuneInString(p.text[p.pos:])
			b = append(b, p.text[p.pos:p.pos+n]...)
			p.pos += n
		}
	}
	return "", false, nil
}

// colonAhead tells whether the word goes on to a colon; the offset is that of the present place.
func (p *parser) colonAhead() (pos int, colon bool) {
	for i := p.pos; i < len(p.text) && !isSpace(p.text[i:]); i++ {
		switch p.text[i] {
		case ':':
			return p.pos, true
		case '\\':
			i++
		case '(', ')', '"':
			return p.pos, false
		}
	}
	return p.pos, false
}

// condition reads a value or a range of a field; an empty field stands for a bare value, which cannot be a range.
func (p *parser) condition(field string, start int) (Node, error) {
	if p.conditions++; p.conditions > MaxConditions {
		return nil, p.fail(start, "more than %d conditions: shorten the query", MaxConditions)
	}
	if field != "" {
		switch {
		case p.at('>'), p.at('<'):
			return p.compare(field, start)
		case p.at('['), p.at('{'):
			return p.span(field, start)
		}
	}
	v, err := p.value(false)
	if err != nil {
		return nil, err
	}
	p.space()
	if field == "" && v.Any() {
		return All{}, nil
	}
	return Match{Field: field, Value: v, Pos: start}, nil
}

// compare reads >, >=, < or <= and a value.
func (p *parser) compare(field string, start int) (Node, error) {
	sign := p.text[p.pos]
	p.pos++
	b := &Bound{}
	if p.at('=') {
		b.Inclusive = true
		p.pos++
	}
	at := p.pos
	if p.end() || isSpace(p.text[p.pos:]) || p.at(')') {
		return nil, p.fail(at, `a value is expected here: write it without a space, as in %s:>=5`, field)
	}
	v, err := p.value(false)
	if err != nil {
		return nil, err
	}
	if !v.IsLiteral() {
		return nil, p.fail(at, "a range cannot have wildcards: write a plain value, or quote it")
	}
	b.Value = v.Parts[0]
	p.space()
	r := Range{Field: field, Pos: start}
	if sign == '>' {
		r.From = b
	} else {
		r.To = b
	}
	return r, nil
}

// span reads [a TO b], with { and } for ends that are not included and * for open ones.
func (p *parser) span(field string, start int) (Node, error) {
	open := p.pos
	r := Range{Field: field, Pos: start}
	low := p.at('[')
	p.pos++
	p.space()
	var err error
	if r.From, err = p.bound(low); err != nil {
		return nil, err
	}
	p.space()
	if !p.operator("TO") {
		return nil, p.fail(p.pos, "TO is expected here: write a range as [a TO b]")
	}
	if r.To, err = p.bound(true); err != nil {
		return nil, err
	}
	p.space()
	switch {
	case p.at(']'):
	case p.at('}'):
		if r.To != nil {
			r.To.Inclusive = false
		}
	default:
		return nil, p.fail(open, `this range is never closed: end it with "]" or "}"`)
	}
	p.pos++
	if !p.end() && !isSpace(p.text[p.pos:]) && !p.at(')') {
		return nil, p.fail(p.pos, "a space is expected after a range: add one")
	}
	p.space()
	if r.From == nil && r.To == nil {
		return Match{Field: field, Value: Value{Parts: []string{"", ""}}, Pos: start}, nil
	}
	return r, nil
}

// bound reads an end of a span; * gives nil.
func (p *parser) bound(inclusive bool) (*Bound, error) {
	at := p.pos
	if p.end() || p.at(']') || p.at('}') {
		return nil, p.fail(at, "a value is expected here: write a range as [a TO b], with * for an open end")
	}
	v, err := p.value(true)
	switch {
	case err != nil:
		return nil, err
	case v.Any():
		return nil, nil
	case !v.IsLiteral():
		return nil, p.fail(at, "a range cannot have wildcards: write a plain value, or quote it")
	case v.Parts[0] == "" && p.text[at] != '"':
		return nil, p.fail(at, "a value is expected here: write a range as [a TO b], with * for an open end")
	}
	return &Bound{Value: v.Parts[0], Inclusive: inclusive}, nil
}

// value reads a quoted text, or a word with wildcards and escapes. In a span the word ends at "]" and "}" too.
func (p *parser) value(inSpan bool) (Value, error) {
	start := p.pos
	if p.at('"') {
		s, err := p.quoted()
		if err != nil {
			return Value{}, err
		}
		if !p.end() && !isSpace(p.text[p.pos:]) && !p.at(')') && !(inSpan && (p.at(']') || p.at('}'))) {
			return Value{}, p.fail(p.pos, "a space is expected after a quoted text: add one (field names are not quoted)")
		}
		return Literal(s), nil
	}
	var parts []string
	var b []byte
	for p.pos < len(p.text) && !isSpace(p.text[p.pos:]) {
		c := p.text[p.pos]
		if c == ')' || inSpan && (c == ']' || c == '}') {
			break
		}
		switch c {
		case '(', '"':
			return Value{}, p.fail(p.pos, `a space is expected before %q: add one, or write \%c for the character`, string(c), c)
		case '*':
			if len(b) > 0 || len(parts) == 0 || p.text[p.pos-1] != '*' { // ** is *
				parts = append(parts, string(b))
				b = b[:0]
			}
			p.pos++
			continue
		case '\\':
			p.pos++
			if p.end() {
				return Value{}, p.fail(p.pos-1, `there is no character after this "\": write \\ for the character itself`)
			}
		}
		_, n := utf8.DecodeRuneInString(p.text[p.pos:])
		b = append(b, p.text[p.pos:p.pos+n]...)
		p.pos += n
	}
	if len(parts) > MaxWildcards {
		return Value{}, p.fail(start, "more than %d wildcards in one value: shorten it", MaxWildcards)
	}
	return Value{Parts: append(parts, string(b))}, nil
}

// quoted reads a text in double quotes; \" and \\ stand for the characters.
func (p *parser) quoted() (string, error) {
	start := p.pos
	var b []byte
	for i := p.pos + 1; i < len(p.text); i++ {
		switch c := p.text[i]; c {
		case '"':
			p.pos = i + 1
			return string(b), nil
		case '\\':
			if i+1 < len(p.text) && (p.text[i+1] == '"' || p.text[i+1] == '\\') {
				i++
			}
			b = append(b, p.text[i])
		default:
			b = append(b, c)
		}
	}
	return "", p.fail(start, `this quote is never closed: add a "`)
}

func isSpace(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsSpace(r)
}
