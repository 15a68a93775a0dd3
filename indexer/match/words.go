package match

import (
	"unicode"
	"unicode/utf8"
)

// maxWord is the length in UTF-16 units at which Elasticsearch's standard tokenizer cuts a word.
const maxWord = 255

// class is what the word boundary rules (Unicode Standard Annex 29) see in a character.
type class uint8

const (
	other      class = iota
	letter           // joins with letters, digits and connectors
	digit            // the same
	connector        // _ and its like: joins all of them
	katakana         // joins with itself and connectors
	single           // ideographs, Hiragana, emoji: a word each
	complexRun       // scripts without spaces between words: a run is one word
	midLetter        // joins two letters
	midDigit         // joins two digits
	midBoth          // joins two letters or two digits
	extend           // belongs to the character before
	quote            // a quote within a Hebrew word
)

// Words cuts text into words as Elasticsearch's standard analyzer does, in lower case.
func Words(s string) []string {
	var words []string
	for _, sp := range spans(nil, []byte(s)) {
		words = append(words, lower(s[sp.start:sp.end]))
	}
	return words
}

type span struct{ start, end int }

// spans finds the words of a text.
func spans(dst []span, s []byte) []span {
	for i := 0; i < len(s); {
		c, n := classAt(s, i)
		switch c {
		case letter, digit, connector, katakana:
			end, word := wordEnd(s, i)
			if word {
				dst = append(dst, span{i, end})
			}
			i = end
		case single:
			end := pastExtend(s, i+n)
			dst = append(dst, span{i, end})
			i = end
		case complexRun:
			end, units := i, 0
			for end < len(s) && units < maxWord {
				c, n := classAt(s, end)
				if c != complexRun && c != extend {
					break
				}
				end += n
				units++
			}
			dst = append(dst, span{i, end})
			i = end
		default:
			i += n
		}
	}
	return dst
}

// wordEnd finds the end of what joins from i on; word is false when it is connectors only.
func wordEnd(s []byte, i int) (end int, word bool) {
	var last class
	hebrew := false // the last character is a Hebrew letter
	units := 0
	for i < len(s) {
		c, n := classAt(s, i)
		if hebrew && (s[i] == '\'' || s[i] == '"' && hebrewAt(s, i+1)) {
			last, hebrew = quote, false // quotes are parts of abbreviations
			i++
			units++
			continue
		}
		width := 1
		if n == 4 {
			width = 2
		}
		if units+width > maxWord {
			return i, word
		}
		switch c {
		case extend:
		case letter, digit:
			if last == katakana {
				return i, word
			}
			last, word, hebrew = c, true, n > 1 && hebrewAt(s, i)
		case katakana:
			if last == letter || last == digit || last == quote {
				return i, word
			}
			last, word = c, true
		case connector:
			last, hebrew = c, false
		case midLetter, midDigit, midBoth:
			if !joins(c, last, s, i+n) || units+1 >= maxWord {
				return i, word
			}
		default:
			return i, word
		}
		i += n
		units += width
	}
	return i, word
}

// hebrewAt tells whether a Hebrew letter stands at i.
func hebrewAt(s []byte, i int) bool {
	if i >= len(s) || s[i] < utf8.RuneSelf {
		return false
	}
	r, _ := utf8.DecodeRune(s[i:])
	return unicode.Is(unicode.Hebrew, r) && unicode.IsLetter(r)
}

// joins tells whether a character of class c joins last and what follows it at i.
func joins(c, last class, s []byte, i int) bool {
	if last != letter && last != digit || last == letter && c == midDigit || last == digit && c == midLetter {
		return false
	}
	i = pastExtend(s, i)
	if i >= len(s) {
		return false
	}
	next, _ := classAt(s, i)
	return next == last
}

func pastExtend(s []byte, i int) int {
	for i < len(s) {
		c, n := classAt(s, i)
		if c != extend {
			break
		}
		i += n
	}
	return i
}

func classAt(s []byte, i int) (class, int) {
	if b := s[i]; b < utf8.RuneSelf {
		return ascii[b], 1
	}
	r, n := utf8.DecodeRune(s[i:])
	return classOf(r), n
}

var ascii = func() (t [utf8.RuneSelf]class) {
	for c := range t {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
			t[c] = letter
		case c >= '0' && c <= '9':
			t[c] = digit
		}
	}
	t['_'], t[':'], t[','], t[';'], t['.'], t['\''] = connector, midLetter, midDigit, midDigit, midBoth, midBoth
	return t
}()

func classOf(r rune) class {
	switch r {
	case 0xB7, 0x387, 0x55F, 0x5F4, 0x2027, 0xFE13, 0xFE55, 0xFF1A:
		return midLetter
	case 0x37E, 0x589, 0x60C, 0x60D, 0x66C, 0x7F8, 0x2044, 0xFE10, 0xFE14, 0xFF0C, 0xFF1B:
		return midDigit
	case 0x2018, 0x2019, 0x2024, 0xFE52, 0xFF07, 0xFF0E:
		return midBoth
	case 0x200B, utf8.RuneError:
		return other
	}
	switch {
	case r >= 0x1F300 && r <= 0x1FAFF:
		if r >= 0x1F3FB && r <= 0x1F3FF {
			return extend
		}
		return single
	case unicode.Is(unicode.Katakana, r), r >= 0x3031 && r <= 0x3035, r == 0x309B, r == 0x309C, r == 0x30A0, r == 0x30FC, r == 0xFF70:
		return katakana
	case unicode.Is(unicode.Hiragana, r), unicode.Is(unicode.Ideographic, r):
		return single
	case unicode.Is(unicode.Nd, r):
		return digit
	case unicode.In(r, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar):
		if unicode.IsLetter(r) || unicode.IsMark(r) {
			return complexRun
		}
		return other
	case unicode.IsLetter(r), unicode.Is(unicode.Nl, r):
		return letter
	case unicode.Is(unicode.Pc, r):
		return connector
	case unicode.IsMark(r), unicode.Is(unicode.Cf, r):
		return extend
	}
	return other
}

// lower folds a word as the analyzer does: character by character.
func lower(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= utf8.RuneSelf || c >= 'A' && c <= 'Z' {
			b := make([]byte, 0, len(s))
			for _, r := range s {
				b = utf8.AppendRune(b, unicode.ToLower(r))
			}
			return string(b)
		}
	}
	return s
}

// equalFolded tells whether text, folded, is the word.
func equalFolded(text []byte, word string) bool {
	for len(text) > 0 {
		if len(word) == 0 {
			return false
		}
		if c := text[0]; c < utf8.RuneSelf {
			if c >= 'A' && c <= 'Z' {
				c += 'a' - 'A'
			}
			if c != word[0] {
				return false
			}
			text, word = text[1:], word[1:]
			continue
		}
		r, n := utf8.DecodeRune(text)
		w, m := utf8.DecodeRuneInString(word)
		if unicode.ToLower(r) != w {
			return false
		}
		text, word = text[n:], word[m:]
	}
	return len(word) == 0
}
