package match

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"armor/indexer/field"
	"armor/indexer/jsontext"
)

// scalar is one of a document's, as a plain walk over all of it meets them.
type scalar struct {
	path, value string
	isString    bool
}

type scalars []scalar

func (s *scalars) Enter([]byte) bool { return true }
func (s *scalars) Scalar(path, value []byte, isString bool) {
	if !setAside(string(path)) {
		*s = append(*s, scalar{string(path), string(value), isString})
	}
}

func scalarsOf(doc []byte) scalars {
	var s scalars
	new(jsontext.Walker).Walk(doc, &s)
	return s
}

// plainMatch asks the scalars one after the other, test by test.
func plainMatch(all scalars, c Condition) bool {
	switch c := c.(type) {
	case And:
		for _, part := range c {
			if !plainMatch(all, part) {
				return false
			}
		}
		return true
	case Or:
		for _, part := range c {
			if plainMatch(all, part) {
				return true
			}
		}
		return false
	case Not:
		return !plainMatch(all, c.Condition)
	case *Test:
		for _, s := range all {
			path := c.Field.Path
			if c.Op == Exists {
				if (s.path == path || strings.HasPrefix(s.path, path+".")) && indexed(field.Of(s.path), []byte(s.value)) {
					return true
				}
			} else if s.path == path && new(wordCutter).test(c, []byte(s.value), s.isString) {
				return true
			}
		}
		return false
	}
	return c == All{}
}

func plainValues(all scalars, f field.Field) []string {
	var list []string
	for _, s := range all {
		if s.path != f.Path || !indexed(f, []byte(s.value)) {
			continue
		}
		if key, ok := Key(f, s.value); ok && !slices.Contains(list, key) {
			list = append(list, key)
		}
	}
	return list
}

// One walk for many random conditions and fields answers as plain reading of every scalar does.
func TestScanIsPlainReading(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 20260710))
	for round := range 150 {
		var conditions []Condition
		var fields []field.Field
		s := NewScan()
		for range 1 + r.IntN(6) {
			if c := randomCondition(r, 3); s.Condition(c) == len(conditions) {
				conditions = append(conditions, c)
			}
			if f := field.Of(randomPath(r)); s.Field(f) == len(fields) {
				fields = append(fields, f)
			}
		}
		for range 20 {
			doc := []byte(randomObject(r, 0))
			if !jsontext.ValidObject(doc) {
				t.Fatalf("not an object: %s", doc)
			}
			all := scalarsOf(doc)
			s.Read(doc)
			for i, c := range conditions {
				if got, want := s.Matches(i), plainMatch(all, c); got != want {
					t.Fatalf("round %d: %s\nmatches %+v: %v, want %v", round, doc, c, got, want)
				}
			}
			for i, f := range fields {
				for range 2 { // asked again, it is the same
					var got []string
					for _, n := range s.Values(i) {
						got = append(got, s.Key(i, n))
					}
					if diff := cmp.Diff(plainValues(all, f), got); diff != "" {
						t.Fatalf("round %d: %s\nvalues of %s:\n%s", round, doc, f.Name, diff)
					}
				}
			}
		}
	}
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// randomName is a member's name; some hold dots, as CloudTrail's do.
func randomName(r *rand.Rand) string {
	return pick(r, "a", "b", "data", "aws", "rule", "level", "source", "ip", "full_log", "unmapped_data", "a.b", "data.aws", "b.a.b", "rule.level", "x.", ".y")
}

func randomPath(r *rand.Rand) string {
	return pick(r, "a", "b", "a.b", "a.b.a", "data", "data.aws", "data.a", "data.aws.a", "data.aws.a.b", "rule.level", "source.ip", "full_log", "unmapped_data",
		"unmapped_data.a", "aws.rule.level", "b.a.b", "a.x.", "b..y", "rule", "@timestamp")
}

func randomScalar(r *rand.Rand) string {
	return pick(r, `"x"`, `"y"`, `"x y Z"`, `"10.0.0.1"`, `"::ffff:10.0.0.1"`, `"fe80::1"`, "3", "12", "-1.5e3", "true", "null", `"\u0041\ud83d\ude00\"\\"`, `""`,
		`"`+strings.Repeat("long ", 300)+`"`, `"`+strings.Repeat("é", 1024)+`"`, `"2026-07-10T10:00:00Z"`)
}

func randomValue(r *rand.Rand, depth int) string {
	switch n := r.IntN(8); {
	case n < 3 && depth < 4:
		return randomObject(r, depth+1)
	case n == 3 && depth < 4:
		var parts []string
		for range r.IntN(4) {
			parts = append(parts, randomValue(r, depth+1))
		}
		return "[" + strings.Join(parts, pick(r, ",", " , ")) + "]"
	}
	return randomScalar(r)
}

func randomObject(r *rand.Rand, depth int) string {
	var parts []string
	for range r.IntN(6) {
		parts = append(parts, fmt.Sprintf("%q%s%s", randomName(r), pick(r, ":", ": "), randomValue(r, depth)))
	}
	return "{" + strings.Join(parts, pick(r, ",", " , ")) + "}"
}

func randomCondition(r *rand.Rand, depth int) Condition {
	if depth > 0 {
		switch r.IntN(6) {
		case 0:
			return And{randomCondition(r, depth-1), randomCondition(r, depth-1)}
		case 1:
			return Or{randomCondition(r, depth-1), randomCondition(r, depth-1)}
		case 2:
			return Not{randomCondition(r, depth-1)}
		}
	}
	f := field.Of(randomPath(r))
	switch r.IntN(9) {
	case 0:
		return pick[Condition](r, All{}, None{})
	case 1, 2:
		return &Test{Field: f, Op: Exists}
	case 3:
		return &Test{Field: f, Op: Pattern, Parts: []string{pick(r, "", "x"), pick(r, "", "y", "1")}}
	case 4:
		return &Test{Field: f, Op: Within, Low: int64(r.IntN(5)), High: int64(r.IntN(20))}
	case 5:
		return &Test{Field: f, Op: Inside, First: netip.MustParseAddr("::ffff:10.0.0.0"), Last: netip.MustParseAddr("::ffff:10.0.0.9")}
	case 6:
		return &Test{Field: f, Op: Phrase, Words: pick(r, []string{"x"}, []string{"y", "z"})}
	case 7:
		return &Test{Field: f, Op: Span, From: &Limit{Text: pick(r, "", "x"), Inclusive: true}, To: &Limit{Text: pick(r, "3", "y")}}
	}
	return &Test{Field: f, Op: Equal, Text: pick(r, "x", "12", "true", "A😀\"\\")}
}
