package command

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"armor/agent/cloudtrail"
	"armor/agent/cloudtrail/digest"
	"armor/agent/cloudtrail/layout"
	"armor/services/armor/terminal"
)

type verifyOptions struct {
	aws               awsFlags
	span              spanFlags
	config, agentData string
	accounts, regions []string
	concurrency       int
	json              bool
}

func newCloudtrailVerify() *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:   "verify [TARGET...]",
		Short: "Check log files against CloudTrail's digest files",
		Long: `Reads the digest files that CloudTrail writes each hour (log file validation must be on), and checks that every log file they name is there
and has the SHA-256 that it had when it was delivered, and that no digest is missing between two others. With --agent-data it also says
which of the log files of the last days an agent has not read. The digests' own signatures are not checked: their chain of hashes is.

TARGET is s3://BUCKET, s3://BUCKET/PREFIX (what stands before AWSLogs/), or a folder that mirrors a bucket. Without one, the buckets of
the agent's configuration in --config are checked. Exit code 1: something is missing, changed or unread.`,
		Example: `  armor cloudtrail verify s3://my-trail --since 7d
  armor cloudtrail verify --config /etc/armor/agent.yaml --agent-data /var/lib/armor-agent --since 24h
  armor cloudtrail verify ./mirror --since 2026-11-01 --until 2026-12-01 --json`,
		RunE: o.run,
	}
	o.aws.register(cmd.Flags())
	o.span.register(cmd.Flags(), "digests")
	cmd.Flags().StringVar(&o.config, "config", "", "agent's configuration `file`, whose buckets are checked")
	cmd.Flags().StringVar(&o.agentData, "agent-data", "", "data `directory` of the agent on this machine: say also what it has not read")
	cmd.Flags().StringSliceVar(&o.accounts, "account", nil, "only this `account` (repeatable)")
	cmd.Flags().StringSliceVar(&o.regions, "only-region", nil, "only the events of this `region` (repeatable)")
	cmd.Flags().IntVar(&o.concurrency, "concurrency", 8, "how many files are read at the same time")
	jsonFlag(cmd, &o.json, "one JSON object")
	return cmd
}

// remembered is how far back an agent surely remembers what it has read: its least look-back.
const remembered = 48 * time.Hour

func (o *verifyOptions) run(cmd *cobra.Command, args []string) error {
	ctx := cmd.Context()
	since, until, err := o.span.times()
	if err != nil {
		return err
	}
	if o.concurrency < 1 || o.concurrency > 256 {
		return usagef("--concurrency %d is not 1 to 256", o.concurrency)
	}
	targets, err := o.targets(ctx, args)
	if err != nil {
		return err
	}
	options := digest.Options{Since: since, Until: until, Accounts: o.accounts, Regions: o.regions, Concurrency: o.concurrency}
	if o.agentData != "" {
		history, err := cloudtrail.ReadHistory(o.agentData)
		if err != nil {
			return usagef("--agent-data: %w", err)
		}
		oldest := time.Now().Add(-remembered)
		options.Read = func(bucket, key string) bool {
			k, _ := layout.Parse(key)
			return k.At().Before(oldest) || history.Read(bucket, key)
		}
	}
	progress := newProgressBar(cmd)
	var mu sync.Mutex
	options.Progress = func(done, known int) {
		mu.Lock()
		defer mu.Unlock()
		progress.show(float64(done)/float64(max(known, 1)), fmt.Sprintf("%d of %d log files", done, known))
	}
	var all digest.Report
	for _, t := range targets {
		options.Prefix = t.prefix
		report, err := digest.Verify(ctx, t.Archive, options)
		progress.end()
		if err != nil {
			return fmt.Errorf("%s: %w", t.Place(), err)
		}
		for i := range report.Findings {
			report.Findings[i].Key = t.Place() + report.Findings[i].Key
		}
		all.Digests, all.LogFiles, all.Correct, all.Bytes = all.Digests+report.Digests, all.LogFiles+report.LogFiles, all.Correct+report.Correct, all.Bytes+report.Bytes
		all.Findings = append(all.Findings, report.Findings...)
	}
	if err := o.print(cmd, &all); err != nil {
		return err
	}
	if len(all.Findings) > 0 || all.Digests == 0 {
		return errFailed
	}
	return nil
}

// targets are the archives to check.
func (o *verifyOptions) targets(ctx context.Context, args []string) (list []source, err error) {
	if (len(args) == 0) == (o.config == "") {
		return nil, usagef("name what to check: s3://BUCKET, a folder, or an agent's configuration with --config")
	}
	for _, arg := range args {
		t, err := o.aws.open(ctx, arg)
		if err != nil {
			return nil, err
		}
		if t.prefix != "" && t.prefix[len(t.prefix)-1] != '/' {
			t.prefix += "/"
		}
		list = append(list, t)
	}
	if o.config == "" {
		return list, nil
	}
	sources, err := configured(o.config)
	if err != nil {
		return nil, err
	}
	for i := range sources {
		flags := awsFlags{sources[i].Options}
		t, err := flags.open(ctx, sources[i].Name(cloudtrail.ModeBucket))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%s", o.config), err)
		}
		list = append(list, t)
	}
	return list, nil
}

func (o *verifyOptions) print(cmd *cobra.Command, r *digest.Report) error {
	if o.json {
		if r.Findings == nil {
			r.Findings = []digest.Finding{}
		}
		return writeJSON(cmd.OutOrStdout(), r)
	}
	p := terminal.New(cmd.OutOrStdout())
	if len(r.Findings) > 0 {
		t := terminal.NewTable("wrong", "file", "detail")
		for _, f := range r.Findings {
			t.Row(string(f.Kind), f.Key, f.Detail)
		}
		p.Table(t)
	}
	switch {
	case r.Digests == 0:
		p.Line("no digest file was found in this span: is log file validation on, and is the prefix right?")
	case len(r.Findings) == 0:
		p.Line("complete: %d digests name %d log files; all are there and unchanged", r.Digests, r.LogFiles)
	default:
		p.Line("%d digests name %d log files: %d are correct, %d findings", r.Digests, r.LogFiles, r.Correct, len(r.Findings))
	}
	return nil
}
