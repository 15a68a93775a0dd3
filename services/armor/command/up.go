package command

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"armor/internal/daemon"
	"armor/manager/pipeline"
	armorv1 "armor/proto/armor/v1"
	"armor/rules"
	"armor/services/armor/allinone"
	"armor/services/armor/datadir"
	"armor/services/armor/sample"
	"armor/services/armor/terminal"
)

// defaultMemory is the soft limit of memory, which `armor bench` has too when it measures what `armor up` runs.
const defaultMemory = 256 << 20

type upOptions struct {
	rules      rulesetFlags
	data       string
	durability string
	retention  string
	logLevel   string
	memory     string
	sample     bool
	quiet      bool
	config     allinone.Config
}

func newUp() *cobra.Command {
	var o upOptions
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Run everything in this process: read, detect, store, show",
		Long: `Starts agent, manager, indexer, the queue between them and a web console in one process, and prints the console's address and a
line per alert. Everything it keeps is in the data directory; it goes on where it was, so nothing is read or reported twice.
Ctrl-C ends it in order; pressed again, at once.

With --exit-when-idle it reads what is there, finishes all of it into the store and ends: with 0, or with 1 when an input was
damaged or an event had to be given up, which it names.`,
		Example: `  armor up --sample                                      try it: two days of sample records
  armor up --cloudtrail ./AWSLogs                        a folder of CloudTrail files, watched for new ones
  armor up --cloudtrail s3://example-cloudtrail          a bucket; AWS_PROFILE or AWS_REGION say how to reach it
  armor up --logfile '/var/log/auth.log' --logfile '/var/log/nginx/*.log'
  armor up --cloudtrail ./AWSLogs --exit-when-idle 2s    read what is there, then end
  armor up --elasticsearch http://127.0.0.1:9200         keep the alerts in Elasticsearch`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.data, "data", "./"+datadir.Default, "`directory` for everything that is kept; made if missing")
	flags.StringVar(&o.config.Listen, "listen", "127.0.0.1:7480", "`address` of the web console; port 0 takes a free one")
	flags.StringVar(&o.config.GRPCListen, "grpc-listen", "127.0.0.1:0", "`address` of every gRPC service")
	flags.StringVar(&o.config.NATSListen, "nats-listen", "", "`address` for other processes to reach the queue; it has no log-in (default: none)")
	flags.StringVar(&o.config.DebugListen, "debug-listen", "", "`address` of metrics and profiles (default: none)")
	flags.StringArrayVar(&o.config.CloudTrail, "cloudtrail", nil, "read this `folder` of CloudTrail files, s3://BUCKET/PREFIX, or the queue at this URL (repeatable)")
	flags.StringArrayVar(&o.config.Logfiles, "logfile", nil, "read and follow the log files that match this `glob` (repeatable)")
	flags.BoolVar(&o.sample, "sample", false, "read the sample CloudTrail records that come with the program")
	flags.StringArrayVar(&o.config.Elasticsearch.URLs, "elasticsearch", nil, "keep the alerts in Elasticsearch at this `URL` (repeatable: nodes of one cluster)")
	flags.StringVar(&o.config.Elasticsearch.User, "elasticsearch-user", "", "`user` to log in as there")
	flags.StringVar(&o.config.Elasticsearch.PasswordFile, "elasticsearch-password-file", "", "`file` of the user's password")
	flags.StringVar(&o.config.Elasticsearch.APIKeyFile, "elasticsearch-api-key-file", "", "`file` of an API key, instead of user and password")
	flags.StringVar(&o.config.Elasticsearch.CA, "elasticsearch-ca", "", "`file` of the authority that its certificate is checked against")
	flags.DurationVar(&o.config.ExitWhenIdle, "exit-when-idle", 0, "read what is there, and end when all is finished and nothing came for this `time`, such as 2s")
	flags.StringVar(&o.durability, "durability", "fast", "what an acknowledged write survives: fast (the end of the process), or fsync (a power cut too; slower)")
	flags.StringVar(&o.config.Pipeline.WindowTime, "window-time", pipeline.Arrival, "what correlation windows go by: arrival, or event (the events' own times, for records of the past)")
	flags.DurationVar(&o.config.Pipeline.Lateness, "lateness", 0, "with --window-time event: how long each event waits for older ones (default 5s)")
	flags.StringVar(&o.retention, "retention", "", "delete alerts of events older than this `time`, such as 90d (default: keep all)")
	flags.BoolVarP(&o.quiet, "quiet", "Q", false, "no line per alert")
	flags.StringVar(&o.logLevel, "log-level", "warn", "how much the parts say on standard error: debug, info, warn or error")
	flags.StringVar(&o.memory, "memory-limit", fmt.Sprintf("%dMiB", defaultMemory>>20), "soft limit of memory: from this `size` on it collects garbage more often; off, or GOMEMLIMIT in the environment, overrides it")
	o.rules.register(flags)
	return cmd
}

func (o *upOptions) run(cmd *cobra.Command) error {
	cfg := o.config
	cfg.Ruleset, cfg.Version = o.rules.Config, daemon.Version()
	switch o.durability {
	case "fast":
	case "fsync":
		cfg.Sync = true
	default:
		return usagef("--durability %q: write fast or fsync", o.durability)
	}
	if o.retention != "" {
		if err := cfg.Retention.UnmarshalText([]byte(o.retention)); err != nil {
			return usagef("--retention: %w", err)
		}
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.logLevel)); err != nil {
		return usagef("--log-level %q: write debug, info, warn or error", o.logLevel)
	}
	limit, err := daemon.ParseSize(o.memory)
	if err != nil {
		return usagef("--memory-limit: %w", err)
	}
	if err := cfg.Validate(); err != nil {
		return usage(err)
	}
	daemon.LimitMemory(limit)
	daemon.CollectAfter(daemon.EngineGarbage)
	if cfg.Dir, err = datadir.Open(o.data); err != nil {
		return usage(err)
	}
	if o.sample {
		if err := sample.WriteCloudTrail(cfg.Dir.Sample()); err != nil {
			return err
		}
		cfg.CloudTrail = append(slices.Clone(cfg.CloudTrail), cfg.Dir.Sample())
	}
	log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
	p := terminal.New(cmd.OutOrStdout())
	summary, err := allinone.Run(cmd.Context(), cfg, o.events(cmd, p, cfg), log)
	if err != nil {
		return classify(err)
	}
	if clean := printSummary(cmd, p, summary); !clean && cfg.ExitWhenIdle > 0 {
		return errFailed
	}
	return nil
}

// classify makes what the caller can mend a usage error.
func classify(err error) error {
	var load *rules.LoadError
	var address *allinone.AddressError
	var inUse *datadir.InUseError
	var store *allinone.StoreError
	if errors.As(err, &load) || errors.As(err, &address) || errors.As(err, &inUse) || errors.As(err, &store) {
		return usage(err)
	}
	return err
}

// events prints what a run tells.
func (o *upOptions) events(cmd *cobra.Command, p *terminal.Printer, cfg allinone.Config) allinone.Events {
	events := allinone.Events{
		Started: func(s allinone.Started) {
			p.Line("%s  %s", p.Bold("Armor "+s.Endpoints.Version), p.Dim(s.Ruleset))
			p.Line("  console   %s", p.Bold(s.ConsoleURL))
			p.Line("  gRPC      %s", s.Endpoints.GRPC)
			p.Line("  data      %s", cfg.Dir.Path())
			p.Line("  alerts    %s", s.Store)
			for _, input := range slices.Concat(cfg.CloudTrail, cfg.Logfiles) {
				p.Line("  reading   %s", terminal.Clean(input, 0))
			}
			if len(cfg.CloudTrail)+len(cfg.Logfiles) == 0 {
				p.Line("  reading   nothing: name inputs with --cloudtrail, --logfile or --sample")
			}
			if s.Warnings > 0 {
				p.Line("  warnings  %d in the ruleset: `armor rules lint` shows them", s.Warnings)
			}
			p.Line("")
		},
		Missed: func(n uint64) {
			terminal.New(cmd.ErrOrStderr()).Line("armor: %d alerts came faster than they could be printed; the store has them", n)
		},
	}
	if !o.quiet {
		events.Alert = func(a *armorv1.Alert) { p.Alert(a) }
	}
	if cfg.ExitWhenIdle == 0 {
		events.Idle = func(s allinone.Summary) {
			p.Line("%s", p.Dim(fmt.Sprintf("-- read %d events, %d alerts; waiting for more, Ctrl-C ends", s.Read, s.Alerts)))
		}
	}
	return events
}

// printSummary says what was done, and what was not.
func printSummary(cmd *cobra.Command, p *terminal.Printer, s allinone.Summary) (clean bool) {
	p.Line("%s", p.Dim(fmt.Sprintf("-- done: read %d events, %d alerts, %d new in the store", s.Read, s.Alerts, s.Indexed)))
	problems := terminal.New(cmd.ErrOrStderr())
	for _, input := range s.Damaged {
		problems.Line("armor: not read whole: %s", terminal.Clean(strings.TrimSpace(input), 0))
	}
	if s.DeadLetters > 0 {
		problems.Line("armor: %d events or alerts were given up and are kept as dead letters: while `armor up` runs, `armor alerts dead-letters list` shows them", s.DeadLetters)
	}
	for _, equation := range s.Unbalanced {
		problems.Line("armor: an error in Armor: the counters of the %s", equation)
	}
	return s.Clean()
}
