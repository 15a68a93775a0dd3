package jsonfields

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"armor/rules/internal/fields"
)

// show gives "name=value" lines, with "[]" after the name of an array.
func show(list []fields.Dynamic) []string {
	out := []string{}
	for _, f := range list {
		mark := ""
		if f.Array {
			mark = "[]"
		}
		out = append(out, f.Name+mark+"="+f.Value)
	}
	return out
}

func TestAppend(t *testing.T) {
	tests := []struct {
		in    string
		modes Modes
		want  []string
	}{
		{`{}`, Modes{}, nil},
		{` {"a":1,"b":{"c":[1, 2,"x"],"d":null,"e":true,"f":1.5,"g":12345678901},"h":false} trailing }`, Modes{},
			[]string{"a=1", "b.c[]=[1,2,\"x\"]", "b.d=null", "b.e=true", "b.f=1.500000", "b.g=12345678901.000000", "h=false"}},
		{`{"a":null,"b":[],"c":{},"d":""}`, Modes{}, []string{"a=null", "b[]=[]", "d="}},
		{`{"a":null,"b":{"c":null}}`, Modes{Null: NullDiscard}, nil},
		{`{"a":[1, 2.5,"x",true,null,[3],{"y":4}],"b":[],"c":["a,b"]}`, Modes{Array: ArrayCSV}, []string{"a=1,2.500000,x,true", "b=", "c=a,b"}},
		{`{"a":[null,{"x":[]},"z"]}`, Modes{Array: ArrayCSV}, []string{"a=z"}},
		{`{"n":[60.0,1e3,1e20,0.1,12345678901,-0,1.23456789012345678,007]}`, Modes{}, []string{"n[]=[60,1000,1e+20,0.1,12345678901,0,1.2345678901234567,7]"}},
		{`{"a":2147483647,"b":2147483648,"c":-2147483648,"d":-0,"e":1e2,"f":007,"g":1.,"h":-.5,"i":0.0000001}`, Modes{},
			[]string{"a=2147483647", "b=2147483648.000000", "c=-2147483648", "d=0", "e=100", "f=7", "g=1", "h=-0.500000", "i=0.000000"}},
		{`{"a":1e999,"b":-1e999,"c":[1e999]}`, Modes{}, []string{"a=inf", "b=-inf", "c[]=[null]"}},
		{`{"s":"q\" b\\ s\/ \b\f\n\r\t \u00e9 \ud83d\ude00","k\u0041\n":"v"}`, Modes{}, []string{"s=q\" b\\ s/ \b\f\n\r\t é 😀", "kA\n=v"}},
		{`{"a":[ "q\" \\ \/ \u0001 \u00e9 é" , { "k" : [ ] , "l" : { } } ]}`, Modes{}, []string{`a[]=["q\" \\ / \u0001 é é",{"k":[],"l":{}}]`}},
		{`{"a":1,"a":2,"A":3}`, Modes{}, []string{"a=1", "a=2", "A=3"}},
		{`{"a.b":1,"a":{"b":2},"":3,"x":{"":4}}`, Modes{}, []string{"a.b=1", "a.b=2", "x.=4"}},
		{"{\"raw\":\"tab\there\nand \xff\"}", Modes{}, []string{"raw=tab\there\nand \xff"}},
	}
	f := New(Options{})
	var values Values
	for range 2 { // cold and warm
		for _, tt := range tests {
			values.Reset()
			got, err := f.Append(nil, &values, tt.in, tt.modes)
			if err != nil {
				t.Errorf("%s: %v", tt.in, err)
				continue
			}
			want := tt.want
			if want == nil {
				want = []string{}
			}
			if diff := cmp.Diff(want, show(got)); diff != "" {
				t.Errorf("%s:\n%s", tt.in, diff)
			}
		}
	}
}

func TestAppendRefuses(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 1001) + "1" + strings.Repeat("}", 1001)
	deepArray := `{"a":` + strings.Repeat("[", 100000)
	tests := []string{``, ` `, `[]`, `1`, `"a"`, `{`, `{"`, `{"a`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{a:1}`, `{"a" 1}`, `{"a":1 "b":2}`,
		`{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\ud800"}`, `{"a":"\ud800\u0041"}`, `{"a":"\udc00"}`, `{"a":"x\`, `{"a":"x\"`, `{"a":-}`, `{"a":1e}`, `{"a":.5}`, `{"a":+1}`,
		`{"a":1.2.3}`, `{"a":tru}`, `{"a":nul}`, `{"a":[}`, `{"a":[1,]}`, `{"a":[1 2]}`, `{"a":[1`, `{"a":[{"b"]}`, `{"a":[{"b":1,}]}`, `{"a":[{"b"`, `{"a":[nul]}`, `{"a":x}`, deep, deepArray}
	for _, mode := range []ArrayMode{ArrayJSON, ArrayCSV} {
		f := New(Options{})
		before := []fields.Dynamic{{Name: "kept"}}
		for _, in := range tests {
			got, err := f.Append(before, new(Values), in, Modes{Array: mode})
			if !errors.Is(err, ErrSyntax) || len(got) != 1 || got[0].Name != "kept" {
				t.Errorf("%.80q: got %d fields, error %v", in, len(got), err)
			}
		}
	}
}

func TestLongPathsAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"` + strings.Repeat("k", 100_000) + `":{`)
	for i := range 1000 {
		fmt.Fprintf(&b, `"k%d":1,`, i)
	}
	b.WriteString(`"z":1}}`)
	f := New(Options{})
	if got, err := f.Append(nil, new(Values), b.String(), Modes{}); !errors.Is(err, ErrLimit) || len(got) != 0 {
		t.Errorf("got %d fields, error %v; want none and ErrLimit", len(got), err)
	}
}

// TestHostileKeys fills the cache over and over and checks that it stays
// bounded and right.
func TestHostileKeys(t *testing.T) {
	f := New(Options{})
	var values Values
	for i := range 3 * maxPaths {
		values.Reset()
		got, err := f.Append(nil, &values, fmt.Sprintf(`{"k%d":{"x":%d}}`, i, i), Modes{})
		if err != nil || len(got) != 1 || got[0].Name != fmt.Sprintf("k%d.x", i) {
			t.Fatalf("record %d: %v, %v", i, got, err)
		}
		if len(f.paths.nodes) > maxPaths+3 {
			t.Fatalf("%d paths are kept", len(f.paths.nodes))
		}
	}
}

func TestSymbols(t *testing.T) {
	asked := map[string]int{}
	f := New(Options{Resolve: func(name string, top bool) fields.Symbol {
		asked[name]++
		if top {
			return -5
		}
		return fields.Symbol(len(name))
	}})
	var values Values
	want := []fields.Dynamic{{Name: "a", Value: "1", Symbol: -5}, {Name: "bb.c", Value: "2", Symbol: 4}}
	for range 3 {
		got, err := f.Append(nil, &values, `{"a":1,"bb":{"c":2}}`, Modes{})
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Fatal(diff, err)
		}
	}
	if diff := cmp.Diff(map[string]int{"a": 1, "bb.c": 1}, asked); diff != "" {
		t.Error(diff)
	}
}

// TestGuesses gives a warm flattener the same keys in ever new orders.
func TestGuesses(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	long := strings.Repeat("k", headBytes)
	keys := []string{"a", "b", "ab", "", `q\"`, `\u0061`, "b\\\\", long[:headBytes-4], long[:headBytes-3], long[:headBytes-2], long}
	var object func(b *strings.Builder, depth int)
	object = func(b *strings.Builder, depth int) {
		b.WriteString("{")
		for i := range r.IntN(6) {
			if i > 0 {
				b.WriteString(",")
			}
			fmt.Fprintf(b, "%s\"%s\"%s:", strings.Repeat(" ", r.IntN(2)), keys[r.IntN(len(keys))], strings.Repeat("\x00", r.IntN(2)))
			if depth < 3 && r.IntN(3) == 0 {
				object(b, depth+1)
			} else {
				fmt.Fprint(b, r.IntN(100))
			}
		}
		b.WriteString("}")
	}
	warm := New(Options{})
	for range 20_000 {
		var b strings.Builder
		object(&b, 0)
		got, err := warm.Append(nil, new(Values), b.String(), Modes{})
		want, coldErr := New(Options{}).Append(nil, new(Values), b.String(), Modes{})
		if diff := cmp.Diff(want, got); diff != "" || err != nil || coldErr != nil {
			t.Fatalf("%s: %v %v %s", b.String(), err, coldErr, diff)
		}
	}
}

// TestMissing compares with conversion, for numbers of all kinds.
func TestMissing(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	digits := func(most int) string {
		b := make([]byte, r.IntN(most))
		for i := range b {
			b[i] = "0123456789"[r.IntN(10)*r.IntN(2)]
		}
		return string(b)
	}
	short := 0
	for range 200_000 {
		token := strings.Repeat("-", r.IntN(2)) + digits(18)
		if r.IntN(2) == 0 {
			token += "." + digits(9)
		}
		if end, err := numberEnd(token+" ", 0); err != nil || end != len(token) {
			continue
		}
		zeros, ok := missing(token)
		if !ok {
			continue
		}
		short++
		if want := string(appendNumber(nil, token)); token+zeros != want {
			t.Fatalf("%s: got %s, want %s", token, token+zeros, want)
		}
	}
	if short < 10_000 {
		t.Errorf("only %d numbers went the short way", short)
	}
}

// TestQuote compares with a search byte by byte.
func TestQuote(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	const letters = "a\"\\#!]\x5b\xa2\xdc\x00\x01\xff"
	for range 50_000 {
		b := make([]byte, r.IntN(40))
		for i := range b {
			if b[i] = 'x'; r.IntN(6) == 0 {
				b[i] = letters[r.IntN(len(letters))]
			}
		}
		want := 0
		for want < len(b) && b[want] != '"' {
			want++
		}
		if at := quote(string(b)); at != want {
			t.Fatalf("%q: %d, want %d", b, at, want)
		}
	}
}
