package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"armor/internal/testenv"
	"armor/rules/selection"
	"armor/services/armor/bench"
	"armor/test/bench/endtoend"
	"armor/test/bench/engine"
	"armor/test/bench/report"
)

// session is one run of the benchmarks.
type session struct {
	options
	logf   func(format string, args ...any)
	dir    string // for what is written meanwhile
	data   string // shared test data; "": they are not there
	report *report.Report
}

// measure measures what the options ask for. logf tells progress.
func measure(ctx context.Context, o options, logf func(string, ...any)) (r *report.Report, err error) {
	root, err := testenv.FindRoot()
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"armor", "armor-agent", "armor-manager"} {
		if _, err := os.Stat(filepath.Join(o.programs, name)); err != nil {
			return nil, fmt.Errorf("%w: build it with `make build`, or name the folder with -programs", err)
		}
	}
	s := &session{options: o, logf: logf, report: &report.Report{Began: time.Now(), Runs: o.runs, Machine: report.ThisMachine(root)}}
	if s.data, err = testenv.FindData(); err != nil {
		return nil, err
	}
	if s.dir, err = os.MkdirTemp("", "armor-bench-"); err != nil {
		return nil, fmt.Errorf("making a folder for the lines: %w", err)
	}
	defer os.RemoveAll(s.dir)
	if o.profiles != "" {
		if err := os.MkdirAll(o.profiles, 0o755); err != nil {
			return nil, fmt.Errorf("making a folder for the profiles: %w", err)
		}
	}
	if s.data == "" {
		s.report.Left = append(s.report.Left, "the reference's ruleset and test lines ("+testenv.NoData+")")
	}
	if err := s.endToEnd(ctx); err != nil {
		return nil, err
	}
	if err := s.engine(ctx); err != nil {
		return nil, err
	}
	for _, part := range parts() {
		if !slices.Contains(o.only, part) {
			s.report.Left = append(s.report.Left, part+" (not asked for)")
		}
	}
	s.report.TookSeconds = time.Since(s.report.Began).Round(time.Second).Seconds()
	return s.report, nil
}

func (s *session) asked(part string) bool { return slices.Contains(s.only, part) }

// agentCounts are the numbers of streams that the manager is measured with.
var agentCounts = []int{1, 10, 100, 1000}

func (s *session) endToEnd(ctx context.Context) error {
	if !s.asked(partSustained) && !s.asked(partSteady) && !s.asked(partBucket) && !s.asked(partStreams) {
		return nil
	}
	server, err := testenv.NATSServer(ctx, s.logf)
	if err != nil {
		return err
	}
	rs, err := s.ruleset.Load()
	if err != nil {
		return err
	}
	if err := endtoend.CheckLines(rs); err != nil {
		return err
	}
	m := endtoend.Machinery{Programs: s.programs, NATS: server, Ruleset: s.ruleset}
	if s.asked(partSustained) {
		if err := s.sustained(ctx, m); err != nil {
			return err
		}
	}
	if s.asked(partSteady) {
		if err := s.steady(ctx, m); err != nil {
			return err
		}
	}
	if s.asked(partBucket) {
		if err := s.bucket(ctx, m); err != nil {
			return err
		}
	}
	if s.asked(partStreams) {
		return s.streams(ctx, m)
	}
	return nil
}

// bucketShares are how many records come to one that raises an alert: as of the log lines, and a third.
var bucketShares = []int{10, 3}

func (s *session) bucket(ctx context.Context, m endtoend.Machinery) (err error) {
	if m.Python, err = testenv.MotoPython(ctx, s.logf); err != nil {
		s.report.Left = append(s.report.Left, fmt.Sprintf("%s (%v)", partBucket, err))
		return nil
	}
	for _, every := range bucketShares {
		var runs []endtoend.Bucket
		for i := range s.runs {
			r, err := m.Bucket(ctx, s.dir, s.records, every)
			if err != nil {
				return err
			}
			runs = append(runs, r)
			s.logf("bucket to receipt, one record in %d alerting, %d/%d: %.0f records per second; CPU seconds: agent %.1f, manager %.1f, nats-server %.1f, S3 server %.1f",
				every, i+1, s.runs, r.RecordsPerSecond, r.Usage.Agent.CPUSeconds, r.Usage.Manager.CPUSeconds, r.Usage.NATS.CPUSeconds, r.Usage.S3.CPUSeconds)
		}
		s.report.Buckets = append(s.report.Buckets, *middle(runs, func(r endtoend.Bucket) float64 { return r.RecordsPerSecond }))
	}
	if s.profiles == "" {
		return nil
	}
	m.Profiles = s.profiles
	s.logf("bucket to receipt once more, for the profiles in %s", s.profiles)
	_, err = m.Bucket(ctx, s.dir, s.records, bucketShares[0])
	return err
}

func (s *session) sustained(ctx context.Context, m endtoend.Machinery) error {
	var runs []endtoend.Sustained
	for i := range s.runs {
		r, err := m.Sustained(ctx, s.dir, s.events)
		if err != nil {
			return err
		}
		runs = append(runs, r)
		s.logf("log file to alert on NATS, %d/%d: %.0f events per second; CPU seconds: agent %.1f, manager %.1f, nats-server %.1f",
			i+1, s.runs, r.EventsPerSecond, r.Usage.Agent.CPUSeconds, r.Usage.Manager.CPUSeconds, r.Usage.NATS.CPUSeconds)
	}
	s.report.Sustained = middle(runs, func(r endtoend.Sustained) float64 { return r.EventsPerSecond })
	if s.profiles == "" {
		return nil
	}
	m.Profiles = s.profiles
	s.logf("log file to alert on NATS once more, for the profiles in %s", s.profiles)
	_, err := m.Sustained(ctx, s.dir, s.events)
	return err
}

// defaultRate is what the latency is measured at when nothing was sustained: half of the goal.
const defaultRate = 50_000

func (s *session) steady(ctx context.Context, m endtoend.Machinery) error {
	rate := s.rate
	if rate == 0 && s.report.Sustained != nil {
		rate = uint64(s.report.Sustained.EventsPerSecond / 2)
	}
	if rate == 0 {
		rate = defaultRate
	}
	var runs []endtoend.Steady
	for i := range s.runs {
		idle := time.Duration(0)
		if i == s.runs-1 {
			idle = s.idle
		}
		r, err := m.Steady(ctx, s.dir, rate, s.span, idle)
		if err != nil {
			return err
		}
		runs = append(runs, r)
		s.logf("line written to alert on NATS at %d lines a second, %d/%d: half within %.1f ms, 99 %% within %.1f ms, the slowest %.1f ms",
			rate, i+1, s.runs, r.Latency.P50, r.Latency.P99, r.Latency.Max)
	}
	idle := runs[len(runs)-1].Idle
	s.logf("at rest: agent %.2f %%, manager %.2f %%, nats-server %.2f %% of one CPU", idle.Agent*100, idle.Manager*100, idle.NATS*100)
	s.report.Steady = middle(runs, func(r endtoend.Steady) float64 { return r.Latency.P99 })
	s.report.Steady.Idle = idle
	return nil
}

func (s *session) streams(ctx context.Context, m endtoend.Machinery) error {
	for _, n := range agentCounts {
		var runs []endtoend.Streams
		for i := range s.runs {
			r, err := m.Streams(ctx, s.dir, n, s.events/4)
			if err != nil {
				return err
			}
			runs = append(runs, r)
			s.logf("%d streams, %d/%d: %.0f events per CPU second of the manager, %.0f per second", n, i+1, s.runs, r.ManagerEventsPerCPU, r.EventsPerSecond)
		}
		s.report.Streams = append(s.report.Streams, *middle(runs, func(r endtoend.Streams) float64 { return r.ManagerEventsPerCPU }))
	}
	return nil
}

// middle is the run whose figure is the median.
func middle[T any](runs []T, figure func(T) float64) *T {
	sorted := slices.Clone(runs)
	slices.SortFunc(sorted, func(a, b T) int { return cmp.Compare(figure(a), figure(b)) })
	return &sorted[len(sorted)/2]
}

// subject is a corpus with the ruleset that it is measured with.
type subject struct {
	name    string // of the ruleset
	ruleset selection.Config
	corpus  engine.Corpus
}

func (s *session) engine(ctx context.Context) error {
	if !s.asked(partEngine) && !s.asked(partRules) {
		return nil
	}
	subjects, err := s.subjects(ctx)
	if err != nil {
		return err
	}
	armor := engine.Program(filepath.Join(s.programs, "armor"))
	if s.asked(partEngine) {
		for _, subject := range subjects {
			if err := s.corpus(ctx, armor, subject); err != nil {
				return err
			}
		}
	}
	if s.asked(partRules) {
		return s.growth(ctx, armor, subjects[len(subjects)-1])
	}
	return nil
}

// subjects makes the corpora. The last one is also for the cost as rules grow.
func (s *session) subjects(ctx context.Context) ([]subject, error) {
	trail, err := engine.CloudTrail(s.dir, s.lines)
	if err != nil {
		return nil, err
	}
	syslog, err := engine.Syslog(ctx, s.dir, s.data, s.lines)
	if err != nil {
		return nil, err
	}
	subjects := []subject{{name: "own", corpus: trail}}
	if s.data == "" {
		subjects = append(subjects, subject{name: "own", corpus: syslog})
	} else {
		ini, mixed, err := engine.Reference(s.dir, s.data, syslog, s.lines)
		if err != nil {
			return nil, err
		}
		// What the reference's tests of Windows events assume.
		reference := selection.Config{Directory: filepath.Join(s.data, "wazuh-ruleset"), SetRuleDecoder: []string{"60000=json"}}
		for _, corpus := range []engine.Corpus{syslog, ini, mixed} {
			subjects = append(subjects, subject{name: "reference", ruleset: reference, corpus: corpus})
		}
	}
	return subjects, nil
}

// corpus measures every mode in turn, so that what changes on the machine meanwhile touches all of them.
func (s *session) corpus(ctx context.Context, armor engine.Program, of subject) error {
	modes := []engine.Mode{{Workers: 1}, {Workers: 1, Plain: true}, {Workers: 1, Documents: true}, {Workers: 2}}
	results := make([][]bench.EngineResult, len(modes))
	for i := range s.runs {
		for j, mode := range modes {
			if mode.Plain && i >= s.plainRuns {
				continue
			}
			r, err := armor.Run(ctx, of.ruleset, of.corpus, mode)
			if err != nil {
				return err
			}
			results[j] = append(results[j], r)
			if first := results[0][0]; mode.Workers == 1 && r.Alerts != first.Alerts {
				return fmt.Errorf("the engine raised %d alerts on the corpus %s, and in another run %d", r.Alerts, of.corpus.Name, first.Alerts)
			}
		}
		last := func(j int) float64 { return results[j][len(results[j])-1].EventsPerCPU }
		s.logf("engine, corpus %s, %d/%d: events per CPU second %.0f, plain %.0f, with documents %.0f; two workers %.0f per second",
			of.corpus.Name, i+1, s.runs, last(0), last(1), last(2), results[3][i].EventsPerSecond)
	}
	if s.profiles != "" {
		s.logf("engine, corpus %s once more, for the profile in %s", of.corpus.Name, s.profiles)
		mode := engine.Mode{Workers: 1, Documents: true, Profile: filepath.Join(s.profiles, "engine-"+of.corpus.Name+".pprof")}
		if _, err := armor.Run(ctx, of.ruleset, of.corpus, mode); err != nil {
			return err
		}
	}
	e := report.Engine{Corpus: of.corpus.Name, About: of.corpus.About, Lines: of.corpus.Lines, MedianBytes: of.corpus.MedianBytes, Ruleset: of.name}
	for j, mode := range modes {
		e.Modes = append(e.Modes, report.Mode{Mode: mode, Result: engine.Median(results[j])})
	}
	s.report.Engine = append(s.report.Engine, e)
	return nil
}

// ruleCounts are the sizes of ruleset that the engine is measured with.
var ruleCounts = []int{1000, 2000, 3000, 4500}

// growth measures parts of the reference's ruleset or, where that is not there, Armor's own with copies of its rules.
func (s *session) growth(ctx context.Context, armor engine.Program, of subject) error {
	grown, err := engine.Copies(s.dir, ruleCounts)
	if of.ruleset.Directory != "" {
		grown, err = engine.Subsets(of.ruleset, ruleCounts)
	}
	if err != nil {
		return err
	}
	results := make([][]bench.EngineResult, len(grown))
	for i := range s.runs {
		for j, g := range grown {
			r, err := armor.Run(ctx, g.Config, of.corpus, engine.Mode{Workers: 1})
			if err != nil {
				return err
			}
			results[j] = append(results[j], r)
			s.logf("engine with %d rules, corpus %s, %d/%d: %.0f events per CPU second", g.Rules, of.corpus.Name, i+1, s.runs, r.EventsPerCPU)
		}
	}
	for j, g := range grown {
		s.report.Growth = append(s.report.Growth, report.Growth{Rules: g.Rules, Corpus: of.corpus.Name, Result: engine.Median(results[j])})
	}
	return nil
}
