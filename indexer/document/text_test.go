package document

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

// A byte in any place of a long text is read back as it was, and DEL is escaped.
func TestAppendStringInEveryPlace(t *testing.T) {
	for c := range 128 {
		for place := range 20 {
			text := strings.Repeat("a", place) + string(rune(c)) + "\u007f b" + string(rune(c)) + "!~"
			for _, out := range [][]byte{AppendString(nil, text), AppendString(nil, []byte(text))} {
				var got string
				if err := json.Unmarshal(out, &got); err != nil || got != text || strings.Contains(string(out), "\x7f") {
					t.Fatalf("byte %#x in place %d: %s, %v", c, place, out, err)
				}
			}
		}
	}
}

// characterByCharacter is AppendString in its simplest form.
func characterByCharacter(s string) string {
	out := `"`
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '"' || r == '\\':
			out += `\` + string(r)
		case r == '\n':
			out += `\n`
		case r == '\r':
			out += `\r`
		case r == '\t':
			out += `\t`
		case r < 0x20 || r == 0x7f:
			out += fmt.Sprintf(`\u%04x`, r)
		default:
			out += string(r) // U+FFFD for a byte that is no UTF-8
		}
		i += size
	}
	return out + `"`
}

// Texts of all lengths with anything in them are written as character by character, behind what was there.
func TestAppendStringLikeCharacterByCharacter(t *testing.T) {
	pieces := []string{"a", "plain", "eight by", "\"", "\\", "\n", "\r", "\t", "\x00", "\x1f", "\x7f",
		"é", "日本", "😀", "\xff", "\xe6\x97", "\xf0\x9f\x98", "\xed\xa0\x80", "\u2028"}
	r := rand.New(rand.NewPCG(1, 2))
	check := func(text string) {
		want := "before" + characterByCharacter(text)
		if got := AppendString([]byte("before"), text); string(got) != want {
			t.Fatalf("%q: %s, want %s", text, got, want)
		}
		if got := AppendString([]byte("before"), []byte(text)); string(got) != want {
			t.Fatalf("%q as bytes: %s, want %s", text, got, want)
		}
	}
	for c := range 256 {
		for length := range 26 {
			for place := range length {
				check(strings.Repeat("a", place) + string([]byte{byte(c)}) + strings.Repeat("#", length-place-1))
			}
		}
	}
	for range 50_000 {
		var text strings.Builder
		for range r.IntN(12) {
			text.WriteString(pieces[r.IntN(len(pieces))])
		}
		check(text.String())
	}
}
