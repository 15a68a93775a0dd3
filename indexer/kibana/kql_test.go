package kibana

import (
	"slices"
	"strings"
	"testing"

	"armor/indexer/query"
)

func TestKQL(t *testing.T) {
	for from, want := range map[string]string{
		"":                                 "",
		"*":                                "",
		"rule.groups:amazon-ec2":           `rule.groups: "amazon-ec2"`,
		`user.name:"a \"b\" \\ c"`:         `user.name: "a \"b\" \\ c"`,
		"rule.level:>=12":                  "rule.level >= 12",
		"rule.level:[3 TO 7}":              "rule.level >= 3 and rule.level < 7",
		"NOT rule.level:[3 TO 7]":          "not (rule.level >= 3 and rule.level <= 7)",
		"@timestamp:>2026-01-01T00:00:00Z": `@timestamp > "2026-01-01T00:00:00Z"`,
		"source.ip:10.0.0.0/8":             `source.ip: "10.0.0.0/8"`,
		"user.name:*":                      "user.name: *",
		`user.name:a*b\:c`:                 `user.name: a*b\:c`,
		"NOT (rule.id:1 OR rule.id:2)":     `not (rule.id: "1" or rule.id: "2")`,
		"rule.id:1 AND NOT rule.id:2":      `rule.id: "1" and not rule.id: "2"`,
		"(rule.id:1 OR rule.id:2) AND x:3": `(rule.id: "1" or rule.id: "2") and x: "3"`,
		"rule.id:(1 OR 2)":                 `rule.id: "1" or rule.id: "2"`,
		`"failed password"`:                `full_log: "failed password" or rule.description.text: "failed password"`,
		`NOT "failed password"`:            `not (full_log: "failed password" or rule.description.text: "failed password")`,
		`x:"` + "a\tb" + `"`:               `x: "a\tb"`,
		`user.name:"or"`:                   `user.name: "or"`,
		`data.or:or*`:                      `data.or: \or*`,
	} {
		n, err := query.Parse(from)
		if err != nil {
			t.Fatalf("%s: %v", from, err)
		}
		got, err := kql(n)
		if err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", from, got, err, want)
		}
	}
	for _, from := range []string{"fail*", `x:a\ b*`, "source.ip:10.*", "full_log:fail*", "NOT *", "rule.id:1 OR *"} {
		n, err := query.Parse(from)
		if err != nil {
			t.Fatalf("%s: %v", from, err)
		}
		if _, all := n.(query.All); all {
			continue // the parser has seen it already
		}
		if got, err := kql(n); err == nil {
			t.Errorf("%s becomes %s", from, got)
		}
	}
}

func TestPill(t *testing.T) {
	for _, from := range []string{"rule.level:>=3", "a:1 AND b:2", "word", "a:x*", "NOT NOT a:1", "*"} {
		n, err := query.Parse(from)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := pill(n, "r"); err == nil {
			t.Errorf("%s becomes %v", from, got)
		}
	}
	n, _ := query.Parse("NOT cloud.provider:aws")
	got, err := pill(n, "r")
	if text := text(got); err != nil || !strings.Contains(text, `"negate":true`) || !strings.Contains(text, `{"cloud.provider":"aws"}`) {
		t.Errorf("%s, %v", text, err)
	}
}

func TestQueryFields(t *testing.T) {
	for q, want := range map[string][]string{
		"":                                      nil,
		`a.b: "x: y" or (c >= 3 and not d: *)`:  {"a.b", "c", "d"},
		`rule.level >= 3 and rule.level < 7`:    {"rule.level", "rule.level"},
		`a\:b: "\"c: d"`:                        {"a:b"},
		`not (x: "1" or y: "2") and z: "(q: 1"`: {"x", "y", "z"},
	} {
		if got := queryFields(q); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", q, got, want)
		}
	}
}
