package command

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"armor/rules/rulestest"
	"armor/services/armor/terminal"
)

type rulesTestOptions struct {
	rules            rulesetFlags
	clock            clockFlag
	asJSON, coverage bool
}

func newRulesTest() *cobra.Command {
	var o rulesTestOptions
	cmd := &cobra.Command{
		Use:   "test FILE|FOLDER...",
		Short: "Run rule test files and count what passed",
		Long: `Runs test files against the ruleset: Armor's YAML form (.yaml, .yml) and Wazuh's .ini form (all others). Of a folder, every .ini,
.yaml and .yml file below it. docs/rules.md shows both forms. Prints each failure with what was expected and what came, and ends
with "N passed, N failed". The tests run at a fixed time, so that they give the same result every day. With --coverage, then counts
the rules and decoders that an event of a passed test ended in. Ends with 1 when a test failed.`,
		Example: `  armor rules test tests/
  armor rules test --ruleset ./ruleset --set-rule-decoder 60000=json tests/*.ini
  armor rules test --coverage --json tests/ | jq '.coverage.rules.untested'`,
		Args: cobra.MinimumNArgs(1),
		RunE: o.run,
	}
	o.rules.register(cmd.Flags())
	cmd.Flags().StringVar(&o.clock.text, "now", "", "`time` of every test's first event, such as 2026-11-23T02:40:00Z (default: the test's own, else 2026-01-05T12:00:00Z)")
	jsonFlag(cmd, &o.asJSON, "one JSON object with all tests")
	cmd.Flags().BoolVar(&o.coverage, "coverage", false, "count the rules and decoders that passed tests reach, and list the others")
	return cmd
}

func (o *rulesTestOptions) run(cmd *cobra.Command, args []string) error {
	now, err := o.clock.now()
	if err != nil {
		return err
	}
	files, err := testFiles(args)
	if err != nil {
		return err
	}
	rs, err := o.rules.load()
	if err != nil {
		return err
	}
	shown := newProgress(cmd.ErrOrStderr())
	defer shown.clear()
	runner := rulestest.Runner{Ruleset: rs, Progress: shown.step}
	if now != nil {
		runner.Now = now()
	}
	p := terminal.New(cmd.OutOrStdout())
	var total rulestest.Report
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return usagef("read the test file: %w", err)
		}
		report, err := runner.Run(cmd.Context(), file, data)
		if err != nil {
			if cmd.Context().Err() != nil {
				return err
			}
			return usage(err)
		}
		total.Add(report)
		if o.asJSON {
			continue
		}
		for _, f := range report.Failures() {
			shown.clear()
			p.Line("%s", terminal.Clean(f.String(), 0))
			p.Line("    %s", p.Dim(terminal.Clean(f.Log, 240)))
		}
	}
	shown.clear()
	var seen *coverage
	if o.coverage {
		seen = measure(rs, total.Seen)
	}
	if o.asJSON {
		if err := json.NewEncoder(cmd.OutOrStdout()).Encode(testDocument(total, seen)); err != nil {
			return err
		}
	} else {
		if seen != nil {
			seen.print(p)
		}
		p.Line("%d passed, %d failed", total.Passed, total.Failed)
	}
	if total.Failed > 0 {
		return errFailed
	}
	return nil
}

// testFiles gives the files that the arguments name, those of a folder in order of their names.
func testFiles(args []string) ([]string, error) {
	var files []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil {
			return nil, usagef("read the test file: %w", err)
		}
		if !info.IsDir() {
			files = append(files, arg)
			continue
		}
		before := len(files)
		err = filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") || d.Name() == "ruleset.yaml" {
				return err
			}
			if rulestest.IsYAML(path) || strings.EqualFold(filepath.Ext(path), ".ini") {
				files = append(files, path)
			}
			return nil
		})
		if err != nil {
			return nil, usagef("read the folder of tests: %w", err)
		}
		if len(files) == before {
			return nil, usagef("%s holds no test file: they end in .yaml, .yml or .ini", arg)
		}
	}
	return files, nil
}

// testView is a test as --json prints it.
type testView struct {
	File     string              `json:"file"`
	Line     int                 `json:"line"`
	Name     string              `json:"name"`
	Passed   bool                `json:"passed"`
	Events   int                 `json:"events"`
	Failures []rulestest.Failure `json:"failures,omitempty"`
}

func testDocument(total rulestest.Report, seen *coverage) any {
	doc := struct {
		Passed   int        `json:"passed"`
		Failed   int        `json:"failed"`
		Tests    []testView `json:"tests"`
		Coverage *coverage  `json:"coverage,omitempty"`
	}{Passed: total.Passed, Failed: total.Failed, Tests: []testView{}, Coverage: seen}
	for _, r := range total.Results {
		doc.Tests = append(doc.Tests, testView{r.File, r.Line, r.Name, len(r.Failures) == 0, r.Events, r.Failures})
	}
	return doc
}

// progress counts tests on a terminal, once the run takes long.
type progress struct {
	out   io.Writer // nil: no terminal
	next  time.Time
	tests int
	dirty bool
}

// progressEvery is how often the count is shown, and after which time first.
const progressEvery = time.Second

func newProgress(out io.Writer) *progress {
	p := &progress{next: time.Now().Add(progressEvery)}
	if isTerminal(out) {
		p.out = out
	}
	return p
}

func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

func (p *progress) step() {
	p.tests++
	if now := time.Now(); p.out != nil && now.After(p.next) {
		p.next, p.dirty = now.Add(progressEvery), true
		fmt.Fprintf(p.out, "\r%d tests ...", p.tests)
	}
}

// clear takes the count off the line.
func (p *progress) clear() {
	if p.dirty {
		p.dirty = false
		fmt.Fprintf(p.out, "\r%s\r", strings.Repeat(" ", 40))
	}
}
