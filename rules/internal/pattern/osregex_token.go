package pattern

import (
	"errors"
	"fmt"
)

// kind is what a token is.
type kind uint8

const (
	kindLiteral kind = iota // one byte, ASCII case ignored
	kindClass               // one byte of a class, or a run of them
	kindParen               // takes no byte: notes a capture's start or end
	kindEnd                 // after the last token
)

// token is one step of an OS_Regex alternative. It is small, since a run touches many: MaxPattern keeps its numbers
// within 16 bits.
type token struct {
	kind   kind
	repeat byte // 0, '+' or '*'; classes only
	char   byte // literal: lower-cased byte. paren: '(', its meaning when read as a literal
	tail   bool // class with at most one byte of pattern after its two
	class  class
	slot   int16 // paren: index of the noted position. repeated class: index of its stop

	// Look-ahead of a repeated class: the token that takes over as soon as it
	// accepts the byte at hand.
	next      kind // kindLiteral, kindClass or kindEnd
	nextChar  byte
	nextClass class
	nextSlot  int16 // slot of a paren in between, or -1
	nextGo    int16 // token to go on with after the hand-over
}

// splitOSRegex cuts a pattern at its '|' and checks escapes and parentheses.
func splitOSRegex(source string) ([]string, error) {
	var parts []string
	begin, open := 0, -1
	for i := 0; i < len(source); i++ {
		switch source[i] {
		case '\\':
			if i+1 == len(source) {
				return nil, errors.New(`the pattern ends in a lone \: write \\ for a backslash`)
			}
			if escapes[source[i+1]] == 0 {
				return nil, fmt.Errorf(`\%c at byte %d is no class of osregex: use \d \w \s \t \p \W \D \S \. or one of \( \) \\ \$ \| \<`, source[i+1], i)
			}
			i++
		case '(':
			if open >= 0 {
				return nil, fmt.Errorf(`( at byte %d inside the group begun at byte %d: groups do not nest; write \( for the character`, i, open)
			}
			open = i
		case ')':
			if open < 0 {
				return nil, fmt.Errorf(`) at byte %d closes nothing; write \) for the character`, i)
			}
			open = -1
		case '|':
			if open >= 0 {
				return nil, fmt.Errorf(`| at byte %d inside a group: alternatives stand outside groups only`, i)
			}
			parts = append(parts, source[begin:i])
			begin = i + 1
		}
	}
	if open >= 0 {
		return nil, fmt.Errorf(`( at byte %d is not closed; write \( for the character`, open)
	}
	return append(parts, source[begin:]), nil
}

// trimAnchors takes a '^' at the start and an unescaped '$' at the end off an
// alternative.
func trimAnchors(part string) (rest string, start, end bool) {
	if part != "" && part[0] == '^' {
		part, start = part[1:], true
	}
	for i := 0; i < len(part); i++ {
		if part[i] == '\\' {
			i++
		} else if part[i] == '$' && i == len(part)-1 {
			part, end = part[:i], true
		}
	}
	return part, start, end
}

// tokenise reads one alternative without its anchors. slots is the number of
// parentheses.
func tokenise(part string) (tokens []token, slots int) {
	for i := 0; i < len(part); i++ {
		c := part[i]
		switch {
		case c == '\\':
			t := token{kind: kindClass, class: escapes[part[i+1]], tail: len(part)-(i+2) <= 1}
			i++
			if i+1 < len(part) && (part[i+1] == '+' || part[i+1] == '*') {
				i++
				t.repeat = part[i]
			}
			tokens = append(tokens, t)
		case c == '(' || c == ')':
			tokens = append(tokens, token{kind: kindParen, char: '(', slot: int16(slots)})
			slots++
		default:
			tokens = append(tokens, token{kind: kindLiteral, char: lower[c]})
		}
	}
	tokens = append(tokens, token{kind: kindEnd})
	lookAhead(tokens)
	return tokens, slots
}

// lookAhead fills in which token follows each repeated class.
func lookAhead(tokens []token) {
	for i := range tokens {
		t := &tokens[i]
		if t.repeat == 0 {
			continue
		}
		n := i + 1
		t.nextSlot = -1
		if tokens[n].kind == kindParen {
			t.nextSlot = tokens[n].slot
			n++
		}
		u := &tokens[n]
		t.nextGo = int16(n + 1)
		switch u.kind {
		case kindEnd:
			t.next, t.nextGo = kindEnd, int16(n)
		case kindClass:
			t.next, t.nextClass = kindClass, u.class
			if u.repeat != 0 {
				t.nextGo = int16(n)
			}
		default: // a second parenthesis is compared as the character '('
			t.next, t.nextChar = kindLiteral, u.char
		}
	}
}
