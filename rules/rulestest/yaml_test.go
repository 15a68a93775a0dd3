package rulestest_test

import (
	"strings"
	"testing"

	"armor/rules/rulestest"
)

const sessions = `tests:
  - name: one line
    events:
      - log: 'Nov 23 09:00:01 h app: x'
        expect: {rule: 100, level: 3, decoder: app, alert: true, suppressed_by: none, description: d, groups: [g], not: [101]}
  - name: counted, by repetition
    events:
      - log: 'Nov 23 09:00:01 h app: x'
        repeat: 3
        after: 10s
        expect: {rule: 101}
      - log: 'nothing'
        expect: {rule: none, decoder: none, alert: false, fields: {srcip: null}}
  - name: too slow to be counted
    events:
      - {log: 'Nov 23 09:00:01 h app: x'}
      - {log: 'Nov 23 09:00:01 h app: x', after: 59s}
      - {log: 'Nov 23 09:00:01 h app: x', after: 59s, expect: {rule: 100}}
  - name: json
    events:
      - json: &event {b: 1.50, a: [true, null, 12345678901, 2026-01-01], note: "<y>"}
        expect: {rule: none, decoder: js, fields: {b: "1.500000", note: <y>, c: null}}
      - json: {<<: *event, note: other}
        expect: {fields: {note: other, b: "1.500000"}}
  - name: fails
    events:
      - log: 'Nov 23 09:00:01 h app: x'
        expect: {rule: 101, level: 3, fields: {srcip: 1.2.3.4}, not: [100], groups: [h]}
`

func TestYAML(t *testing.T) {
	report, err := rulestest.Run(ruleset(t), "t.yaml", []byte(sessions))
	if err != nil {
		t.Fatal(err)
	}
	if report.Passed != 4 || report.Failed != 1 {
		t.Errorf("%d passed, %d failed; expected 4 and 1", report.Passed, report.Failed)
	}
	var got []string
	for _, f := range report.Failures() {
		got = append(got, f.String())
	}
	want := `t.yaml:27: [fails] event 1: expected rule 101, groups with h, field srcip "1.2.3.4", not rule 100; got rule 100, groups [g], field srcip absent, rule 100`
	if len(got) != 1 || got[0] != want {
		t.Errorf("failures:\n%s\nexpected:\n%s", strings.Join(got, "\n"), want)
	}
}

// TestBadYAML: every mistake names its line and what to do.
func TestBadYAML(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "bad.yaml:1: the file is empty",
		"tests: [\n":                            "bad.yaml:",
		"test: []\n":                            `bad.yaml:1: unknown key "test"`,
		"tests:\n  - nam: x\n":                  `bad.yaml:2: unknown key "nam"; a test may have name, time`,
		"tests:\n  - events:\n      - log: x\n": "bad.yaml:2: the test has no name",
		"tests:\n  - name: a\n    events:\n    - log: x":                                `no event of the test has an "expect"`,
		"tests:\n  - {name: a, events: [{log: x, json: {}, expect: {rule: 1}}]}":        "exactly one of log, json and cloudtrail; this one has 2",
		"tests:\n  - {name: a, events: [{log: x, after: 1y, expect: {rule: 1}}]}":       "no span of time",
		"tests:\n  - {name: a, events: [{log: x, repeat: 2000000, expect: {rule: 1}}]}": "no number from 1 to 1000000",
		"tests:\n  - {name: a, events: [{log: x, expect: {rule: x}}]}":                  "no number from 1 to 999999",
		"tests:\n  - {name: a, agent: 'a b', events: [{log: x, expect: {rule: 1}}]}":    "an id has 1 to 64",
		"tests:\n  - {name: a, time: now, events: [{log: x, expect: {rule: 1}}]}":       "no point in time",
		"tests:\n  - {name: a, events: [{json: &a {b: [*a]}, expect: {rule: 1}}]}":      "bad.yaml:2: json: it is nested deeper",
		"tests: []\n---\ntests: []\n":                                                   "second document",
		"tests:\n  - &t {name: a, events: [{log: x, expect: {rule: 1}}]}\n  - *t\n":     "has the name of the test in line 2",
		"tests:\n  - {name: a, events: [{log: x, expect: {fields: {a: {b: c}}}}]}":      "write the name with dots",
	} {
		_, err := rulestest.Run(ruleset(t), "bad.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q:\n%v\nexpected %q", text, err, want)
		}
	}
}
