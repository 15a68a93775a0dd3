package jsonfields

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"armor/rules/internal/fields"
)

// FuzzAppend holds the flattener against encoding/json: whatever that accepts
// as an object gives the same names and texts.
func FuzzAppend(f *testing.F) {
	for _, s := range []string{`{"a":1,"b":{"c":[1, 2,"x"],"d":null,"e":true,"f":1.5,"g":12345678901}}`, `{"s":"q\" b\\ s\/ \u00e9 \ud83d\ude00"} x`,
		`{"a":[{"b":[[]]},"c\n"],"d":-0.0e-1}`, `{"":{"":""}}`} {
		f.Add(s, false)
		f.Add(s, true)
	}
	warm := New(Options{})
	var values Values
	f.Fuzz(func(t *testing.T, text string, csv bool) {
		modes := Modes{}
		if csv {
			modes = Modes{Null: NullDiscard, Array: ArrayCSV}
		}
		values.Reset()
		got, err := warm.Append(nil, &values, text, modes)
		cold, coldErr := New(Options{}).Append(nil, new(Values), text, modes)
		if !errors.Is(err, coldErr) || strings.Join(show(got), "\n") != strings.Join(show(cold), "\n") {
			t.Fatalf("warm and cold differ on %q:\n%q %v\n%q %v", text, show(got), err, show(cold), coldErr)
		}
		if err != nil && len(got) != 0 {
			t.Fatalf("fields in spite of %v", err)
		}
		for _, fd := range got {
			if fd.Array && !json.Valid([]byte(fd.Value)) && utf8.ValidString(text) {
				t.Fatalf("array %q of %q is not JSON", fd.Value, text)
			}
		}
		if csv || !utf8.ValidString(text) || strings.Contains(strings.ToLower(text), `\ud`) || !strings.HasPrefix(text, "{") {
			return
		}
		want, ok := plain(text)
		if !ok {
			return
		}
		if err != nil {
			t.Fatalf("%q is JSON, but: %v", text, err)
		}
		if len(got) != len(want) {
			t.Fatalf("%q: got %q, want %q", text, show(got), show(want))
		}
		for i, fd := range got {
			if fd.Name != want[i].Name || !fd.Array && fd.Value != want[i].Value {
				t.Fatalf("%q: got %q=%q, want %q=%q", text, fd.Name, fd.Value, want[i].Name, want[i].Value)
			}
		}
	})
}

// plain flattens with encoding/json.
func plain(text string) ([]fields.Dynamic, bool) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		return nil, false
	}
	var out []fields.Dynamic
	return out, walk(json.NewDecoder(bytes.NewReader(raw)), "", 0, &out)
}

func walk(d *json.Decoder, prefix string, depth int, out *[]fields.Dynamic) bool {
	if depth == 0 {
		d.UseNumber()
		if _, err := d.Token(); err != nil {
			return false
		}
	}
	for d.More() {
		k, err := d.Token()
		if err != nil {
			return false
		}
		name := prefix + k.(string)
		v, err := d.Token()
		if err != nil && !errors.Is(err, io.EOF) {
			return false
		}
		switch v := v.(type) {
		case json.Delim:
			if v == '{' {
				if !walk(d, name+".", depth+1, out) {
					return false
				}
				continue
			}
			for open := 1; open > 0; {
				t, err := d.Token()
				if err != nil {
					return false
				}
				switch t {
				case json.Delim('['), json.Delim('{'):
					open++
				case json.Delim(']'), json.Delim('}'):
					open--
				}
			}
			*out = append(*out, fields.Dynamic{Name: name})
		case json.Number:
			*out = append(*out, fields.Dynamic{Name: name, Value: string(appendNumber(nil, string(v)))})
		case string:
			*out = append(*out, fields.Dynamic{Name: name, Value: v})
		case bool:
			*out = append(*out, fields.Dynamic{Name: name, Value: map[bool]string{true: "true", false: "false"}[v]})
		case nil:
			*out = append(*out, fields.Dynamic{Name: name, Value: "null"})
		}
		if name == "" {
			*out = (*out)[:len(*out)-1]
		}
	}
	_, err := d.Token()
	return err == nil
}

func BenchmarkAppend(b *testing.B) {
	var lines []string
	size := 0
	for _, g := range readGolden(b) {
		if strings.HasPrefix(g.Log, "{") {
			lines = append(lines, g.Log)
			size += len(g.Log)
		}
	}
	f := New(Options{})
	var values Values
	var list []fields.Dynamic
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, l := range lines {
			values.Reset()
			list, _ = f.Append(list[:0], &values, l, Modes{}) // some lines are no JSON
		}
	}
}
