package document

import (
	"encoding/json"
	"strings"
	"testing"

	"armor/internal/testenv"
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

// Texts of all lengths with anything in them are written as character by character, behind what was there.
func TestAppendStringLikeCharacterByCharacter(t *testing.T) {
	for text := range testenv.OddTexts {
		want := "before" + testenv.JSONString(text, true)
		if got := AppendString([]byte("before"), text); string(got) != want {
			t.Fatalf("%q: %s, want %s", text, got, want)
		}
		if got := AppendString([]byte("before"), []byte(text)); string(got) != want {
			t.Fatalf("%q as bytes: %s, want %s", text, got, want)
		}
	}
}
