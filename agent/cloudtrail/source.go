package cloudtrail

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"armor/agent/cloudtrail/access"
	"armor/agent/cloudtrail/discard"
	"armor/agent/cloudtrail/layout"
)

// Modes of an input.
const (
	// ModeDir reads a local folder.
	ModeDir = "dir"
	// ModeBucket lists a bucket.
	ModeBucket = "bucket"
	// ModeQueue takes the notifications of a bucket from a queue.
	ModeQueue = "sqs"
)

// Source is where AWS delivers, and how it is asked. Zero values are the defaults.
type Source struct {
	access.Options `yaml:",inline"`
	// Bucket that CloudTrail writes to; of mode bucket. In mode sqs, the only one whose objects are read; empty: any.
	Bucket string `yaml:"bucket"`
	// Queue is the URL of the queue of mode sqs.
	Queue string `yaml:"queue"`
	// Prefix is what stands before AWSLogs/ in the keys, with or without its last slash.
	Prefix string `yaml:"prefix"`
	// Suffix is what stands between AWSLogs/ and the account or the organization.
	Suffix string `yaml:"suffix"`
	// Organization reads only the trail of this organization. Empty: whatever is there.
	Organization string `yaml:"organization"`
	// Accounts and Regions read only these. Empty: all.
	Accounts []string `yaml:"accounts"`
	Regions  []string `yaml:"regions"`
	// Since reads what was delivered since a day (2026-01-31) or a time (RFC 3339), by the time in the key: once all of it, then
	// what is new. Empty: the look-back before the first start.
	Since string `yaml:"since"`
	// Until leaves out what is at or after it.
	Until string `yaml:"until"`
	// LookBack is how far back each listing goes, and how long objects are remembered. Default 48h, 1h to 720h.
	LookBack time.Duration `yaml:"look_back"`
	// Sweep is how far back the listing of once a day goes, which finds late files. Default 720h.
	Sweep time.Duration `yaml:"sweep"`
	// Poll is the pause between two listings. Default 1m, at least 1s.
	Poll time.Duration `yaml:"poll"`
	// VisibilityTimeout of a message that is worked on; it is extended at half time. Default 5m, 30s to 12h.
	VisibilityTimeout time.Duration `yaml:"visibility_timeout"`
	// RemoveAfter removes an object when the manager has finished its last record.
	RemoveAfter bool `yaml:"remove_after"`
	// Concurrency is how many objects are read at the same time. Default 4, at most 64.
	Concurrency int `yaml:"concurrency"`
	// Attempts that a damaged object has before it is listed as such and left until it changes. Default 5.
	Attempts int `yaml:"attempts"`
	// Reparse reads once more, at each start, what was read before: for rules that are new. It gives no second alert.
	Reparse bool `yaml:"reparse"`
}

var (
	bucketName   = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	regionName   = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-\d{1,2}$`)
	organization = regexp.MustCompile(`^o-[a-z0-9]{10,32}$`)
	queueURL     = regexp.MustCompile(`^https?://[^/\s]+/.+$`)
)

// Problems are the mistakes in the settings of a mode, each beginning with its key.
func (s *Source) Problems(mode string) (errs []error) {
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	errs = append(errs, s.Options.Problems()...)
	switch {
	case mode == ModeBucket && s.Bucket == "":
		add("bucket: missing; name the bucket that CloudTrail writes to")
	case s.Bucket != "" && !bucketName.MatchString(s.Bucket):
		add("bucket: %q is no bucket's name; write it without s3:// and without a path", s.Bucket)
	}
	switch {
	case mode == ModeQueue && s.Queue == "":
		add("queue: missing; give the queue's URL")
	case mode == ModeQueue && !queueURL.MatchString(s.Queue):
		add("queue: %q is no URL, such as https://sqs.eu-central-1.amazonaws.com/123456789012/cloudtrail", s.Queue)
	case mode == ModeBucket && s.Queue != "":
		add("queue: an input of mode bucket has none; use mode sqs, or one input of each mode")
	}
	if mode == ModeQueue {
		for key, set := range map[string]bool{"look_back": s.LookBack != 0, "sweep": s.Sweep != 0, "poll": s.Poll != 0} {
			if set {
				add("%s: an input of mode sqs has none", key)
			}
		}
	} else if s.VisibilityTimeout != 0 {
		add("visibility_timeout: an input of mode bucket has none")
	}
	if s.Organization != "" && !organization.MatchString(s.Organization) {
		add("organization: %q is no id, such as o-a1b2c3d4e5", s.Organization)
	}
	for i, account := range s.Accounts {
		if !layout.IsAccount(account) {
			add("accounts[%d]: %q is not 12 digits; put quotes around it", i, account)
		}
	}
	for i, region := range s.Regions {
		if !regionName.MatchString(region) {
			add("regions[%d]: %q is no region, such as eu-central-1", i, region)
		}
	}
	since, err := parseWhen(s.Since)
	if err != nil {
		add("since: %w", err)
	}
	until, err := parseWhen(s.Until)
	if err != nil {
		add("until: %w", err)
	}
	if !since.IsZero() && !until.IsZero() && !since.Before(until) {
		add("until: %s is not after since, %s", s.Until, s.Since)
	}
	within := func(key string, d, least, most time.Duration) {
		if d != 0 && (d < least || d > most) {
			add("%s: %s is not %s to %s", key, d, least, most)
		}
	}
	within("look_back", s.LookBack, time.Hour, 30*24*time.Hour)
	within("sweep", s.Sweep, time.Hour, 366*24*time.Hour)
	within("poll", s.Poll, time.Second, 24*time.Hour)
	within("visibility_timeout", s.VisibilityTimeout, 30*time.Second, 12*time.Hour)
	if s.Concurrency < 0 || s.Concurrency > 64 {
		add("concurrency: %d is not 1 to 64", s.Concurrency)
	}
	if s.Attempts < 0 || s.Attempts > 1000 {
		add("attempts: %d is not 1 to 1000", s.Attempts)
	}
	return errs
}

// Name identifies what is read, over restarts.
func (s *Source) Name(mode string) string {
	if mode == ModeQueue {
		return s.Queue
	}
	return "s3://" + s.Bucket + "/" + withDefaults(*s).Prefix
}

// parseWhen reads a day or a time; the empty text is the zero time.
func parseWhen(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, form := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(form, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is neither a day, such as 2026-01-31, nor a time, such as 2026-01-31T12:00:00Z", text)
}

// withDefaults fills in the defaults.
func withDefaults(s Source) Source {
	orElse := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	orElse(&s.LookBack, 48*time.Hour)
	orElse(&s.Sweep, 30*24*time.Hour)
	orElse(&s.Poll, time.Minute)
	orElse(&s.VisibilityTimeout, 5*time.Minute)
	if s.Concurrency == 0 {
		s.Concurrency = 4
	}
	if s.Attempts == 0 {
		s.Attempts = 5
	}
	if s.Prefix = strings.TrimPrefix(s.Prefix, "/"); s.Prefix != "" && !strings.HasSuffix(s.Prefix, "/") {
		s.Prefix += "/"
	}
	if s.Suffix = strings.Trim(s.Suffix, "/"); s.Suffix != "" {
		s.Suffix += "/"
	}
	return s
}

// wants says whether an object is one that is to be read.
func (s *Source) wants(bucket, key string) (layout.Key, bool) {
	k, ok := layout.Parse(key)
	since, _ := parseWhen(s.Since) // checked
	until, _ := parseWhen(s.Until)
	if !ok || k.Kind != layout.Log {
		return k, false
	}
	// The day's folder is all that an odd name tells: it counts whole.
	at, last := k.At(), k.At()
	if k.Time.IsZero() {
		last = k.Day.Add(24*time.Hour - 1)
	}
	switch {
	case s.Bucket != "" && bucket != s.Bucket,
		s.Prefix+s.Suffix != "" && !strings.HasPrefix(key, s.Prefix+"AWSLogs/"+s.Suffix),
		s.Organization != "" && k.Organization != s.Organization,
		len(s.Accounts) > 0 && !slices.Contains(s.Accounts, k.Account),
		len(s.Regions) > 0 && !slices.Contains(s.Regions, k.Region),
		!since.IsZero() && last.Before(since),
		!until.IsZero() && !at.Before(until):
		return k, false
	}
	return k, true
}

// Records are settings of every mode about records.
type Records struct {
	// Discard leaves out records.
	Discard []discard.Rule `yaml:"discard"`
	// AccountAliases are names of accounts, shown in aws.log_info.aws_account_alias.
	AccountAliases map[string]string `yaml:"account_aliases"`
}

// Problems are the mistakes in the settings, each beginning with its key.
func (r *Records) Problems() (errs []error) {
	if _, err := discard.New(r.Discard); err != nil {
		errs = append(errs, fmt.Errorf("discard%w", err))
	}
	for account, alias := range r.AccountAliases {
		if !layout.IsAccount(account) {
			errs = append(errs, fmt.Errorf("account_aliases: %q is not 12 digits; put quotes around it", account))
		}
		if len(alias) > 256 {
			errs = append(errs, errors.New("account_aliases: an alias is longer than 256 bytes"))
		}
	}
	return errs
}
