package jsontext

import (
	"bytes"
	"encoding/json"
	"fmt"
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
		Tame(b)
	})
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
	doc := []byte(`{"aws":{"eventName":"RunInstances","list":[` + strings.Repeat(`{"key":"some value here","n":123},`, 40) + `{}]}}`)
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		if !ValidObject(doc) {
			b.Fatal("not valid")
		}
	}
}
