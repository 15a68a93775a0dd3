package jsontext

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// FuzzValidObject: the answer is that of encoding/json, for objects in valid UTF-8.
func FuzzValidObject(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":1}`, `{"a":[1,2,{"b":null}],"c":"\u00e9\n"}`, `[]`, `1`, ``, ` {"a" : true } `, `{"a":01}`, `{"a":1.}`, `{"a":-}`, `{"a":1e5,"b":-0.5E-3}`,
		`{"a":"\x"}`, `{"a":"\u12g4"}`, `{"a":1,}`, `{"a":[1,]}`, `{,}`, `{"a"}`, `{"a":tru}`, `{"a":nullx}`, "{\"a\":\"\t\"}", "{\"a\":\"\xff\"}", `{"a":1}x`, `{"a":[}`, `{"a":{]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		trimmed := bytes.TrimLeft(b, " \t\r\n")
		want := json.Valid(b) && utf8.Valid(b) && len(trimmed) > 0 && trimmed[0] == '{'
		if got := ValidObject(b); got != want {
			if !got && bytes.Count(b, []byte("["))+bytes.Count(b, []byte("{")) > MaxDepth {
				return
			}
			t.Fatalf("%q: %v, want %v", b, got, want)
		}
		if lines, ok := Object(b); lines != (ok && bytes.ContainsAny(b, "\r\n")) {
			t.Fatalf("%q: lines %v", b, lines)
		}
		Tame(b)
	})
}

// Any byte in any place of an object is judged as encoding/json does.
func TestValidObjectByteByByte(t *testing.T) {
	doc := []byte(`{"a":"bc","name of it":"a text of words","list":["first","second of them",{"x":{}},"",[]],` +
		`"n":[-1.5e3,true],"e":"\u00e9\n é","z":"end"}`)
	for place := range doc {
		for c := range 256 {
			changed := bytes.Clone(doc)
			changed[place] = byte(c)
			want := json.Valid(changed) && utf8.Valid(changed) && changed[0] == '{'
			if got := ValidObject(changed); got != want {
				t.Fatalf("%q: %v, want %v", changed, got, want)
			}
		}
		if cut := slices.Delete(bytes.Clone(doc), place, place+1); ValidObject(cut) != (json.Valid(cut) && utf8.Valid(cut) && cut[0] == '{') {
			t.Fatalf("%q: %v", cut, ValidObject(cut))
		}
		if ValidObject(doc[:place]) {
			t.Fatalf("%q is valid", doc[:place])
		}
	}
}

func TestLines(t *testing.T) {
	doc := `{"a":["b",{"c":1,"d":{}},[]],"e":null}`
	for place := range len(doc) + 1 {
		for _, white := range []string{" ", "\t ", "\n", " \r", "\r\n", "  \n\t"} {
			spaced := []byte(doc[:place] + white + doc[place:])
			want := json.Valid(spaced)
			if lines, ok := Object(spaced); ok != want || lines != (want && bytes.ContainsAny(spaced, "\r\n")) {
				t.Errorf("%q: valid %v, lines %v", spaced, ok, lines)
			}
		}
	}
}

func TestDepth(t *testing.T) {
	nested := func(n int) []byte {
		return []byte(strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n))
	}
	if !ValidObject(nested(MaxDepth)) || ValidObject(nested(MaxDepth+1)) {
		t.Errorf("the limit is not at %d", MaxDepth)
	}
}

func TestTame(t *testing.T) {
	for text, want := range map[string]bool{
		`{}`: true, `{"a":{"a":1},"b":[{"a":1},{"a":2}]}`: true, `{"a":1,"a":2}`: false, `{"x":[{"a":1,"a":1}]}`: false,
		`{"a":"b","b":"a"}`: true, `{"a":` + strings.Repeat("1", tameNumber+1) + `}`: false, `{"` + strings.Repeat("n", tameName+1) + `":1}`: false,
		strings.Repeat(`{"a":`, tameDepth) + "1" + strings.Repeat("}", tameDepth):     true,
		strings.Repeat(`{"a":`, tameDepth+1) + "1" + strings.Repeat("}", tameDepth+1): false,
	} {
		if got := Tame([]byte(text)); got != want {
			t.Errorf("%.60s: %v, want %v", text, got, want)
		}
	}
}

// everything notes all scalars.
type everything struct {
	skip string
	got  []string
}

func (e *everything) Enter(path []byte) bool { return string(path) != e.skip }
func (e *everything) Scalar(path, value []byte, isString bool) {
	e.got = append(e.got, fmt.Sprintf("%s=%s %v", path, value, isString))
}

func TestWalk(t *testing.T) {
	doc := `{ "a" : [ 1 , "x\"\u00e9\ud83d\ude00\ud800!" , [ { "b" : { "c.d" : true } } , null ] ] , "s":{"skipped":["]}\"",{}]}, "e":"", "":2.50, "t":"\/\b\f\n\r\t\\" }`
	e := &everything{skip: "s"}
	var w Walker
	if !w.Walk([]byte(doc), e) {
		t.Error("not well formed")
	}
	want := []string{"a=1 false", "a=x\"é😀\uFFFD! true", "a.b.c.d=true false", "e= true", "=2.50 false", "t=/\b\f\n\r\t\\ true"}
	if diff := cmp.Diff(want, e.got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, bad := range []string{"", "[]", "{", `{"a"`, `{"a":`, `{"a":1`, `{"a":x}`, `{"a":"\u12`, `{"a":"\`, `{1:2}`} {
		if w.Walk([]byte(bad), &everything{}) {
			t.Errorf("%q is well formed", bad)
		}
	}
}

func BenchmarkValidObject(b *testing.B) {
	for name, doc := range map[string]string{
		"nested": `{"aws":{"eventName":"RunInstances","list":[` + strings.Repeat(`{"key":"some value here","n":123},`, 40) + `{}]}}`,
		"flat":   `{"srcuser":"www","dstuser":"root","tty":"pts/8","pwd":"/home/www","command":"/usr/bin/systemctl restart nginx"}`,
	} {
		b.Run(name, func(b *testing.B) {
			text := []byte(doc)
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if !ValidObject(text) {
					b.Fatal("not valid")
				}
			}
		})
	}
}
