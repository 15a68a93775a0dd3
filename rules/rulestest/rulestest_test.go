package rulestest_test

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"armor/rules"
	"armor/rules/rulestest"
)

func ruleset(t testing.TB) *rules.Ruleset {
	t.Helper()
	rs, err := rules.Load(rules.Options{}, rules.Source{FS: fstest.MapFS{
		"decoders/d.xml": {Data: []byte(`<decoder name="app"><program_name>^app$</program_name></decoder><decoder name="js"><prematch>^{</prematch><plugin_decoder>JSON_Decoder</plugin_decoder></decoder>`)},
		"rules/r.xml": {Data: []byte(`<group name="g,"><rule id="100" level="3"><match>x</match><description>d</description></rule>
<rule id="101" level="7" frequency="3" timeframe="60"><if_matched_sid>100</if_matched_sid><description>d</description></rule></group>`)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

func TestRun(t *testing.T) {
	report, err := rulestest.Run(ruleset(t), "my.ini", []byte("\ufeff; comment\r\n"+`[one line]
LOG 1 Pass = Nov 23 09:00:01 h app: x = y ; not a comment
log 2 fail: nothing here
log 3 pass = no such thing
rule = 100
alert = 3
decoder = app
stray line
[several lines]
log 1 pass = Nov 23 09:00:01 h app: x
log 1 pass =
log 1 pass = Nov 23 09:00:01 h app: x
log 1 pass = Nov 23 09:00:01 h app: x
log 2 pass = Nov 23 09:00:01 h app: x
rule = 101
alert = 7
decoder = app
[empty expectation]
log 1 fail = Nov 23 09:00:01 h app: x
rule =
alert =
decoder =
[same]
rule = 100
alert = 3
decoder = app
[same]
log 1 pass = Nov 23 09:00:01 h app: x
`))
	if err != nil {
		t.Fatal(err)
	}
	if report.Passed != 5 || report.Failed != 2 {
		t.Errorf("%d passed, %d failed; expected 5 and 2", report.Passed, report.Failed)
	}
	want := []rulestest.Failure{
		{File: "my.ini", Test: "one line", Event: "log 3 pass", Line: 5, Log: "no such thing",
			Expected: "rule 100, level 3, decoder app", Got: "no rule, no decoder"},
		{File: "my.ini", Test: "several lines", Event: "log 2 pass", Line: 15, Log: "Nov 23 09:00:01 h app: x",
			Expected: "rule 101, level 7, decoder app", Got: "rule 100, level 3, decoder app"},
	}
	if d := cmp.Diff(want, report.Failures()); d != "" {
		t.Errorf("failures (-want +got):\n%s", d)
	}
	if d := cmp.Diff(rulestest.Seen{Rules: map[int]int{100: 5, 101: 1}, Decoders: map[string]int{"app": 6}}, report.Seen); d != "" {
		t.Errorf("seen in passed tests (-want +got):\n%s", d)
	}
}

func TestBadFiles(t *testing.T) {
	for text, want := range map[string]string{
		"rule = 1\n":               "bad.ini:1:",
		"\n[open\n":                "bad.ini:2:",
		"[a]\nlog 1 pass = \xff\n": "not UTF-8",
	} {
		if _, err := rulestest.Run(ruleset(t), "bad.ini", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, expected %q", text, err, want)
		}
	}
}

// TestSectionsOfOneName: they complete each other, unless both state the same part of an expectation.
func TestSectionsOfOneName(t *testing.T) {
	const x = "log 1 pass = Nov 23 09:00:01 h app: x\n"
	const want = "rule: 100\nALERT = 3\ndecoder = app\n"
	for text, passed := range map[string]int{
		"[a]\n" + x + "[b]\n" + x + want + "[a]\n" + want:                             2,
		"[a]\n" + x + x + "[a]\n" + x + "rule = 101\nalert = 7\ndecoder = app\n":      1, // one session of three lines
		"[a]\n" + x + want + "[a]\nrule = 101\nlog 1 fail = Nov 23 09:00:01 h app: x": 2,
		"[a]\n" + x + want + "rule = 101\n":                                           0, // two rules: none is both
		"[a]\n[stray = line\n" + x + want:                                             1,
	} {
		report, err := rulestest.Run(ruleset(t), "s.ini", []byte(text))
		if err != nil || report.Passed != passed {
			t.Errorf("%q: %d passed, expected %d: %v %v", text, report.Passed, passed, report.Failures(), err)
		}
	}
}

func FuzzRun(f *testing.F) {
	rs := ruleset(f)
	f.Add(false, "[a]\nlog 1 pass = Nov 23 09:00:01 h app: x\nrule = 100\n")
	f.Add(true, sessions)
	f.Add(true, "tests: [{name: a, events: [{json: &a {b: [*a]}, expect: {rule: none}}]}]")
	f.Fuzz(func(t *testing.T, yaml bool, text string) {
		name := "f.ini"
		if yaml {
			name = "f.yaml"
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second) // a file may ask for a million events
		defer cancel()
		report, err := rulestest.Runner{Ruleset: rs}.Run(ctx, name, []byte(text))
		if err != nil {
			return
		}
		failed := 0
		for _, r := range report.Results {
			if len(r.Failures) > 0 {
				failed++
			}
		}
		if report.Failed != failed || report.Passed+report.Failed != len(report.Results) {
			t.Errorf("%d passed and %d failed of %d results", report.Passed, report.Failed, len(report.Results))
		}
	})
}
