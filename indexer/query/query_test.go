package query

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var ignorePos = cmp.Options{cmpopts.IgnoreFields(Match{}, "Pos"), cmpopts.IgnoreFields(Range{}, "Pos")}

func lit(field, text string) Match         { return Match{Field: field, Value: Literal(text)} }
func pat(field string, p ...string) Match  { return Match{Field: field, Value: Value{Parts: p}} }
func incl(s string) *Bound                 { return &Bound{Value: s, Inclusive: true} }
func excl(s string) *Bound                 { return &Bound{Value: s} }
func span(f string, from, to *Bound) Range { return Range{Field: f, From: from, To: to} }

func TestParse(t *testing.T) {
	for text, want := range map[string]Node{
		"":                         All{},
		" \t\n":                    All{},
		"*":                        All{},
		"a":                        lit("", "a"),
		"a b":                      And{[]Node{lit("", "a"), lit("", "b")}},
		"a AND b":                  And{[]Node{lit("", "a"), lit("", "b")}},
		"a b AND c":                And{[]Node{lit("", "a"), lit("", "b"), lit("", "c")}},
		"a OR b c":                 Or{[]Node{lit("", "a"), And{[]Node{lit("", "b"), lit("", "c")}}}},
		"(a OR b) c":               And{[]Node{Or{[]Node{lit("", "a"), lit("", "b")}}, lit("", "c")}},
		"NOT a b":                  And{[]Node{Not{lit("", "a")}, lit("", "b")}},
		"NOT (a b)":                Not{And{[]Node{lit("", "a"), lit("", "b")}}},
		"NOT NOT a":                Not{Not{lit("", "a")}},
		"((a))":                    lit("", "a"),
		"and or not":               And{[]Node{lit("", "and"), lit("", "or"), lit("", "not")}},
		"ANDROID":                  lit("", "ANDROID"),
		`"AND"`:                    lit("", "AND"),
		"f:v":                      lit("f", "v"),
		"f:AND":                    lit("f", "AND"),
		`f:"a b"`:                  lit("f", "a b"),
		`f:""`:                     lit("f", ""),
		`f:"a\"b\\c\d"`:            lit("f", `a"b\c\d`),
		`f:a\ b\"\*`:               lit("f", `a b"*`),
		"f:a:b":                    lit("f", "a:b"),
		"source.ip:2001:db8::1":    lit("source.ip", "2001:db8::1"),
		`a\:b`:                     lit("", "a:b"),
		`a\:b:c`:                   lit("a:b", "c"),
		"f:*":                      pat("f", "", ""),
		"f:a*":                     pat("f", "a", ""),
		"f:*a*b*":                  pat("f", "", "a", "b", ""),
		"f:a**b":                   pat("f", "a", "b"),
		`f:a\**`:                   pat("f", "a*", ""),
		"*a":                       pat("", "", "a"),
		"f:>5":                     span("f", excl("5"), nil),
		"f:>=5":                    span("f", incl("5"), nil),
		"f:<5":                     span("f", nil, excl("5")),
		"f:<=5":                    span("f", nil, incl("5")),
		`f:>="a b"`:                span("f", incl("a b"), nil),
		"f:[1 TO 5]":               span("f", incl("1"), incl("5")),
		"f:{1 TO 5}":               span("f", excl("1"), excl("5")),
		"f:[1 TO 5}":               span("f", incl("1"), excl("5")),
		"f:[ 1  TO  5 ]":           span("f", incl("1"), incl("5")),
		"f:[* TO 5]":               span("f", nil, incl("5")),
		"f:{1 TO *}":               span("f", excl("1"), nil),
		"f:[* TO *]":               pat("f", "", ""),
		`f:["a b" TO "TO"]`:        span("f", incl("a b"), incl("TO")),
		`f:["" TO a]`:              span("f", incl(""), incl("a")),
		"f:(a OR b)":               Or{[]Node{lit("f", "a"), lit("f", "b")}},
		"f:(a NOT b)":              And{[]Node{lit("f", "a"), Not{lit("f", "b")}}},
		"f:(>1 AND <5)":            And{[]Node{span("f", excl("1"), nil), span("f", nil, excl("5"))}},
		`f:("a b" OR c*)`:          Or{[]Node{lit("f", "a b"), pat("f", "c", "")}},
		"f:([1 TO 2] OR (5 OR 7))": Or{[]Node{span("f", incl("1"), incl("2")), Or{[]Node{lit("f", "5"), lit("f", "7")}}}},
		"f:>5\u00a0g:x":            And{[]Node{span("f", excl("5"), nil), lit("g", "x")}},
		"sshd[12]":                 lit("", "sshd[12]"),
		"<14>":                     lit("", "<14>"),
		"data.größe:ü":             lit("data.größe", "ü"),
		"f:\x00":                   lit("f", "\x00"),
	} {
		got, err := Parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, got, ignorePos); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
		checkPrint(t, got)
	}
}

// checkPrint checks that what is printed parses to the same tree.
func checkPrint(t *testing.T, n Node) {
	t.Helper()
	printed := n.String()
	again, err := Parse(printed)
	if err != nil {
		t.Errorf("printed %q: %v", printed, err)
		return
	}
	if diff := cmp.Diff(n, again, ignorePos); diff != "" {
		t.Errorf("printed %q (-first +again):\n%s", printed, diff)
	}
}

func TestErrors(t *testing.T) {
	for text, want := range map[string]struct {
		pos  int
		part string
	}{
		"(a":          {0, "never closed"},
		"a)":          {1, "no \"(\""},
		"()":          {1, "value is expected"},
		"a AND":       {5, "ends where"},
		"AND a":       {0, "before this operator"},
		"a OR OR b":   {5, "before this operator"},
		"NOT":         {3, "ends where"},
		"f:":          {2, "f:* for any"},
		"f: v":        {2, "f:* for any"},
		":v":          {0, "no field"},
		`"a`:          {0, "never closed"},
		`"a"b`:        {3, "space is expected"},
		`a"b"`:        {1, "space is expected"},
		"a(b)":        {1, "space is expected"},
		"f:a*b(":      {5, "space is expected"},
		"f*:v":        {1, "cannot have wildcards"},
		"f:>":         {3, "without a space"},
		"f:> 5":       {3, "without a space"},
		"f:>5*":       {3, "wildcards"},
		"f:[1 5]":     {5, "TO is expected"},
		"f:[1 TO 5":   {2, "never closed"},
		"f:[1 TO ]":   {8, "value is expected"},
		"f:[ TO 5]":   {7, "TO is expected"},
		"f:[1* TO 5]": {3, "wildcards"},
		"f:[1 TO 5]x": {10, "space"},
		`a\`:          {1, `after this "\"`},
		"f:(a":        {2, "never closed"},
		"f:()":        {3, "value is expected"},
		"\xff":        {0, "UTF-8"},
		"a \xc3":      {2, "UTF-8"},
		"f:" + strings.Repeat("*a", MaxWildcards+1): {2, "wildcards"},
		strings.Repeat("(", MaxDepth+1) + "a":       {MaxDepth, "levels"},
		strings.Repeat("NOT ", MaxDepth+1) + "a":    {4 * MaxDepth, "levels"},
		strings.Repeat("a ", MaxConditions+1):       {2 * MaxConditions, "conditions"},
		strings.Repeat("a", MaxLength+1):            {MaxLength, "longer"},
	} {
		_, err := Parse(text)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%.40q: got %v, want an Error", text, err)
			continue
		}
		if e.Pos != want.pos || !strings.Contains(e.Message, want.part) {
			t.Errorf("%.40q: got %d %q, want %d %q", text, e.Pos, e.Message, want.pos, want.part)
		}
	}
}

func TestBoth(t *testing.T) {
	a, b := lit("", "a"), lit("", "b")
	for _, c := range []struct{ x, y, want Node }{
		{nil, a, a}, {a, nil, a}, {All{}, a, a}, {a, All{}, a}, {a, b, And{[]Node{a, b}}}, {nil, nil, nil},
	} {
		if diff := cmp.Diff(c.want, Both(c.x, c.y)); diff != "" {
			t.Error(diff)
		}
	}
}

// FuzzParse: no text makes the parser panic, and what was parsed prints to a text of the same meaning.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "a", "f:v", `f:"a b"`, "f:[1 TO 5}", "f:>=5", "NOT (a OR b*) c", `\`, `a\ b:c`, "f:(a OR >5)", "*:*", "f:**", "TO:TO", "f:{\"}\" TO *]", "\u2028", "f:\\>5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := Parse(text)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Pos < 0 || e.Pos > len(text) || e.Message == "" {
				t.Fatalf("%q: error %#v", text, err)
			}
			return
		}
		printed := n.String()
		if len(printed) > MaxLength {
			return // escapes and brackets made it longer than a query may be
		}
		again, err := Parse(printed)
		if err != nil {
			if strings.Contains(err.Error(), "levels") {
				return
			}
			t.Fatalf("%q printed %q: %v", text, printed, err)
		}
		if diff := cmp.Diff(n, again, ignorePos); diff != "" {
			t.Fatalf("%q printed %q (-first +again):\n%s", text, printed, diff)
		}
	})
}
