package rules

import (
	"fmt"
	"strings"

	"armor/rules/internal/problem"
)

// Severity says how bad a Problem is.
type Severity = problem.Severity

const (
	// Warning: something was skipped or ignored, as the reference engines do; the rest works.
	Warning = problem.Warning
	// Error: the reference engines would refuse to start, and so does Load.
	Error = problem.Error
)

// Problem is one finding of the loader: file, line, what it is about, what is wrong and what to do.
type Problem = problem.Problem

// LoadError is the error of Load: everything that is wrong, at once.
type LoadError struct {
	// Problems holds all findings, warnings included, sorted by file and line.
	Problems []Problem
}

// Error gives one finding a line, errors only unless there are none.
func (e *LoadError) Error() string {
	var errs, warns []string
	for _, p := range e.Problems {
		if p.Severity == Error {
			errs = append(errs, p.String())
		} else {
			warns = append(warns, p.String())
		}
	}
	if len(errs) == 0 {
		return fmt.Sprintf("ruleset: %d warnings, refused because strict loading is on:\n%s", len(warns), strings.Join(warns, "\n"))
	}
	return fmt.Sprintf("ruleset: %d errors:\n%s", len(errs), strings.Join(errs, "\n"))
}
