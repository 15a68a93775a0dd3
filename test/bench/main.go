// Command bench measures Armor and prints what it found as one table: the engine by itself, and the programs end to end. `make
// bench` runs it; docs/performance.md explains the figures. It needs Linux, whose /proc says what programs use.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"armor/rules/selection"
	"armor/test/bench/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	default:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// Parts of a run, in order.
const (
	partEngine    = "engine"
	partSustained = "sustained"
	partSteady    = "steady"
	partStreams   = "streams"
	partBucket    = "bucket"
	partRules     = "rules"
)

func parts() []string {
	return []string{partEngine, partSustained, partSteady, partBucket, partStreams, partRules}
}

// options of a run.
type options struct {
	programs  string
	runs      int
	plainRuns int // of them, without the engine's shortcuts
	only      []string
	lines     int // of a corpus
	events    uint64
	records   int // in a bucket
	rate      uint64
	span      time.Duration
	idle      time.Duration
	ruleset   selection.Config // of the manager
	profiles  string
}

func run(ctx context.Context, args []string, out, progress io.Writer) error {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(progress)
	flags.StringVar(&o.programs, "programs", "bin", "folder of armor, armor-agent and armor-manager")
	flags.IntVar(&o.runs, "runs", 5, "measure everything this often, and take the medians")
	only := flags.String("only", strings.Join(parts(), ","), "what to measure")
	flags.IntVar(&o.lines, "lines", 200_000, "lines of each corpus of the engine")
	flags.IntVar(&o.plainRuns, "plain-runs", 1, "runs of the engine without its shortcuts, which take long")
	flags.Uint64Var(&o.events, "events", 2_000_000, "lines from file to alert")
	flags.IntVar(&o.records, "records", 200_000, "CloudTrail records from a bucket to receipt")
	flags.Uint64Var(&o.rate, "rate", 0, "lines a second for the latency; 0: half of what was sustained")
	flags.DurationVar(&o.span, "steady", 10*time.Second, "how long they are written")
	flags.DurationVar(&o.idle, "idle", 20*time.Second, "how long the cost at rest is measured")
	flags.StringVar(&o.ruleset.Directory, "ruleset", "", "ruleset of the manager (default: Armor's own)")
	flags.Func("set-rule-decoder", "make a rule of it ask for another decoder, such as 60000=json (repeatable)", func(value string) error {
		o.ruleset.SetRuleDecoder = append(o.ruleset.SetRuleDecoder, value)
		return nil
	})
	dir := flags.String("report", "", "folder for the results as .json, .txt and .svg; default: none")
	page := flags.String("page", "", "Markdown page to enter the results into; needs -report")
	asJSON := flags.Bool("json", false, "print the results as JSON")
	flags.StringVar(&o.profiles, "profiles", "", "folder for CPU profiles of engine, agent and manager, each taken in a further run")
	if err := flags.Parse(args); err != nil {
		return err
	}
	o.only = strings.Split(*only, ",")
	if err := o.validate(); err != nil {
		return err
	}
	if *page != "" && *dir == "" {
		return errors.New("-page links to the results: name their folder with -report")
	}
	r, err := measure(ctx, o, func(format string, args ...any) {
		fmt.Fprintf(progress, time.Now().Format(time.TimeOnly)+" "+format+"\n", args...)
	})
	if err != nil {
		return err
	}
	if *dir != "" {
		if err := r.Write(*dir); err != nil {
			return err
		}
		fmt.Fprintf(progress, "written to %s/%s.json, .txt and .svg\n", *dir, r.Name())
	}
	if *page != "" {
		if err := r.Enter(*page, *dir); err != nil {
			return err
		}
	}
	return show(out, r, *asJSON)
}

func (o *options) validate() error {
	for _, part := range o.only {
		if !slices.Contains(parts(), part) {
			return fmt.Errorf("-only: %q is none of %s", part, strings.Join(parts(), ", "))
		}
	}
	if o.runs < 1 || o.lines < 10 || o.plainRuns < 1 || o.events < 1000 || o.records < 1 || o.span <= 0 || o.idle <= 0 {
		return errors.New("-runs, -plain-runs, -steady and -idle must be above 0, -lines at least 10, -events at least 1000, -records at least 1")
	}
	return nil
}

func show(out io.Writer, r *report.Report, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	}
	_, err := io.WriteString(out, "\n"+r.Text())
	return err
}
