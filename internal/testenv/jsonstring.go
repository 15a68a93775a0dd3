package testenv

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// JSONString is a text as a JSON string, character by character: what faster ways must come to. A byte that is no UTF-8 becomes
// U+FFFD; with del, DEL is escaped too.
func JSONString(text string, del bool) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			out.WriteString(`\` + string(r))
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\r':
			out.WriteString(`\r`)
		case r == '\t':
			out.WriteString(`\t`)
		case r < 0x20 || del && r == 0x7f:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			out.WriteRune(r)
		}
	}
	out.WriteByte('"')
	return out.String()
}

// OddTexts gives texts that are hard to write as JSON strings: every byte in every place of texts up to 25 bytes long, and 200,000
// of random pieces, always the same.
func OddTexts(yield func(string) bool) {
	for c := range 256 {
		for length := range 26 {
			for place := range length {
				if !yield(strings.Repeat("a", place) + string([]byte{byte(c)}) + strings.Repeat("#", length-place-1)) {
					return
				}
			}
		}
	}
	pieces := []string{"a", "plain", "eight by", "\"", "\\", "\n", "\r", "\t", "\x00", "\x1f", "\x7f",
		"é", "日本", "😀", "\xff", "\xe6\x97", "\xf0\x9f\x98", "\xed\xa0\x80", "\u2028"}
	r := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		var text strings.Builder
		for range r.IntN(12) {
			text.WriteString(pieces[r.IntN(len(pieces))])
		}
		if !yield(text.String()) {
			return
		}
	}
}
