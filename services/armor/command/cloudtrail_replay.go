package command

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"armor/agent/cloudtrail"
	"armor/agent/cloudtrail/archive"
	"armor/agent/cloudtrail/layout"
	"armor/rules"
	"armor/rules/logtest"
	"armor/services/armor/terminal"
)

type replayOptions struct {
	aws    awsFlags
	span   spanFlags
	rules  rulesetFlags
	output string
	limit  int
	json   bool
}

func newCloudtrailReplay() *cobra.Command {
	var o replayOptions
	cmd := &cobra.Command{
		Use:   "replay TARGET...",
		Short: "Run the rules over past CloudTrail records",
		Long: `Reads CloudTrail files and shows which alerts the rules would have made of them: a table of the newest ones, one line for each rule, and
counts. Correlation goes by the time of the records. Nothing is stored; --output writes the alerts to a file.

TARGET is a file, a folder, or s3://BUCKET/PREFIX. A record that is there twice counts once. Exit code 1: a file could not be read whole.`,
		Example: `  armor cloudtrail replay ./AWSLogs
  armor cloudtrail replay s3://my-trail/AWSLogs/123456789012/ --since 7d --ruleset ./my-ruleset
  armor cloudtrail replay ./AWSLogs --json | jq -r .rule.id | sort | uniq -c`,
		Args: cobra.MinimumNArgs(1),
		RunE: o.run,
	}
	o.aws.register(cmd.Flags())
	o.rules.register(cmd.Flags())
	o.span.register(cmd.Flags(), "records")
	cmd.Flags().StringVar(&o.output, "output", "", "write the alerts to this `file`, one JSON object a line")
	cmd.Flags().IntVar(&o.limit, "limit", 20, "how many of the newest alerts the table shows")
	jsonFlag(cmd, &o.json, "the alerts, one JSON object a line, and at the end one with the counts")
	return cmd
}

// replayCounts are what was read and found.
type replayCounts struct {
	Files    int      `json:"files"`
	Ignored  int      `json:"ignored_files"`
	Bytes    int64    `json:"bytes"`
	Records  int      `json:"records"`
	Repeated int      `json:"repeated_records"`
	Outside  int      `json:"records_outside_of_span"`
	Alerts   int      `json:"alerts"`
	Seconds  float64  `json:"seconds"`
	Rate     float64  `json:"records_per_second"`
	Damaged  []string `json:"damaged"`
}

// replayAlert is a row of the table.
type replayAlert struct {
	at                                    time.Time
	level, rule                           int
	description, account, region, who, ip string
}

type ruleCount struct {
	rule        *rules.Rule
	n           int
	first, last time.Time
}

// replay is one run.
type replay struct {
	o            *replayOptions
	since, until time.Time
	engine       *rules.Engine
	x            *rules.Evaluation
	scanner      cloudtrail.Scanner
	seen         recently
	out          []io.Writer
	counts       replayCounts
	rules        map[int]*ruleCount
	newest       []replayAlert
}

type replayFile struct {
	from source
	archive.Entry
}

func (o *replayOptions) run(cmd *cobra.Command, args []string) (err error) {
	ctx := cmd.Context()
	since, until, err := o.span.times()
	if err != nil {
		return err
	}
	rs, err := o.rules.load()
	if err != nil {
		return err
	}
	printProblems(terminal.New(cmd.ErrOrStderr()), rs.Problems())
	engine := rules.NewEngine(rs, rules.EngineOptions{EventTime: true})
	r := &replay{o: o, since: since, until: until, engine: engine, x: engine.NewEvaluation(), rules: map[int]*ruleCount{}, counts: replayCounts{Damaged: []string{}}}
	out := output(cmd)
	if o.json {
		r.out = append(r.out, out)
	}
	if o.output != "" {
		f, err := os.OpenFile(o.output, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
		if err != nil {
			return usagef("--output: %w", err)
		}
		w := bufio.NewWriter(f)
		defer func() { err = errors.Join(err, w.Flush(), f.Close()) }()
		r.out = append(r.out, w)
	}
	files, err := r.find(ctx, args)
	if err != nil {
		return err
	}
	if err := r.all(ctx, files, newProgressBar(cmd)); err != nil {
		return err
	}
	if o.json {
		err = writeJSON(out, map[string]any{"counts": r.counts})
	} else {
		r.print(terminal.Buffered(out, cmd.OutOrStdout()))
	}
	if err := errors.Join(err, out.Flush()); err != nil {
		return err
	}
	if len(r.counts.Damaged) > 0 {
		return errFailed
	}
	return nil
}

// find lists the files of the targets, in order of the times in their names: correlation wants them so.
func (r *replay) find(ctx context.Context, targets []string) (files []replayFile, err error) {
	for _, target := range targets {
		from, err := r.o.aws.open(ctx, target)
		if err != nil {
			return nil, err
		}
		err = from.List(ctx, from.prefix, "", func(e archive.Entry) error {
			k, laid := layout.Parse(e.Key)
			switch {
			case !cloudtrail.IsLog(relative(from.Place(), e.Key)) || from.Bucket() != "" && (!laid || k.Kind != layout.Log):
				r.counts.Ignored++
			case laid && !r.since.IsZero() && k.Day.Add(48*time.Hour).Before(r.since): // delivered a while after the event
			case laid && !r.until.IsZero() && k.Day.After(r.until):
			default:
				files = append(files, replayFile{from, e})
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", target, err)
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no CloudTrail log is there (%d other files)", r.counts.Ignored)
	}
	slices.SortStableFunc(files, func(a, b replayFile) int {
		x, _ := layout.Parse(a.Key)
		y, _ := layout.Parse(b.Key)
		return x.At().Compare(y.At())
	})
	return files, nil
}

// all reads the files.
func (r *replay) all(ctx context.Context, files []replayFile, progress *progressBar) error {
	defer progress.end()
	var total int64
	for i := range files {
		total += files[i].Size
	}
	began := time.Now()
	for i := range files {
		name := files[i].from.Place() + files[i].Key
		if err := r.file(ctx, &files[i]); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if _, ok := errors.AsType[*outputError](err); ok {
				return err
			}
			r.counts.Damaged = append(r.counts.Damaged, name+": "+err.Error())
		}
		r.counts.Files++
		r.counts.Bytes += files[i].Size
		r.counts.Seconds = time.Since(began).Seconds()
		r.counts.Rate = float64(r.counts.Records) / max(r.counts.Seconds, 1e-9)
		progress.show(float64(r.counts.Bytes)/float64(max(total, 1)), fmt.Sprintf("%d records, %.0f/s, %d alerts", r.counts.Records, r.counts.Rate, r.counts.Alerts))
	}
	return nil
}

// outputError says that the alerts cannot be written.
type outputError struct{ error }

func (e *outputError) Unwrap() error { return e.error }

func (r *replay) file(ctx context.Context, f *replayFile) error {
	body, err := f.from.Open(ctx, f.Key)
	if err != nil {
		return err
	}
	defer body.Close()
	rel := relative(f.from.Place(), f.Key)
	location := f.from.Place() + f.Key
	return r.scanner.Scan(body, rel, f.from.Bucket(), func(line cloudtrail.Line) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		switch {
		case !r.since.IsZero() && line.Time.Before(r.since), !r.until.IsZero() && !line.Time.Before(r.until):
			r.counts.Outside++
			return nil
		case r.seen.before(line.Sum):
			r.counts.Repeated++
			return nil
		}
		r.counts.Records++
		return r.evaluate(&rules.Event{Location: location, Log: string(line.Text), Time: line.Time})
	})
}

func (r *replay) evaluate(ev *rules.Event) error {
	r.engine.Decode(ev, r.x)
	v := r.engine.Match(r.x)
	if !v.Alert {
		return nil
	}
	r.counts.Alerts++
	c := r.rules[v.Rule.ID]
	if c == nil {
		c = &ruleCount{rule: v.Rule, first: ev.Time, last: ev.Time}
		r.rules[v.Rule.ID] = c
	}
	c.n++
	if ev.Time.Before(c.first) {
		c.first = ev.Time
	}
	if ev.Time.After(c.last) {
		c.last = ev.Time
	}
	r.keep(ev, v)
	if len(r.out) == 0 {
		return nil
	}
	shown := *v
	shown.SuppressedBy = nil // the alert is that of the rule above it
	line := append(logtest.ResultOf(ev, &shown).JSON(), '\n')
	for _, w := range r.out {
		if _, err := w.Write(line); err != nil {
			return &outputError{err}
		}
	}
	return nil
}

// keep keeps the newest alerts for the table.
func (r *replay) keep(ev *rules.Event, v *rules.Verdict) {
	if r.o.json || r.o.limit <= 0 {
		return
	}
	if len(r.newest) >= 2*r.o.limit {
		r.cut()
		if ev.Time.Before(r.newest[len(r.newest)-1].at) {
			return
		}
	}
	a := replayAlert{at: ev.Time, level: v.Rule.Level, rule: v.Rule.ID, description: v.Description}
	a.account, _ = v.Field("aws.aws_account_id")
	a.region, _ = v.Field("aws.awsRegion")
	a.ip, _ = v.Field("aws.sourceIPAddress")
	for _, name := range []string{"aws.userIdentity.userName", "aws.userIdentity.arn", "aws.userIdentity.invokedBy"} {
		if a.who, _ = v.Field(name); a.who != "" {
			break
		}
	}
	r.newest = append(r.newest, a)
}

func (r *replay) cut() {
	slices.SortStableFunc(r.newest, func(a, b replayAlert) int { return b.at.Compare(a.at) })
	r.newest = r.newest[:min(len(r.newest), r.o.limit)]
}

func (r *replay) print(p *terminal.Printer) {
	if r.cut(); len(r.newest) > 0 {
		t := terminal.NewTable("time", ">level", ">rule", "description", "account", "region", "who", "from")
		for _, a := range r.newest {
			t.Row(a.at.Local().Format(time.DateTime), strconv.Itoa(a.level), strconv.Itoa(a.rule), a.description, a.account, a.region, a.who, a.ip)
		}
		p.Table(t)
		if r.counts.Alerts > len(r.newest) {
			p.Line("%s", p.Dim(fmt.Sprintf("(the newest %d of %d; --limit shows more, --json all)", len(r.newest), r.counts.Alerts)))
		}
		p.Line("")
		list := make([]*ruleCount, 0, len(r.rules))
		for _, c := range r.rules {
			list = append(list, c)
		}
		slices.SortFunc(list, func(a, b *ruleCount) int {
			return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.rule.ID, b.rule.ID))
		})
		t = terminal.NewTable(">alerts", ">level", ">rule", "first", "last", "description")
		for _, c := range list {
			t.Row(strconv.Itoa(c.n), strconv.Itoa(c.rule.Level), strconv.Itoa(c.rule.ID), c.first.Local().Format(time.DateTime), c.last.Local().Format(time.DateTime), c.rule.Description)
		}
		p.Table(t)
		p.Line("")
	}
	for _, line := range r.counts.Damaged {
		p.Line("damaged: %s", terminal.Clean(line, 0))
	}
	c := &r.counts
	p.Line("%d records of %d files in %.1f s (%.0f a second): %d alerts by %d rules", c.Records, c.Files, c.Seconds, c.Rate, c.Alerts, len(r.rules))
	if c.Repeated+c.Outside+c.Ignored > 0 {
		p.Line("left out: %d records that were there already, %d outside of the span, %d other files", c.Repeated, c.Outside, c.Ignored)
	}
}

// recently remembers which records were read, at least the last half million.
type recently struct{ now, older map[[16]byte]struct{} }

const recentRecords = 500_000

func (r *recently) before(sum [32]byte) bool {
	key := [16]byte(sum[:16])
	if _, ok := r.now[key]; ok {
		return true
	}
	if _, ok := r.older[key]; ok {
		return true
	}
	if r.now == nil || len(r.now) >= recentRecords {
		r.older, r.now = r.now, map[[16]byte]struct{}{}
	}
	r.now[key] = struct{}{}
	return false
}
