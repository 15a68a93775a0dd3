package pattern

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// posix are the bracketed classes of PCRE2 in the C locale.
var posix = map[string]string{
	"alpha": `A-Za-z`, "digit": `0-9`, "alnum": `0-9A-Za-z`, "upper": `A-Z`, "lower": `a-z`,
	"space": `\x09-\x0d `, "blank": `\x09 `, "punct": `!-/:-@\[-` + "`" + `{-~`, "xdigit": `0-9A-Fa-f`,
	"cntrl": `\x00-\x1f\x7f`, "print": ` -~`, "graph": `!-~`, "word": `0-9A-Z_a-z`, "ascii": `\x00-\x7f`,
}

// class rewrites a bracketed class. Over bytes its content is worked out and
// written as ranges; over characters it is passed on with its escapes mended.
func (t *translator) class() error {
	t.begin()
	t.i++
	negated := t.i < len(t.src) && t.src[t.i] == '^'
	if negated {
		t.i++
	}
	var list strings.Builder
	var set [256]bool
	for first := true; ; first = false {
		if t.i == len(t.src) {
			return fmt.Errorf("[ is not closed")
		}
		if t.src[t.i] == ']' && !first {
			t.i++
			break
		}
		if err := t.classItem(&set, &list); err != nil {
			return err
		}
	}
	t.out.WriteByte('[')
	if negated {
		t.out.WriteByte('^')
	}
	ranges := writeSet(&set)
	if ranges == "" && list.Len() == 0 {
		return fmt.Errorf("empty class")
	}
	t.out.WriteString(ranges + list.String() + "]")
	return nil
}

// classItem reads one item of a class into set, or, where it goes beyond
// bytes, into list.
func (t *translator) classItem(set *[256]bool, list *strings.Builder) error {
	if rest := t.src[t.i:]; strings.HasPrefix(rest, "[:") {
		if name, _, ok := strings.Cut(rest[2:], ":]"); ok {
			negate := strings.HasPrefix(name, "^")
			content := posix[strings.TrimPrefix(name, "^")]
			if content == "" {
				return fmt.Errorf("[:%s:] is no class", name)
			}
			t.i += len(name) + 4
			return t.addClass(content, negate, set, list)
		}
	}
	if t.src[t.i] == '\\' && t.i+1 < len(t.src) {
		c := t.src[t.i+1]
		if content, negate := classEscape(c); content != "" {
			t.i += 2
			return t.addClass(content, negate, set, list)
		}
		switch c {
		case 'p', 'P':
			name, err := t.property()
			if err != nil {
				return err
			}
			if t.utf {
				list.WriteString(name)
				return nil
			}
			in, err := unicodeClass(name)
			merge(set, &in)
			return err
		case 'E':
			t.i += 2
			return nil
		}
	}
	low, err := t.classChar()
	if err != nil {
		return err
	}
	high := low
	if rest := t.src[t.i:]; len(rest) > 1 && rest[0] == '-' && rest[1] != ']' && !t.classAt(t.i+1) {
		t.i++
		if high, err = t.classChar(); err != nil {
			return err
		}
	}
	if high < low {
		return fmt.Errorf("class range out of order")
	}
	if high > 0xff || t.utf && high >= 0x80 {
		fmt.Fprintf(list, `\x{%x}-\x{%x}`, low, high)
		return nil
	}
	for r := low; r <= high; r++ {
		set[r] = true
	}
	return nil
}

// classAt reports whether a whole class, not a character, stands at index i.
func (t *translator) classAt(i int) bool {
	if strings.HasPrefix(t.src[i:], "[:") {
		return strings.Contains(t.src[i:], ":]")
	}
	if t.src[i] != '\\' || i+1 == len(t.src) {
		return false
	}
	list, _ := classEscape(t.src[i+1])
	return list != "" || t.src[i+1]|0x20 == 'p'
}

// classChar reads one character of a class.
func (t *translator) classChar() (rune, error) {
	c := t.src[t.i]
	if c != '\\' {
		if t.utf && c >= 0x80 {
			r, size := utf8.DecodeRuneInString(t.src[t.i:])
			t.i += size
			return r, nil
		}
		t.i++
		return rune(c), nil
	}
	if t.i+1 == len(t.src) {
		return 0, fmt.Errorf("[ is not closed")
	}
	switch d := t.src[t.i+1]; {
	case d == 'b':
		t.i += 2
		return '\b', nil
	case '8' <= d && d <= '9':
		return 0, fmt.Errorf(`\%c in a class`, d)
	}
	return t.character()
}

// addClass adds a named class; beyond bytes a negated one goes to list.
func (t *translator) addClass(content string, negate bool, set *[256]bool, list *strings.Builder) error {
	in, err := unicodeClass("[" + content + "]")
	if err != nil {
		return err
	}
	if negate {
		for i := range in {
			in[i] = !in[i]
		}
		if t.utf {
			list.WriteString(`\x{80}-\x{10ffff}`)
		}
	}
	if t.utf {
		for i := 0x80; i < 256; i++ {
			in[i] = false
		}
	}
	merge(set, &in)
	return nil
}

func merge(into, from *[256]bool) {
	for i, in := range from {
		into[i] = into[i] || in
	}
}

// writeSet writes a set as ranges of \xhh.
func writeSet(set *[256]bool) string {
	var b strings.Builder
	for i := 0; i < 256; i++ {
		if !set[i] {
			continue
		}
		j := i
		for j < 255 && set[j+1] {
			j++
		}
		fmt.Fprintf(&b, `\x%02x`, i)
		if j > i {
			fmt.Fprintf(&b, `-\x%02x`, j)
		}
		i = j
	}
	return b.String()
}
