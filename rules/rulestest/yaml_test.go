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
