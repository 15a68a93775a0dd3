package match

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"armor/indexer/field"
)

// wordCutter cuts the value under test into words, once for all tests of it.
type wordCutter struct {
	spans []span
	cut   bool // spans are those of the value under test
}

// begin says that another value comes.
func (w *wordCutter) begin() { w.cut = false }

func (w *wordCutter) of(text []byte) []span {
	if !w.cut {
		w.spans = spans(w.spans[:0], text)
		w.cut = true
	}
	return w.spans
}

// test asks one value.
func (w *wordCutter) test(t *Test, value []byte, isString bool) bool {
	switch t.Op {
	case Equal:
		return string(value) == t.Text && indexed(t.Field, value)
	case Pattern:
		return fits(value, t.Parts) && indexed(t.Field, value)
	case Span:
		return t.spans(value) && indexed(t.Field, value)
	case Within:
		n, ok := Integer(t.Field, value)
		return ok && t.Low <= n && n <= t.High
	case Inside:
		a, err := netip.ParseAddr(string(value))
		if err != nil {
			return false
		}
		a = netip.AddrFrom16(a.WithZone("").As16())
		return t.First.Compare(a) <= 0 && a.Compare(t.Last) <= 0
	case Phrase:
		return isString && w.phrase(value, t.Words)
	case Word:
		return isString && w.word(value, t.Parts)
	}
	return false
}

// indexed tells whether a keyword is short enough to be indexed. Elasticsearch counts UTF-16 units.
func indexed(f field.Field, value []byte) bool {
	if f.Limit == 0 || len(value) <= f.Limit {
		return true
	}
	units := 0
	for i := 0; i < len(value); {
		if value[i] < utf8.RuneSelf {
			i, units = i+1, units+1
			continue
		}
		_, n := utf8.DecodeRune(value[i:])
		if i, units = i+n, units+1; n == utf8.UTFMax {
			units++
		}
	}
	return units <= f.Limit
}

// fits tells whether value is the parts with anything between them.
func fits(value []byte, parts []string) bool {
	first, last := parts[0], parts[len(parts)-1]
	if len(value) < len(first)+len(last) || string(value[:len(first)]) != first || string(value[len(value)-len(last):]) != last {
		return false
	}
	value = value[len(first) : len(value)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		i := index(value, part)
		if i < 0 {
			return false
		}
		value = value[i+len(part):]
	}
	return true
}

func index(b []byte, s string) int {
	if s == "" {
		return 0
	}
	for i := 0; i+len(s) <= len(b); i++ {
		if b[i] == s[0] && string(b[i:i+len(s)]) == s {
			return i
		}
	}
	return -1
}

func (t *Test) spans(value []byte) bool {
	if t.From != nil {
		if c := strings.Compare(string(value), t.From.Text); c < 0 || c == 0 && !t.From.Inclusive {
			return false
		}
	}
	if t.To != nil {
		if c := strings.Compare(string(value), t.To.Text); c > 0 || c == 0 && !t.To.Inclusive {
			return false
		}
	}
	return true
}

// Integer reads a number, or a time as milliseconds since 1970.
func Integer(f field.Field, value []byte) (int64, bool) {
	if f.Kind != field.Time {
		n, err := strconv.ParseInt(string(value), 10, 64)
		return n, err == nil
	}
	for _, layout := range [...]string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700"} {
		if t, err := time.Parse(layout, string(value)); err == nil {
			return t.UnixMilli(), true
		}
	}
	return 0, false
}

// phrase looks for words that follow each other.
func (w *wordCutter) phrase(text []byte, words []string) bool {
	if !mayHold(text, words[0]) {
		return false
	}
	cut := w.of(text)
	for i := 0; i+len(words) <= len(cut); i++ {
		n := 0
		for n < len(words) && equalFolded(text[cut[i+n].start:cut[i+n].end], words[n]) {
			n++
		}
		if n == len(words) {
			return true
		}
	}
	return false
}

// mayHold is false when the text cannot have the word, without cutting it into words. Texts or words with other characters
// than ASCII are not looked at.
func mayHold(text []byte, word string) bool {
	for i := range len(word) {
		if word[i] >= utf8.RuneSelf {
			return true
		}
	}
	first := word[0]
	found := false
	for i, c := range text {
		if c >= utf8.RuneSelf {
			return true
		}
		if !found && lowerASCII(c) == first && len(text)-i >= len(word) {
			n := 1
			for n < len(word) && lowerASCII(text[i+n]) == word[n] {
				n++
			}
			found = n == len(word)
		}
	}
	return found
}

func lowerASCII(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// word looks for one word that fits a pattern.
func (w *wordCutter) word(text []byte, parts []string) bool {
	for _, sp := range w.of(text) {
		if fits([]byte(lower(string(text[sp.start:sp.end]))), parts) {
			return true
		}
	}
	return false
}
