package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"armor/agent"
	"armor/agent/cloudtrail"
	"armor/agent/cloudtrail/access"
	"armor/agent/cloudtrail/archive"
	"armor/internal/daemon"
)

func newCloudtrail() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cloudtrail",
		Short: "Check CloudTrail's files, and try rules on them",
		Long: `Works on CloudTrail's files where they are: a bucket, or a folder that mirrors one. Nothing is changed there, and nothing is stored.

  armor cloudtrail verify   checks the files against CloudTrail's digest files: is one missing, or changed?
  armor cloudtrail replay   runs the rules over past records`,
		Example: `  armor cloudtrail verify s3://my-trail --since 7d
  armor cloudtrail replay s3://my-trail/AWSLogs/123456789012/CloudTrail/eu-central-1/2026/11/ --ruleset ./my-ruleset`,
	}
	cmd.AddCommand(newCloudtrailVerify(), newCloudtrailReplay())
	return cmd
}

// awsFlags say how AWS is asked.
type awsFlags struct{ access.Options }

func (f *awsFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.Region, "region", "", "AWS `region` of the bucket (default: the profile's or the environment's)")
	flags.StringVar(&f.Profile, "profile", "", "`profile` of the shared AWS configuration files")
	flags.StringVar(&f.RoleARN, "role-arn", "", "assume this role, by its `ARN`")
	flags.StringVar(&f.ExternalID, "external-id", "", "external `id` that the role's owner asks for")
	flags.StringVar(&f.Endpoints.S3, "s3-endpoint", "", "`URL` of an S3 server other than AWS; buckets are then part of the path")
}

// source is an archive and the prefix to begin at.
type source struct {
	archive.Archive
	prefix string
}

// open finds what a target names: a file, a folder, or s3://bucket/prefix.
func (f *awsFlags) open(ctx context.Context, target string) (source, error) {
	if !strings.HasPrefix(target, "s3://") {
		if _, err := os.Stat(target); err != nil {
			return source{}, usagef("%w; name a file, a folder, or s3://BUCKET/PREFIX", err)
		}
		return source{Archive: archive.Dir(target)}, nil
	}
	u, err := url.Parse(target)
	if err != nil || u.Host == "" {
		return source{}, usagef("%s: write s3://BUCKET or s3://BUCKET/PREFIX", target)
	}
	options := f.Options
	options.PathStyle = options.PathStyle || options.Endpoints.S3 != ""
	if errs := options.Problems(); len(errs) > 0 {
		return source{}, usage(errors.Join(errs...))
	}
	clients, err := access.Connect(ctx, options)
	if err != nil {
		return source{}, usage(err)
	}
	return source{archive.Bucket(clients.S3, u.Host), strings.TrimPrefix(u.Path, "/")}, nil
}

// configured are the buckets of an agent's configuration file, as targets.
func configured(file string) (list []cloudtrail.Source, err error) {
	var cfg agent.Config
	if err := daemon.LoadFile(&cfg, file); err != nil {
		return nil, usage(err)
	}
	for i := range cfg.Inputs {
		if in := &cfg.Inputs[i]; in.Type == "cloudtrail" && in.AWS != nil && in.AWS.Bucket != "" {
			list = append(list, *in.AWS)
		}
	}
	if len(list) == 0 {
		return nil, usagef("%s: no cloudtrail input with aws.bucket; name the bucket as s3://BUCKET", file)
	}
	return list, nil
}

// spanFlags are --since and --until.
type spanFlags struct{ since, until string }

func (f *spanFlags) register(flags *pflag.FlagSet, of string) {
	flags.StringVar(&f.since, "since", "", of+" from this `time` on, such as 2026-11-01 or 7d")
	flags.StringVar(&f.until, "until", "", of+" before this `time`")
}

func (f *spanFlags) times() (since, until time.Time, err error) {
	now := time.Now()
	if f.since != "" {
		if since, err = parseTime(f.since, now); err != nil {
			return since, until, usagef("--since: %w", err)
		}
	}
	if f.until != "" {
		if until, err = parseTime(f.until, now); err != nil {
			return since, until, usagef("--until: %w", err)
		}
	}
	if !since.IsZero() && !until.IsZero() && !since.Before(until) {
		return since, until, usagef("--until %s is not after --since %s", f.until, f.since)
	}
	return since, until, nil
}

// progressBar shows progress on a terminal; elsewhere it is silent.
type progressBar struct {
	w    io.Writer
	last time.Time
	on   bool
}

func newProgressBar(cmd *cobra.Command) *progressBar {
	return &progressBar{w: cmd.ErrOrStderr(), on: isTerminal(cmd.ErrOrStderr())}
}

// show draws the bar for a part of 1, at most ten times a second.
func (b *progressBar) show(part float64, text string) {
	if now := time.Now(); b.on && now.Sub(b.last) >= 100*time.Millisecond {
		b.last = now
		part = min(max(part, 0), 1)
		const width = 30
		full := int(part * width)
		fmt.Fprintf(b.w, "\r\x1b[K[%s%s] %3.0f %%  %s", strings.Repeat("=", full), strings.Repeat(" ", width-full), part*100, text)
	}
}

// end takes the bar away.
func (b *progressBar) end() {
	if b.on {
		fmt.Fprint(b.w, "\r\x1b[K")
	}
}

// relative is a file's name below its archive, for one that is the archive itself too.
func relative(place, key string) string {
	if key == "" {
		return filepath.Base(strings.TrimSuffix(place, "/"))
	}
	return key
}
