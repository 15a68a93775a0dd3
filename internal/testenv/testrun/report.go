package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// event is one line of `go test -json` (see `go doc test2json`).
type event struct {
	Action      string
	Package     string
	ImportPath  string // of build events
	Test        string
	Output      string
	Elapsed     float64 // seconds
	FailedBuild string
}

// report gathers the events of a run.
type report struct {
	out      io.Writer
	packages map[string]*packageRun
	builds   map[string]*strings.Builder // output of builds by import path

	passed, skippedTests       int
	failures                   []failure
	skips                      []skip
	okPackages, failedPackages int
	withoutTests               []string
}

type packageRun struct {
	output          map[string]*strings.Builder // by test; "" is the package's own
	running         map[string]bool
	passed, skipped int
	failed          []string
}

type failure struct{ name, output string }

type skip struct{ name, reason string }

func newReport(out io.Writer) *report {
	return &report{out: out, packages: map[string]*packageRun{}, builds: map[string]*strings.Builder{}}
}

const maxEventBytes = 16 << 20

// read takes events until the end of r; lines that are none are shown as they are.
func (r *report) read(events io.Reader) error {
	lines := bufio.NewScanner(events)
	lines.Buffer(make([]byte, 64<<10), maxEventBytes)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(r.out, lines.Text())
			continue
		}
		r.take(&e)
	}
	return lines.Err()
}

func (r *report) take(e *event) {
	if e.Action == "build-output" {
		appendTo(r.builds, e.ImportPath, e.Output)
		return
	}
	if e.Package == "" {
		return
	}
	p := r.packages[e.Package]
	if p == nil {
		p = &packageRun{output: map[string]*strings.Builder{}, running: map[string]bool{}}
		r.packages[e.Package] = p
	}
	switch {
	case e.Action == "output":
		appendTo(p.output, e.Test, e.Output)
	case e.Test == "":
		if e.Action == "pass" || e.Action == "fail" || e.Action == "skip" {
			r.endPackage(p, e)
			delete(r.packages, e.Package)
		}
	default:
		r.endTest(p, e)
	}
}

func appendTo(outputs map[string]*strings.Builder, name, text string) {
	if outputs[name] == nil {
		outputs[name] = &strings.Builder{}
	}
	outputs[name].WriteString(text)
}

func text(outputs map[string]*strings.Builder, name string) string {
	if outputs[name] == nil {
		return ""
	}
	return outputs[name].String()
}

// endTest counts a test or subtest that ended. Output is kept only of what failed.
func (r *report) endTest(p *packageRun, e *event) {
	name := e.Package + " " + e.Test
	switch e.Action {
	case "run":
		p.running[e.Test] = true
		return
	case "pass":
		p.passed++
	case "skip":
		p.skipped++
		r.skips = append(r.skips, skip{name, reason(text(p.output, e.Test))})
	case "fail":
		p.failed = append(p.failed, e.Test)
		r.failures = append(r.failures, failure{name, text(p.output, e.Test)})
	default:
		return
	}
	delete(p.running, e.Test)
	delete(p.output, e.Test)
}

// endPackage counts a package, and says how it went. A package that failed without a failed test counts as a failure, as does a
// test that never ended.
func (r *report) endPackage(p *packageRun, e *event) {
	r.passed += p.passed
	r.skippedTests += p.skipped
	took := time.Duration(e.Elapsed * float64(time.Second)).Round(100 * time.Millisecond)
	if e.Action != "fail" {
		if p.passed+p.skipped == 0 {
			r.withoutTests = append(r.withoutTests, e.Package)
			return
		}
		r.okPackages++
		fmt.Fprintf(r.out, "ok    %-36s %5d passed%s  %s\n", e.Package, p.passed, also(p.skipped, "skipped"), took)
		return
	}
	r.failedPackages++
	cut := make([]string, 0, len(p.running))
	for test := range p.running {
		cut = append(cut, test)
	}
	slices.Sort(cut)
	for _, test := range cut {
		p.failed = append(p.failed, test)
		r.failures = append(r.failures, failure{e.Package + " " + test + " (did not end)", text(p.output, test)})
	}
	if own := text(p.output, "") + text(r.builds, e.FailedBuild); len(p.failed) == 0 || len(cut) > 0 {
		r.failures = append(r.failures, failure{e.Package + " (the package)", own})
		p.failed = append(p.failed, "the package")
	}
	fmt.Fprintf(r.out, "FAIL  %-36s %5d passed, %d failed%s  %s\n", e.Package, p.passed, len(p.failed), also(p.skipped, "skipped"), took)
	for _, test := range p.failed {
		fmt.Fprintf(r.out, "        %s\n", test)
	}
}

func also(n int, what string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %d %s", n, what)
}

// reason is what a skipped test said: the lines of its output that are not the test tool's own.
func reason(output string) string {
	var said []string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- ") {
			continue
		}
		if file, rest, ok := strings.Cut(line, ": "); ok && strings.Contains(file, ".go:") {
			line = rest
		}
		said = append(said, line)
	}
	if len(said) == 0 {
		return "no reason given"
	}
	return said[len(said)-1]
}

func (r *report) failed() bool { return len(r.failures) > 0 || r.failedPackages > 0 }

// finish prints the summary.
func (r *report) finish(took time.Duration) {
	for name, p := range r.packages { // go test itself was cut off
		r.passed += p.passed
		r.skippedTests += p.skipped
		r.failedPackages++
		r.failures = append(r.failures, failure{name + " (did not end)", text(p.output, "")})
	}
	for _, f := range r.failures {
		fmt.Fprintf(r.out, "\n--- failed: %s\n%s", f.name, ended(f.output))
	}
	if len(r.skips) > 0 {
		fmt.Fprintln(r.out, "\nskipped:")
		for _, s := range r.skips {
			fmt.Fprintf(r.out, "  %s: %s\n", s.name, s.reason)
		}
	}
	if len(r.failures) > 0 {
		fmt.Fprintln(r.out, "\nfailed:")
		for _, f := range r.failures {
			fmt.Fprintf(r.out, "  %s\n", f.name)
		}
	}
	fmt.Fprintf(r.out, "\npackages: %d ok, %d failed, %d without tests; %s\n", r.okPackages, r.failedPackages, len(r.withoutTests), took.Round(time.Second))
	fmt.Fprintf(r.out, "%d passed, %d failed, %d skipped\n", r.passed, len(r.failures), r.skippedTests)
}

func ended(s string) string {
	if s == "" || strings.HasSuffix(s, "\n") {
		return s
	}
	return s + "\n"
}
