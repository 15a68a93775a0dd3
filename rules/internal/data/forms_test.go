package data

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"armor/rules/internal/fields"
)

// randomSet is a set whose form is one of some thousands, some of which have equal hashes: of a name only its length, its middle
// and its end count there.
func randomSet(r *rand.Rand) *fields.Set {
	var list []string
	for _, static := range []string{"srcip", "user", "url"} {
		if r.IntN(2) == 0 {
			list = append(list, static, "s")
		}
	}
	names := []string{"ab1x", "zz1x", "a.1x", "q.1x", "a", "a.b", "a.b.c", "", ".", `q"1x`}
	values := []string{"", "v", "[1]", "[", "\xff", "a long value\twith\" more"}
	for range r.IntN(4) {
		list = append(list, names[r.IntN(len(names))], values[r.IntN(len(values))])
	}
	return set(list...)
}

// Whatever is kept, an object is what it is when laid out anew.
func TestKeptFormsFitTheirEventsOnly(t *testing.T) {
	forms := new(Forms)
	var all sync.WaitGroup
	for seed := range uint64(2) {
		all.Go(func() {
			r := rand.New(rand.NewPCG(seed, 7))
			w := Writer{Forms: forms}
			for range 50_000 {
				s := randomSet(r)
				if got, want := w.Append(nil, s), new(Writer).Append(nil, s); !bytes.Equal(got, want) {
					t.Errorf("got  %s\nwant %s", got, want)
					return
				}
			}
		})
	}
	all.Wait()
	kept := 0
	for i := range forms.kept {
		for j := range forms.kept[i] {
			if forms.kept[i][j].Load() != nil {
				kept++
			}
		}
	}
	if kept < 500 {
		t.Errorf("only %d forms were kept", kept)
	}
}

// A name is kept as a copy: it may point into an event, which is overwritten by the next.
func TestKeptNamesAreCopies(t *testing.T) {
	text := []byte("name")
	w := Writer{Forms: new(Forms)}
	for _, name := range []string{"name", "game", "name"} {
		copy(text, name)
		s := set(unsafe.String(&text[0], len(text)), "v")
		if got, want := string(w.Append(nil, s)), `{"`+name+`":"v"}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestLargeFormsAreNotKept(t *testing.T) {
	for _, c := range []struct {
		what string
		set  *fields.Set
		kept bool
	}{
		{"small", set("a", "1"), true},
		{"long name", set(strings.Repeat("n", maxFormSize), "1"), false},
		{"many fields", set(many(maxDynamic + 1)...), false},
		{"just as many", set(many(maxDynamic)...), true},
	} {
		w := Writer{Forms: new(Forms)}
		w.Append(nil, c.set)
		if got := w.Forms.find(hashOf(c.set), c.set) != nil; got != c.kept {
			t.Errorf("%s: kept %v", c.what, got)
		}
	}
}

func many(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("f%d", i), "v")
	}
	return list
}

func BenchmarkAppend(b *testing.B) {
	login := set("srcip", "198.51.100.7", "srcport", "50022", "user", "root")
	record := []string{"srcip", "198.51.100.7"}
	for i := range 50 {
		record = append(record, fmt.Sprintf("aws.part%d.field%d", i/8, i), "some value of it")
	}
	for name, s := range map[string]*fields.Set{"login": login, "record": set(record...)} {
		for how, forms := range map[string]*Forms{"kept": new(Forms), "anew": nil} {
			b.Run(name+"/"+how, func(b *testing.B) {
				w := Writer{Forms: forms}
				var dst []byte
				b.ReportAllocs()
				for b.Loop() {
					dst = w.Append(dst[:0], s)
				}
			})
		}
	}
}
