package data

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"armor/internal/testenv"
	"armor/rules/internal/fields"
)

func set(names ...string) *fields.Set {
	s := fields.NewSet(fields.NewSymbols())
	for i := 0; i+1 < len(names); i += 2 {
		if slot := fields.SlotOf(names[i]); slot != fields.None {
			s.Put(slot, names[i+1])
			continue
		}
		array := strings.HasPrefix(names[i+1], "[")
		s.Add(fields.Dynamic{Name: names[i], Value: names[i+1], Symbol: fields.Unknown, Array: array})
	}
	return &s
}

// object gives the object of a set, which is the same laid out anew, before and after its form is kept.
func object(t testing.TB, s *fields.Set) []byte {
	t.Helper()
	anew := new(Writer).Append(nil, s)
	w := Writer{Forms: new(Forms)}
	for _, when := range []string{"first", "from a kept form"} {
		if got := w.Append(nil, s); !bytes.Equal(got, anew) {
			t.Fatalf("%s:\n%s\nanew:\n%s", when, got, anew)
		}
	}
	return anew
}

func TestDataForm(t *testing.T) {
	for _, c := range []struct {
		fields []string
		want   string
	}{
		{nil, `{}`},
		{[]string{"srcip", "1.2.3.4", "user", "root"}, `{"dstuser":"root","srcip":"1.2.3.4"}`},
		{[]string{"a.b", "1", "a.c", "2", "d", "3", "a.e.f", "4"}, `{"a":{"b":"1","c":"2","e":{"f":"4"}},"d":"3"}`},
		{[]string{"a", "1", "a", "2"}, `{"a":"1"}`},
		{[]string{"a", "1", "a.b", "2"}, `{"a":{"_value":"1","b":"2"}}`},
		{[]string{"a.b", "2", "a", "1"}, `{"a":{"_value":"1","b":"2"}}`},
		{[]string{"Foo", "1", "foo", "2"}, `{"Foo":"1","foo":"2"}`},
		{[]string{"empty", "", "status", ""}, `{"status":""}`},
		{[]string{"l", `["x",1,{"y":null}]`}, `{"l":["x",1,{"y":null}]}`},
		{[]string{"l", `["x",`}, `{"l":"[\"x\","}`},
		{[]string{"l", "[\"\xff\"]"}, `{"l":"[\"` + "\ufffd" + `\"]"}`},
		{[]string{"a..b", "1", ".", "2"}, `{"a":{"":{"b":"1"}},"":{"":"2"}}`},
		{[]string{"q\"", "tab\tnl\nnul\x00bs\\" + "\xc3\x28"}, `{"q\"":"tab\tnl\nnul\u0000bs\\` + "\ufffd(" + `"}`},
	} {
		if got := string(object(t, set(c.fields...))); got != c.want {
			t.Errorf("%q:\ngot  %s\nwant %s", c.fields, got, c.want)
		}
	}
}

func TestWideDataKeepsEveryField(t *testing.T) {
	var names []string
	for i := range 500 {
		names = append(names, fmt.Sprintf("o.k%d", i), fmt.Sprint(i), fmt.Sprintf("p%d.q", i%50), fmt.Sprint(i))
	}
	s, w := set(names...), new(Writer)
	for range 2 { // the second time in used memory
		var doc map[string]map[string]string
		if err := json.Unmarshal(w.Append(nil, s), &doc); err != nil {
			t.Fatal(err)
		}
		if len(doc["o"]) != 500 || len(doc) != 51 || doc["o"]["k499"] != "499" || doc["p7"]["q"] != "7" {
			t.Fatalf("%d of 500 fields in o, %d of 51 objects", len(doc["o"]), len(doc))
		}
	}
}

func FuzzDataIsValidJSON(f *testing.F) {
	f.Add("a.b", "1", "a", "\xff")
	f.Add("", "", ".", "[1,2")
	f.Add("srcip", "[", "x", "[[]]")
	f.Fuzz(func(t *testing.T, n1, v1, n2, v2 string) {
		data := object(t, set(n1, v1, n2, v2))
		if !json.Valid(data) || !utf8.Valid(data) {
			t.Errorf("%q", data)
		}
	})
}

// A byte in any place of a long value is read back as it was.
func TestDataEscapesInEveryPlace(t *testing.T) {
	for c := range 128 {
		for place := range 20 {
			value := "v" + strings.Repeat("a", place) + string(rune(c)) + "\u007f b" + string(rune(c)) + "!~"
			text := object(t, set("k", value))
			var got map[string]string
			if err := json.Unmarshal(text, &got); err != nil || got["k"] != value {
				t.Fatalf("byte %#x in place %d: %s, %v", c, place, text, err)
			}
		}
	}
}

// Texts of all lengths with anything in them are written as character by character, behind what was there.
func TestStringsLikeCharacterByCharacter(t *testing.T) {
	for text := range testenv.OddTexts {
		if got, want := string(appendString([]byte("before"), text)), "before"+testenv.JSONString(text, false); got != want {
			t.Fatalf("%q: %s, want %s", text, got, want)
		}
	}
}
