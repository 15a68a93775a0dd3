package pattern

import (
	"fmt"
	"strconv"
	"strings"
)

// Classes of PCRE2 over bytes, as they are written inside of brackets.
var byteClasses = map[byte]string{
	'd': `0-9`,
	's': `\x09-\x0d `,
	'w': `0-9A-Z_a-z`,
	'h': `\x09 \xa0`,
	'v': `\x0a-\x0d\x85`,
}

// escape writes what a backslash outside of brackets begins.
func (t *translator) escape() error {
	if t.i+1 == len(t.src) {
		return fmt.Errorf(`lone \ at the end`)
	}
	c := t.src[t.i+1]
	if list, negated := classEscape(c); list != "" {
		if negated {
			t.put("[^" + list + "]")
		} else {
			t.put("[" + list + "]")
		}
		t.i += 2
		return nil
	}
	simple := map[byte]string{'b': `\b`, 'B': `\B`, 'A': `\A`, 'z': `\z`, 'G': `\A`, 'Z': `(?-m:$)`,
		'R': `(?:\r\n|[\x0a-\x0d\x85])`, 'C': `(?s:.)`}
	if s := simple[c]; s != "" {
		t.put(s)
		t.i += 2
		return nil
	}
	switch {
	case c == 'N' && !strings.HasPrefix(t.src[t.i+2:], "{U+"):
		t.put(`[^\n]`)
		t.i += 2
		return nil
	case c == 'Q':
		text, _, closed := strings.Cut(t.src[t.i+2:], `\E`)
		for i := 0; i < len(text); i++ {
			t.quoted(text[i])
		}
		if t.i += 2 + len(text); closed {
			t.i += 2
		}
		return nil
	case c == 'E':
		t.i += 2
		return nil
	case '1' <= c && c <= '9':
		j := t.i + 1
		for j < len(t.src) && isDigit(t.src[j]) {
			j++
		}
		t.needs("back-reference")
		t.put(t.src[t.i:j])
		t.i = j
		return nil
	case c == 'k':
		end := strings.IndexAny(t.src[t.i:], ">}'")
		if end < 4 {
			return fmt.Errorf(`\k without a name`)
		}
		t.needs("back-reference")
		t.put(`\k<` + t.src[t.i+3:t.i+end] + ">")
		t.i += end + 1
		return nil
	case c == 'p' || c == 'P':
		name, err := t.property()
		if err == nil {
			t.put(name)
		}
		return err
	}
	r, err := t.character()
	switch {
	case err != nil:
		return err
	case r < 0x80:
		t.quoted(byte(r))
	case t.utf:
		t.put(fmt.Sprintf(`\x{%x}`, r))
	default:
		t.put(fmt.Sprintf(`\x%02x`, r))
	}
	return nil
}

// classEscape returns the content of the class that \c stands for.
func classEscape(c byte) (list string, negated bool) {
	if list := byteClasses[c]; list != "" {
		return list, false
	}
	if 'A' <= c && c <= 'Z' {
		return byteClasses[c|0x20], true
	}
	return "", false
}

// property reads a \p or \P with its name.
func (t *translator) property() (string, error) {
	rest := t.src[t.i:]
	n := 3
	if strings.HasPrefix(rest[2:], "{") {
		n = strings.IndexByte(rest, '}') + 1
	}
	if n == 0 || n > len(rest) {
		return "", fmt.Errorf(`\p without a name`)
	}
	t.i += n
	return rest[:n], nil
}

// character reads an escape that stands for one character.
func (t *translator) character() (rune, error) {
	c := t.src[t.i+1]
	rest := t.src[t.i+2:]
	limit := rune(0xff)
	if t.utf {
		limit = 0x10ffff
	}
	number := func(digits string, base, skip int) (rune, error) {
		v, err := strconv.ParseInt(digits, base, 32)
		if err != nil || rune(v) > limit {
			return 0, fmt.Errorf(`bad character code \%c%s`, c, digits)
		}
		t.i += skip
		return rune(v), nil
	}
	braces := func(open string) (string, bool) {
		s, ok := strings.CutPrefix(rest, open)
		if !ok {
			return "", false
		}
		s, _, ok = strings.Cut(s, "}")
		return s, ok
	}
	switch c {
	case 'x':
		if s, ok := braces("{"); ok {
			return number(s, 16, len(s)+4)
		}
		n := 0
		for n < 2 && n < len(rest) && strings.IndexByte("0123456789abcdefABCDEF", rest[n]) >= 0 {
			n++
		}
		return number("0"+rest[:n], 16, n+2)
	case 'N':
		if s, ok := braces("{U+"); ok && t.utf {
			return number(s, 16, len(s)+6)
		}
		return 0, fmt.Errorf(`\N{U+...} needs (*UTF) at the start of the pattern`)
	case 'o':
		if s, ok := braces("{"); ok {
			return number(s, 8, len(s)+4)
		}
	case '0', '1', '2', '3', '4', '5', '6', '7':
		n := 0
		for n < 2 && n < len(rest) && '0' <= rest[n] && rest[n] <= '7' {
			n++
		}
		return number(string(c)+rest[:n], 8, n+2)
	case 'c':
		if rest != "" && rest[0] >= ' ' && rest[0] < 0x7f {
			t.i += 3
			return rune(upper(rest[0]) ^ 0x40), nil
		}
	}
	if i := strings.IndexByte("aefnrt", c); i >= 0 {
		t.i += 2
		return rune("\a\x1b\f\n\r\t"[i]), nil
	}
	if isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' {
		return 0, fmt.Errorf(`\%c is not supported`, c)
	}
	t.i += 2
	return rune(c), nil
}
