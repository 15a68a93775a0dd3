package pattern

import (
	"fmt"
	"regexp/syntax"
	"strings"
)

// translation is a PCRE2 pattern rewritten for Go's parsers. Bytes from 0x80
// on are written as \xhh, each standing for one byte of the text.
type translation struct {
	text      string
	utf       bool   // began with (*UTF): characters, not bytes
	backtrack string // why a backtracking engine is needed; empty: it is not
}

// translator rewrites one pattern from left to right.
type translator struct {
	src  string
	i    int
	out  strings.Builder
	utf  bool
	why  string
	atom int   // where the last atom begins in out, -1 if nothing can be repeated
	open []int // where the open groups begin in out
}

// translate rewrites what PCRE2 and Go's syntax read differently: \s with VT,
// other space classes, \Z, escapes for bytes, class contents, comments,
// possessive repeats.
func translate(src string) (translation, error) {
	t := &translator{src: src, atom: -1}
	if err := t.verbs(); err != nil {
		return translation{}, err
	}
	for t.i < len(t.src) {
		if err := t.step(); err != nil {
			return translation{}, fmt.Errorf("%w at byte %d", err, t.i)
		}
	}
	return translation{text: t.out.String(), utf: t.utf, backtrack: t.why}, nil
}

// verbs reads "(*UTF)" and the like at the start.
func (t *translator) verbs() error {
	for strings.HasPrefix(t.src[t.i:], "(*") {
		end := strings.IndexByte(t.src[t.i:], ')')
		if end < 0 {
			return fmt.Errorf("(* is not closed")
		}
		verb := t.src[t.i+2 : t.i+end]
		switch name, _, _ := strings.Cut(verb, "="); name {
		case "UTF", "UTF8", "UCP":
			t.utf = true
		case "NO_JIT", "NO_START_OPT", "NO_AUTO_POSSESS", "NO_DOTSTAR_ANCHOR", "LIMIT_MATCH", "LIMIT_DEPTH", "LIMIT_HEAP", "LIMIT_RECURSION", "LF":
		default:
			return fmt.Errorf("(*%s) is not supported", verb)
		}
		t.i += end + 1
	}
	return nil
}

// begin notes that an atom starts here.
func (t *translator) begin() { t.atom = t.out.Len() }

// put appends an atom.
func (t *translator) put(s string) {
	t.begin()
	t.out.WriteString(s)
}

// needs notes why the pattern needs a backtracking engine.
func (t *translator) needs(what string) {
	if t.why == "" {
		t.why = what
	}
}

func (t *translator) step() error {
	switch c := t.src[t.i]; c {
	case '\\':
		return t.escape()
	case '[':
		return t.class()
	case '(':
		return t.group()
	case ')':
		if len(t.open) == 0 {
			return fmt.Errorf("unmatched )")
		}
		t.out.WriteByte(c)
		t.atom = t.open[len(t.open)-1]
		t.open = t.open[:len(t.open)-1]
	case '*', '+', '?':
		return t.repeat(t.src[t.i : t.i+1])
	case '{':
		if end := boundEnd(t.src, t.i); end > 0 {
			return t.repeat(t.src[t.i:end])
		}
		t.put(`\{`)
	case '|':
		t.out.WriteByte(c)
		t.atom = -1
	default:
		t.literal(c)
	}
	t.i++
	return nil
}

// literal writes one byte that stands as it is.
func (t *translator) literal(c byte) {
	if c < 0x80 || t.utf {
		if !t.utf || c < 0x80 || c >= 0xc0 {
			t.begin()
		}
		t.out.WriteByte(c)
		return
	}
	t.put(fmt.Sprintf(`\x%02x`, c))
}

// quoted writes one byte that is not to be read as syntax.
func (t *translator) quoted(c byte) {
	if c < 0x80 && strings.IndexByte(`\.+*?()|[]{}^$`, c) >= 0 {
		t.put(`\` + string(c))
		return
	}
	t.literal(c)
}

// boundEnd returns the index after a "{n}", "{n,}" or "{n,m}" at index i, or 0.
func boundEnd(s string, i int) int {
	j := i + 1
	from := j
	for j < len(s) && isDigit(s[j]) {
		j++
	}
	if j == from {
		return 0
	}
	if j < len(s) && s[j] == ',' {
		for j++; j < len(s) && isDigit(s[j]); j++ {
		}
	}
	if j < len(s) && s[j] == '}' {
		return j + 1
	}
	return 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// repeat writes a quantifier. A '+' after it makes it possessive, which is
// written as an atomic group.
func (t *translator) repeat(q string) error {
	if t.atom < 0 {
		return fmt.Errorf("nothing to repeat before %s", q)
	}
	t.i += len(q)
	switch {
	case t.i < len(t.src) && t.src[t.i] == '+':
		t.i++
		t.needs("possessive repeat")
		s := t.out.String()
		t.out.Reset()
		t.out.WriteString(s[:t.atom] + "(?>" + s[t.atom:] + q + ")")
	case t.i < len(t.src) && t.src[t.i] == '?':
		t.i++
		t.out.WriteString(q + "?")
	default:
		t.out.WriteString(q)
	}
	// A further quantifier repeats the repeat.
	if t.i < len(t.src) && (strings.IndexByte("*+?", t.src[t.i]) >= 0 || t.src[t.i] == '{' && boundEnd(t.src, t.i) > 0) {
		s := t.out.String()
		t.out.Reset()
		t.out.WriteString(s[:t.atom] + "(?:" + s[t.atom:] + ")")
	}
	return nil
}

// group writes an opening parenthesis.
func (t *translator) group() error {
	rest := t.src[t.i:]
	if strings.HasPrefix(rest, "(?#") {
		end := strings.IndexByte(rest, ')')
		if end < 0 {
			return fmt.Errorf("(?# is not closed")
		}
		t.i += end + 1
		return nil
	}
	write := func(from, to string) error {
		t.open = append(t.open, t.out.Len())
		t.out.WriteString(to)
		t.i += len(from)
		t.atom = -1
		return nil
	}
	for _, special := range [...]string{"(?=", "(?!", "(?<=", "(?<!", "(?>"} {
		if strings.HasPrefix(rest, special) {
			t.needs(special)
			return write(special, special)
		}
	}
	switch {
	case strings.HasPrefix(rest, "(*"):
		return fmt.Errorf("backtracking verbs are not supported")
	case !strings.HasPrefix(rest, "(?"):
		return write("(", "(")
	case strings.HasPrefix(rest, "(?:"):
		return write("(?:", "(?:")
	case strings.HasPrefix(rest, "(?P<"):
		return write("(?P<", "(?<")
	case strings.HasPrefix(rest, "(?<"):
		return write("(?<", "(?<")
	case strings.HasPrefix(rest, "(?'"):
		end := strings.IndexByte(rest[3:], '\'')
		if end < 0 {
			return fmt.Errorf("(?' is not closed")
		}
		return write(rest[:end+4], "(?<"+rest[3:3+end]+">")
	}
	return t.flags(rest, write)
}

// flags writes "(?i)", "(?i-s:" and the like.
func (t *translator) flags(rest string, write func(from, to string) error) error {
	i := 2
	for i < len(rest) && strings.IndexByte("imsxnU-", rest[i]) >= 0 {
		if rest[i] == 'x' || rest[i] == 'n' {
			t.needs("(?" + rest[i:i+1] + ")")
		}
		i++
	}
	switch {
	case i > 2 && i < len(rest) && rest[i] == ')':
		t.out.WriteString(rest[:i+1])
		t.i += i + 1
		t.atom = -1
		return nil
	case i > 2 && i < len(rest) && rest[i] == ':':
		return write(rest[:i+1], rest[:i+1])
	}
	return fmt.Errorf("group %.6q is not supported", rest)
}

// unicodeClass returns the bytes below 0x100 of a \p or \P class.
func unicodeClass(name string) (set [256]bool, err error) {
	re, err := syntax.Parse(name, syntax.Perl)
	if err != nil {
		return set, err
	}
	addRanges(&set, re.Rune)
	return set, nil
}

// addRanges adds the runes below 0x100 of a list of ranges to set.
func addRanges(set *[256]bool, ranges []rune) {
	for i := 0; i+1 < len(ranges); i += 2 {
		for r := ranges[i]; r <= min(ranges[i+1], 255); r++ {
			set[r] = true
		}
	}
}
