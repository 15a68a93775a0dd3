package match

import (
	"strings"
	"testing"
	"time"

	"armor/indexer/field"
	"armor/indexer/query"
)

func FuzzMatch(f *testing.F) {
	for _, s := range []string{`{"a":1}`, `{"full_log":"x y","data":{"a":["b",{"c":null}]}}`, `{"a":"\ud800\u0000`, `{"a":[[[`, `{`, "", `{"a":1}}`, `{"a" "b"}`} {
		f.Add([]byte(s), "full_log:x OR data.a:b* AND NOT data:*")
	}
	f.Fuzz(func(t *testing.T, doc []byte, text string) {
		n, err := query.Parse(text)
		if err != nil {
			return
		}
		c, err := Bind(n, time.Unix(0, 0))
		if err != nil {
			return
		}
		m := NewMatcher(c)
		if first, second := m.Match(doc), m.Match(doc); first != second {
			t.Fatalf("%q on %q: %v, then %v", text, doc, first, second)
		}
		NewReader(field.Of("data.a")).Values(doc)
	})
}

// Documents that are cut or changed anywhere are read without a panic.
func TestDamagedDocuments(t *testing.T) {
	doc := []byte(`{"full_log":"a \"word\" \u00e9\ud83d\ude00","data":{"a":[1,true,null,{"b":"c"}],"n":-1.5e+3},"rule":{"groups":["x","y"]}}`)
	n, err := query.Parse("full_log:word AND data.a.b:c AND rule.groups:y AND data:*")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Bind(n, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	m := NewMatcher(c)
	if !m.Match(doc) {
		t.Fatal("the whole document does not match")
	}
	for i := range doc {
		m.Match(doc[:i])
		for _, b := range []byte{'"', '{', '}', '[', ']', ',', '\\', 0, 0xff} {
			changed := append([]byte(nil), doc...)
			changed[i] = b
			m.Match(changed)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	doc := []byte(`{"@timestamp":"2026-07-10T10:00:00.000Z","rule":{"id":"1","groups":["a"]},"full_log":"` + strings.Repeat("word and ", 100) +
		`","data":{"aws":{"requestParameters":{"x":["` + strings.Repeat(`y","`, 50) + `z"]},"awsRegion":"us-east-1"}}}`)
	for _, text := range []string{"data.aws.awsRegion:us-east-1", "full_log:absent"} {
		b.Run(text, func(b *testing.B) {
			n, _ := query.Parse(text)
			c, _ := Bind(n, time.Time{})
			m := NewMatcher(c)
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			for b.Loop() {
				m.Match(doc)
			}
		})
	}
}
