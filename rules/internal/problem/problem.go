// Package problem holds what the loader finds wrong in a ruleset: every finding says where it is and what to do.
package problem

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity says how bad a finding is.
type Severity int

const (
	// Warning: something was skipped or ignored; the rest works.
	Warning Severity = iota
	// Error: the ruleset cannot be used as it stands.
	Error
)

// String gives "warning" or "error".
func (s Severity) String() string {
	if s == Error {
		return "error"
	}
	return "warning"
}

// Problem is one finding in a ruleset.
type Problem struct {
	// File, as named within its source.
	File string
	// Line from 1; 0: the whole file.
	Line int
	// Subject is what the finding is about, such as "rule 80301"; empty: the file.
	Subject string
	// Message says what is wrong and what to do.
	Message string
	// Severity says whether loading can go on.
	Severity Severity
}

// String gives "file:line: subject: message".
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	b.WriteString(": ")
	if p.Subject != "" {
		b.WriteString(p.Subject)
		b.WriteString(": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// List collects findings. At most Limit are kept; the rest are counted, so that a hostile file cannot fill the memory.
type List struct {
	all     []Problem
	dropped int
	errors  int
}

// Limit is the number of findings that a List keeps.
const Limit = 10000

// Add adds a finding.
func (l *List) Add(p Problem) {
	if p.Severity == Error {
		l.errors++
	}
	if len(l.all) >= Limit {
		l.dropped++
		return
	}
	l.all = append(l.all, p)
}

// Errors is the number of findings of severity Error.
func (l *List) Errors() int { return l.errors }

// All gives the findings, sorted by file and line; if some were left out, the last one says how many.
func (l *List) All() []Problem {
	out := slices.Clone(l.all)
	slices.SortStableFunc(out, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	if l.dropped > 0 {
		sev := Warning
		if l.errors > 0 {
			sev = Error
		}
		out = append(out, Problem{File: "ruleset", Message: fmt.Sprintf("%d more findings left out; fix those above first", l.dropped), Severity: sev})
	}
	return out
}

// Reporter adds findings about one file to a List.
type Reporter struct {
	List *List
	File string
}

// Errorf adds a finding of severity Error.
func (r *Reporter) Errorf(line int, subject, format string, args ...any) {
	r.List.Add(Problem{File: r.File, Line: line, Subject: subject, Message: fmt.Sprintf(format, args...), Severity: Error})
}

// Warnf adds a finding of severity Warning.
func (r *Reporter) Warnf(line int, subject, format string, args ...any) {
	r.List.Add(Problem{File: r.File, Line: line, Subject: subject, Message: fmt.Sprintf(format, args...), Severity: Warning})
}
