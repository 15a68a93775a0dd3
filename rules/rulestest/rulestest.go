// Package rulestest runs rule test files, Wazuh's .ini form and Armor's YAML form, against a ruleset and reports what
// passed, what failed and which rules were seen.
package rulestest

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"armor/rules"
)

// Failure is an event that did not end as its test expects.
type Failure struct {
	// File and Line, from 1, of the event.
	File string `json:"file"`
	Line int    `json:"line"`
	// Test is the test's name (.ini: the section's).
	Test string `json:"test"`
	// Event names the event in its test: "event 3", "event 3, time 7" where it is repeated, or the key of an .ini file.
	Event string `json:"event"`
	// Log is the event's line.
	Log string `json:"log"`
	// Expected and Got are shown as "rule 5712, level 10, decoder sshd"; in YAML tests only what differs.
	Expected string `json:"expected"`
	Got      string `json:"got"`
}

// String is "file:line: [test] event: expected ..., got ...".
func (f Failure) String() string {
	return fmt.Sprintf("%s:%d: [%s] %s: expected %s; got %s", f.File, f.Line, f.Test, f.Event, f.Expected, f.Got)
}

// Result is the outcome of one test.
type Result struct {
	// File, Line and Name of the test. In an .ini file every log key is a test; its name is "section: key".
	File string
	Line int
	Name string
	// Failures in order of the events; none: the test passed.
	Failures []Failure
	// Events that were evaluated.
	Events int
}

// Report is the outcome of test files.
type Report struct {
	// Passed and Failed count tests.
	Passed, Failed int
	// Results of all tests, in order.
	Results []Result
	// Seen is what the events of passed tests ended in.
	Seen Seen
}

// Failures of all tests, in order.
func (r *Report) Failures() []Failure {
	var all []Failure
	for i := range r.Results {
		all = append(all, r.Results[i].Failures...)
	}
	return all
}

// Add adds the outcome of further files.
func (r *Report) Add(other Report) {
	r.Passed += other.Passed
	r.Failed += other.Failed
	r.Results = append(r.Results, other.Results...)
	r.Seen.add(other.Seen)
}

// Start is the clock at the first event of a test that names no time: a Monday at noon, UTC. A fixed clock gives the
// same result on every day.
var Start = time.Date(2026, time.January, 5, 12, 0, 0, 0, time.UTC)

// Runner runs test files.
type Runner struct {
	// Ruleset to test.
	Ruleset *rules.Ruleset
	// Now, if not zero, is the clock at the first event of every test, whatever the test says.
	Now time.Time
	// Progress, if not nil, is called after each test.
	Progress func()
}

// Run runs the tests in data (the content of the file called name) against a ruleset.
func Run(rs *rules.Ruleset, name string, data []byte) (Report, error) {
	return Runner{Ruleset: rs}.Run(context.Background(), name, data)
}

// IsYAML says whether a file holds tests in Armor's form, by its name; all others are .ini files.
func IsYAML(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".yaml", ".yml":
		return true
	default:
		return false
	}
}

// Run runs the tests in data, the content of the file called name. Each test has a session of its own, without
// history. The error is about the file's form, all mistakes at once, or the context's; failed tests are in the report.
func (r Runner) Run(ctx context.Context, name string, data []byte) (Report, error) {
	parse := parseINI
	if IsYAML(name) {
		parse = parseYAML
	}
	cases, err := parse(name, data)
	if err != nil {
		return Report{}, err
	}
	s := newSession(r.Ruleset)
	var report Report
	for i := range cases {
		result, seen, err := s.run(ctx, name, &cases[i], r.Now)
		if err != nil {
			return report, err
		}
		report.Results = append(report.Results, result)
		if len(result.Failures) > 0 {
			report.Failed++
		} else {
			report.Passed++
			report.Seen.add(seen)
		}
		if r.Progress != nil {
			r.Progress()
		}
	}
	return report, nil
}
