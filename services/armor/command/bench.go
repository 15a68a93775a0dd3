package command

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"runtime/pprof"
	"time"
	"unsafe"

	"github.com/spf13/cobra"

	"armor/indexer/document"
	"armor/internal/daemon"
	"armor/manager/pipeline"
	armorv1 "armor/proto/armor/v1"
	"armor/rules"
	"armor/services/armor/allinone"
	"armor/services/armor/bench"
	"armor/services/armor/sample"
	"armor/services/armor/terminal"
)

type benchOptions struct {
	rules      rulesetFlags
	input      string
	cloudtrail string
	sample     int
	workers    int
	sink       string
	runs       int
	plain      bool
	json       bool
	profile    string
}

func newBench() *cobra.Command {
	var o benchOptions
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure how many events this machine can handle",
		Long: `With --input, reads a file of events and evaluates every line: what the engine does in a second of CPU. Seconds and allocations
are those of reading and evaluating; the peak of memory is that of the whole process, loading the ruleset included.
With --cloudtrail or --sample, runs CloudTrail records through everything that "armor up" runs, from the folder to the stored alert, in a data
directory of its own. With none of the three, measures both on copies of the sample records.`,
		Example: `  armor bench
  armor bench --input /var/log/auth.log
  armor bench --ruleset ./ruleset --input events.log --workers 2 --sink json
  armor bench --input events.log --runs 5 --workers 1 --json
  armor bench --input events.log --cpuprofile cpu.pprof && go tool pprof -top cpu.pprof
  armor bench --cloudtrail ./AWSLogs
  armor bench --sample 100000`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	flags := cmd.Flags()
	o.rules.register(flags)
	flags.StringVar(&o.input, "input", "", "measure the engine on the lines of this `file`")
	flags.StringVar(&o.cloudtrail, "cloudtrail", "", "measure the whole way on this `folder` of CloudTrail files")
	flags.IntVar(&o.sample, "sample", 0, "measure the whole way on about this `many` records, made of the sample records")
	flags.IntVar(&o.workers, "workers", 0, "goroutines that evaluate (default: one per CPU)")
	flags.StringVar(&o.sink, "sink", "none", "what becomes of alerts: none, or json (the documents are made and thrown away)")
	flags.BoolVar(&o.plain, "plain", false, "evaluate without the engine's shortcuts, for comparison")
	flags.IntVar(&o.runs, "runs", 1, "measure the engine this many `times`, each with an empty memory, and give the medians")
	flags.StringVar(&o.profile, "cpuprofile", "", "write a CPU profile of what is measured to this `file`, for go tool pprof")
	jsonFlag(cmd, &o.json, "as one JSON object")
	cmd.MarkFlagsMutuallyExclusive("input", "cloudtrail", "sample")
	return cmd
}

func (o *benchOptions) run(cmd *cobra.Command) error {
	if o.runs < 1 || o.runs > maxRuns {
		return usagef("--runs is %d; it must be 1 to %d", o.runs, maxRuns)
	}
	if o.workers < 0 || o.sink != "none" && o.sink != "json" {
		return usagef("--workers must not be negative, and --sink is none or json (see `armor bench --help`)")
	}
	switch {
	case o.input != "":
		input, err := openInput(o.input)
		if err != nil {
			return usagef("read the input: %w", err)
		}
		return o.engine(cmd, input)
	case o.cloudtrail != "" || o.sample > 0:
		return o.folder(cmd)
	case o.profile != "":
		return usagef("--cpuprofile is of one measurement: name --input, --cloudtrail or --sample")
	}
	input, err := sample.Events(engineEvents)
	if err != nil {
		return err
	}
	if err := o.engine(cmd, bench.Text(input)); err != nil {
		return err
	}
	if !o.json {
		terminal.New(cmd.OutOrStdout()).Line("")
	}
	o.sample = folderRecords
	return o.folder(cmd)
}

// openInput makes an input of a file. What is no regular file, such as a pipe, is read into memory: it may be measured several
// times.
func openInput(path string) (bench.Input, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	switch info, err := f.Stat(); {
	case err != nil:
		return nil, err
	case info.Mode().IsRegular():
		return func() (io.ReadCloser, error) { return os.Open(path) }, nil
	}
	text, err := io.ReadAll(f)
	return bench.Text(text), err
}

// How much a measurement without an input of its own takes.
const (
	engineEvents  = 50_000
	folderRecords = 100_000
	maxRuns       = 1000
)

func (o *benchOptions) engine(cmd *cobra.Command, input bench.Input) error {
	rs, err := o.rules.load()
	if err != nil {
		return err
	}
	if o.workers == 0 {
		o.workers = runtime.GOMAXPROCS(0)
	}
	end, err := o.startProfile()
	if err != nil {
		return err
	}
	defer end()
	daemon.CollectAfter(daemon.EngineGarbage)
	results := make([]bench.EngineResult, o.runs)
	for i := range results {
		engine := rules.NewEngine(rs, rules.EngineOptions{Plain: o.plain})
		var sink func() bench.Sink
		if o.sink == "json" {
			sink = documents(engine)
		}
		if results[i], err = bench.Engine(engine, input, o.workers, sink); err != nil {
			return usagef("measure the engine: %w", err)
		}
		if err := cmd.Context().Err(); err != nil {
			return err
		}
	}
	r := bench.Median(results)
	if o.json {
		return writeJSON(cmd.OutOrStdout(), r)
	}
	table := terminal.NewTable("Engine", ">")
	if r.Runs > 1 {
		table.Row("runs, of which the medians", fmt.Sprint(r.Runs))
	}
	table.Row("events", fmt.Sprint(r.Events))
	table.Row("alerts", fmt.Sprint(r.Alerts))
	table.Row("workers", fmt.Sprint(r.Workers))
	table.Row("wall seconds", fmt.Sprintf("%.3f", r.WallSeconds))
	table.Row("CPU seconds", fmt.Sprintf("%.3f", r.CPUSeconds))
	table.Row("events per CPU second", fmt.Sprintf("%.0f", r.EventsPerCPU))
	table.Row("events per second", fmt.Sprintf("%.0f", r.EventsPerSecond))
	table.Row("allocations per event", fmt.Sprintf("%.1f", r.AllocsPerEvent))
	table.Row("peak memory, MiB", fmt.Sprintf("%.0f", float64(r.PeakRSSBytes)/(1<<20)))
	terminal.New(cmd.OutOrStdout()).Table(table)
	return nil
}

// startProfile begins the CPU profile that was asked for, if any; the function that it gives ends it.
func (o *benchOptions) startProfile() (end func(), err error) {
	if o.profile == "" {
		return func() {}, nil
	}
	f, err := os.Create(o.profile)
	if err != nil {
		return nil, usagef("write the profile: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, fmt.Errorf("start the profile: %w", errors.Join(err, f.Close()))
	}
	return func() {
		pprof.StopCPUProfile()
		f.Close()
	}, nil
}

// documents makes the alert document of a verdict, as manager and indexer do.
func documents(engine *rules.Engine) func() bench.Sink {
	p := pipeline.New(pipeline.Config{Workers: 1}, pipeline.Deps{ManagerName: "bench"}, slog.New(slog.DiscardHandler))
	p.Use(engine)
	agent := &pipeline.Agent{ID: "000", Name: "bench"}
	return func() bench.Sink {
		preview := p.Preview()
		var ev armorv1.Event // as the manager has it, whose event is also its body
		return func(dst []byte, event *rules.Event, verdict *rules.Verdict) []byte {
			ev.Location, ev.Body = event.Location, unsafe.Slice(unsafe.StringData(event.Log), len(event.Log))
			return document.Append(dst, preview.Alert(agent, "", &ev, verdict), time.Time{})
		}
	}
}

func (o *benchOptions) folder(cmd *cobra.Command) error {
	folder := o.cloudtrail
	if o.sample > 0 {
		made, err := os.MkdirTemp("", "armor-bench-input-")
		if err != nil {
			return fmt.Errorf("make the input: %w", err)
		}
		defer os.RemoveAll(made)
		if err := sample.WriteCopies(made, o.sample); err != nil {
			return err
		}
		folder = made
	}
	daemon.LimitMemory(defaultMemory)
	daemon.CollectAfter(daemon.EngineGarbage)
	log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	end, err := o.startProfile()
	if err != nil {
		return err
	}
	defer end()
	r, err := bench.Folder(cmd.Context(), folder, "", allinone.Config{Ruleset: o.rules.Config}, log)
	if err != nil {
		return classify(err)
	}
	if o.json {
		return writeJSON(cmd.OutOrStdout(), r)
	}
	table := terminal.NewTable("Folder to stored alert", ">")
	table.Row("records", fmt.Sprint(r.Records))
	table.Row("alerts", fmt.Sprint(r.Alerts))
	table.Row("wall seconds", fmt.Sprintf("%.3f", r.WallSeconds))
	table.Row("CPU seconds", fmt.Sprintf("%.3f", r.CPUSeconds))
	table.Row("records per second", fmt.Sprintf("%.0f", r.RecordsPerSecond))
	table.Row("CPU per record, microseconds", fmt.Sprintf("%.1f", r.CPUMicros))
	table.Row("peak memory, MiB", fmt.Sprintf("%.0f", float64(r.PeakRSSBytes)/(1<<20)))
	terminal.New(cmd.OutOrStdout()).Table(table)
	return nil
}
