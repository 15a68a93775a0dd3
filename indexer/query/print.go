package query

import (
	"unicode"
	"unicode/utf8"
)

// precedence orders the operators by how tightly they bind.
type precedence uint8

const (
	loosest precedence = iota
	inOr
	inAnd
	inNot
)

func (n All) String() string   { return string(n.append(nil, loosest)) }
func (n And) String() string   { return string(n.append(nil, loosest)) }
func (n Or) String() string    { return string(n.append(nil, loosest)) }
func (n Not) String() string   { return string(n.append(nil, loosest)) }
func (n Match) String() string { return string(n.append(nil, loosest)) }
func (n Range) String() string { return string(n.append(nil, loosest)) }

func (n All) append(dst []byte, _ precedence) []byte { return append(dst, '*') }

func (n And) append(dst []byte, within precedence) []byte {
	return appendJoined(dst, n.Nodes, " AND ", inAnd, within)
}

func (n Or) append(dst []byte, within precedence) []byte {
	return appendJoined(dst, n.Nodes, " OR ", inOr, within)
}

func appendJoined(dst []byte, nodes []Node, operator string, own, within precedence) []byte {
	if within >= own {
		dst = append(dst, '(')
	}
	for i, n := range nodes {
		if i > 0 {
			dst = append(dst, operator...)
		}
		dst = n.append(dst, own)
	}
	if within >= own {
		dst = append(dst, ')')
	}
	return dst
}

func (n Not) append(dst []byte, _ precedence) []byte {
	return n.Node.append(append(dst, "NOT "...), inNot)
}

func (n Match) append(dst []byte, _ precedence) []byte {
	return n.Value.append(appendField(dst, n.Field))
}

func (n Range) append(dst []byte, _ precedence) []byte {
	dst = appendField(dst, n.Field)
	switch {
	case n.To == nil && n.From != nil:
		return appendBound(dst, '>', n.From)
	case n.From == nil && n.To != nil:
		return appendBound(dst, '<', n.To)
	}
	open, end := byte('{'), byte('}')
	if n.From == nil || n.From.Inclusive {
		open = '['
	}
	if n.To == nil || n.To.Inclusive {
		end = ']'
	}
	dst = appendEnd(append(dst, open), n.From)
	dst = appendEnd(append(dst, " TO "...), n.To)
	return append(dst, end)
}

func appendBound(dst []byte, sign byte, b *Bound) []byte {
	dst = append(dst, sign)
	if b.Inclusive {
		dst = append(dst, '=')
	}
	return appendLiteral(dst, b.Value)
}

func appendEnd(dst []byte, b *Bound) []byte {
	if b == nil {
		return append(dst, '*')
	}
	return appendLiteral(dst, b.Value)
}

// String prints the value as it is written in a query.
func (v Value) String() string { return string(v.append(nil)) }

func (v Value) append(dst []byte) []byte {
	if v.IsLiteral() {
		return appendLiteral(dst, v.Parts[0])
	}
	for i, part := range v.Parts {
		if i > 0 {
			dst = append(dst, '*')
		}
		dst = appendEscaped(dst, part)
	}
	return dst
}

// appendLiteral writes text bare where every character is plain, else in quotes.
func appendLiteral(dst []byte, s string) []byte {
	if plainWord(s) {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		if s[i] == '"' || s[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}

func appendField(dst []byte, name string) []byte {
	if name == "" {
		return dst
	}
	return append(appendEscaped(dst, name), ':')
}

// appendEscaped writes text with a backslash before every character that could mean something.
func appendEscaped(dst []byte, s string) []byte {
	for _, r := range s {
		if !plain(r) {
			dst = append(dst, '\\')
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

func plainWord(s string) bool {
	if s == "" || keyword(s) {
		return false
	}
	for _, r := range s {
		if !plain(r) {
			return false
		}
	}
	return true
}

func keyword(s string) bool { return s == "AND" || s == "OR" || s == "NOT" || s == "TO" }

// plain tells that a character never means anything by itself.
func plain(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return true
	case r < utf8.RuneSelf:
		return r == '_' || r == '.' || r == '-' || r == '/' || r == '@' || r == '+' || r == ',' || r == '%'
	}
	return unicode.IsPrint(r)
}
