// Package rulestest runs rule test files (the Wazuh .ini form) against a ruleset and reports what passed and failed.
package rulestest

import (
	"strconv"
	"time"

	"armor/rules"
)

// Failure is a test whose result was not as expected.
type Failure struct {
	// File, Section and Name (the key) of the test.
	File, Section, Name string
	// Line in the file, from 1.
	Line int
	// Log is the last line of the test.
	Log string
	// Expected and Got are shown as "rule 5712, level 10, decoder sshd".
	Expected, Got string
}

// Report is the outcome of test files.
type Report struct {
	// Passed and Failed count tests.
	Passed, Failed int
	// Failures in order.
	Failures []Failure
}

// Runner runs test files.
type Runner struct {
	// Ruleset to test.
	Ruleset *rules.Ruleset
	// Now is the clock of the tests; nil: time.Now.
	Now func() time.Time
}

// Run runs the tests in data (the content of the file called name) against a ruleset.
func Run(rs *rules.Ruleset, name string, data []byte) (Report, error) {
	return Runner{Ruleset: rs}.Run(name, data)
}

// location of every line, as in the reference's tests.
const location = "stdin"

// Run runs the tests in data, the content of the file called name. Each test has a session of its own, without
// history. The error is about the file's form; failed tests are in the report.
func (r Runner) Run(name string, data []byte) (Report, error) {
	sections, err := parse(name, data)
	if err != nil {
		return Report{}, err
	}
	state := rules.NewMemoryState(rules.StateLimits{})
	engine := rules.NewEngine(r.Ruleset, rules.EngineOptions{State: state, Now: r.Now})
	x := engine.NewEvaluation()
	var report Report
	for _, s := range sections {
		want := triple{s.rule, s.alert, s.decoder}
		for _, t := range s.tests {
			state.Reset()
			var got triple
			last := ""
			for _, log := range t.logs {
				if log == "" {
					continue
				}
				last = log
				ev := rules.Event{Location: location, Log: log}
				engine.Decode(&ev, x)
				got = tripleOf(engine.Match(x))
			}
			ok := got == want
			expected := want.String()
			if t.negate {
				ok = !ok || want.rule == "" || want.level == "" || want.decoder == ""
				expected = "anything but " + expected
			}
			if ok {
				report.Passed++
				continue
			}
			report.Failed++
			report.Failures = append(report.Failures, Failure{
				File: name, Section: s.name, Name: t.name, Line: t.line, Log: last, Expected: expected, Got: got.String(),
			})
		}
	}
	return report, nil
}

// triple is what a test compares. All are empty where nothing matched.
type triple struct{ rule, level, decoder string }

func tripleOf(v *rules.Verdict) triple {
	rule := v.Rule
	if v.SuppressedBy != nil {
		rule = v.SuppressedBy
	}
	t := triple{decoder: v.Decoder}
	if rule != nil {
		t.rule, t.level = strconv.Itoa(rule.ID), strconv.Itoa(rule.Level)
	}
	return t
}

func (t triple) String() string {
	s := "no rule"
	if t.rule != "" {
		s = "rule " + t.rule + ", level " + t.level
	}
	if t.decoder == "" {
		return s + ", no decoder"
	}
	return s + ", decoder " + t.decoder
}
