// Package rulestest runs rule test files (the Wazuh .ini form) against a ruleset and reports what passed and failed.
package rulestest

import "armor/rules"

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

// Run runs the tests in data (the content of the file called name) against a ruleset.
func Run(rs *rules.Ruleset, name string, data []byte) (Report, error) {
	return Report{}, nil
}
