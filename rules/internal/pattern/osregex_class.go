package pattern

// class is a set of the byte classes that an OS_Regex token stands for; one
// bit for each letter that may follow a backslash.
type class uint16

const (
	classDigit class = 1 << iota
	classWord
	classSpace
	classTab
	classPunct
	classNotWord
	classNotDigit
	classNotSpace
	classAny
	classOpen
	classClose
	classBackslash
	classDollar
	classPipe
	classLess
)

// escapes maps the byte after a backslash to its class; 0 = not allowed.
var escapes = [256]class{
	'd': classDigit, 'w': classWord, 's': classSpace, 't': classTab, 'p': classPunct,
	'W': classNotWord, 'D': classNotDigit, 'S': classNotSpace, '.': classAny,
	'(': classOpen, ')': classClose, '\\': classBackslash, '$': classDollar,
	'|': classPipe, '<': classLess,
}

// classesOf holds for each byte the classes it belongs to.
var classesOf = func() (t [256]class) {
	const punct = "!\"#$%&'()*+,-.:;<=>?[]{|}"
	in := func(set string, c byte) bool {
		for i := 0; i < len(set); i++ {
			if set[i] == c {
				return true
			}
		}
		return false
	}
	for i := range t {
		c := byte(i)
		set := classAny
		digit := '0' <= c && c <= '9'
		if digit {
			set |= classDigit
		} else {
			set |= classNotDigit
		}
		if l := lower[c]; digit || 'a' <= l && l <= 'z' || in("-@_", c) {
			set |= classWord
		} else {
			set |= classNotWord
		}
		if c == ' ' {
			set |= classSpace
		} else {
			set |= classNotSpace
		}
		if in(punct, c) {
			set |= classPunct
		}
		for _, e := range "t()\\$|<" {
			want := byte(e)
			if want == 't' {
				want = '\t'
			}
			if c == want {
				set |= escapes[byte(e)]
			}
		}
		t[i] = set
	}
	return t
}()

// oneByte returns the byte of a class that holds one byte only, and is not a
// repeatable kind of text (\t is left out: it may be folded nowhere, but no
// literal needs it).
func (c class) oneByte() (byte, bool) {
	switch c {
	case classOpen:
		return '(', true
	case classClose:
		return ')', true
	case classBackslash:
		return '\\', true
	case classDollar:
		return '$', true
	case classPipe:
		return '|', true
	case classLess:
		return '<', true
	case classTab:
		return '\t', true
	case classSpace:
		return ' ', true
	}
	return 0, false
}
