package terminal

import (
	"fmt"
	"strings"
	"unicode"
)

// JSON is JSON text whose strings are harmless on a terminal: control and invisible formatting characters are written as
// escapes. It means the same.
func JSON(text string) string {
	if strings.IndexFunc(text, harmful) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case !harmful(r):
			b.WriteRune(r)
		case r > 0xffff: // as a pair of surrogates
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// harmful tells whether a character does something to a terminal. A line end is not: JSON has it only between its parts.
func harmful(r rune) bool {
	return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029')
}
