// Package digest checks CloudTrail's files against the digest files that CloudTrail writes each hour: every log file that a digest
// names is there and has the content that it had, and no digest is missing between two others. What is wrong is listed, file by file.
package digest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/sync/errgroup"

	"armor/agent/cloudtrail/archive"
	"armor/agent/cloudtrail/layout"
)

// maxDigest bounds a digest file, unpacked, in bytes.
const maxDigest = 256 << 20

// Digest is a digest file, as far as it is checked.
type Digest struct {
	Account      string    `json:"awsAccountId"`
	Start        time.Time `json:"digestStartTime"`
	End          time.Time `json:"digestEndTime"`
	Bucket       string    `json:"digestS3Bucket"`
	Object       string    `json:"digestS3Object"`
	Previous     string    `json:"previousDigestS3Object"`
	PreviousHash string    `json:"previousDigestHashValue"`
	LogFiles     []LogFile `json:"logFiles"`
}

// LogFile is a log file that a digest names.
type LogFile struct {
	Bucket    string `json:"s3Bucket"`
	Object    string `json:"s3Object"`
	Hash      string `json:"hashValue"`
	Algorithm string `json:"hashAlgorithm"`
}

// Options say what is checked.
type Options struct {
	// Prefix before AWSLogs/, with its slash.
	Prefix string
	// Since and Until bound the digests by the time in their names; zero: no bound.
	Since, Until time.Time
	// Accounts and Regions check only these. Empty: all.
	Accounts, Regions []string
	// Concurrency is how many files are read at the same time. Zero: 8.
	Concurrency int
	// Read says whether an agent has read a log file; nil: nobody knows.
	Read func(bucket, key string) bool
	// Progress hears how many log files were checked, of how many that are known by then. It is called from several goroutines.
	Progress func(done, known int)
}

// Kind of a finding.
type Kind string

// Kinds.
const (
	// Missing: a digest names a log file that is not there.
	Missing Kind = "missing"
	// Changed: a file has another content than its digest says.
	Changed Kind = "changed"
	// Unread: no agent has read a log file.
	Unread Kind = "unread"
	// Gap: a digest is not there, or there is none for some hours.
	Gap Kind = "gap"
	// Unreadable: a file cannot be read.
	Unreadable Kind = "unreadable"
)

// Finding is one thing that is wrong.
type Finding struct {
	Kind   Kind   `json:"kind"`
	Key    string `json:"key"`
	Digest string `json:"digest,omitempty"`
	Detail string `json:"detail"`
}

// Report is what a check found.
type Report struct {
	Digests  int       `json:"digests"`
	LogFiles int       `json:"log_files"`
	Correct  int       `json:"correct"`
	Bytes    int64     `json:"bytes"`
	Findings []Finding `json:"findings"`
}

// check is one run.
type check struct {
	from archive.Archive
	opts Options

	mu      sync.Mutex
	report  Report
	done    int
	digests []known
}

// known is a digest that was read.
type known struct {
	Digest
	key, hash string
	place     string // account and region
}

// Verify checks what an archive holds. The error is that of listing; what is wrong with a file is a finding.
func Verify(ctx context.Context, from archive.Archive, opts Options) (Report, error) {
	if opts.Concurrency == 0 {
		opts.Concurrency = 8
	}
	c := &check{from: from, opts: opts}
	keys, err := c.list(ctx)
	if err != nil {
		return Report{}, err
	}
	if err := c.each(ctx, len(keys), func(ctx context.Context, i int) error { return c.digest(ctx, keys[i]) }); err != nil {
		return Report{}, err
	}
	slices.SortFunc(c.digests, func(a, b known) int { return strings.Compare(a.place+a.End.String(), b.place+b.End.String()) })
	c.chains()
	var files []named
	for i := range c.digests {
		for _, f := range c.digests[i].LogFiles {
			files = append(files, named{f, c.digests[i].key})
		}
	}
	c.report.Digests, c.report.LogFiles = len(c.digests), len(files)
	if err := c.each(ctx, len(files), func(ctx context.Context, i int) error {
		err := c.logFile(ctx, files[i])
		c.mu.Lock()
		c.done++
		done := c.done
		c.mu.Unlock()
		if opts.Progress != nil {
			opts.Progress(done, len(files))
		}
		return err
	}); err != nil {
		return Report{}, err
	}
	slices.SortFunc(c.report.Findings, func(a, b Finding) int { return strings.Compare(a.Key+string(a.Kind), b.Key+string(b.Kind)) })
	return c.report, nil
}

type named struct {
	LogFile
	digest string
}

func (c *check) each(ctx context.Context, n int, f func(context.Context, int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(c.opts.Concurrency)
	for i := range n {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			return f(ctx, i)
		})
	}
	return group.Wait()
}

// list finds the digests.
func (c *check) list(ctx context.Context) (keys []string, err error) {
	err = c.from.List(ctx, c.opts.Prefix, "", func(e archive.Entry) error {
		k, ok := layout.Parse(e.Key)
		switch {
		case !ok || k.Kind != layout.Digest,
			!c.opts.Since.IsZero() && k.At().Before(c.opts.Since),
			!c.opts.Until.IsZero() && !k.At().Before(c.opts.Until),
			len(c.opts.Accounts) > 0 && !slices.Contains(c.opts.Accounts, k.Account),
			len(c.opts.Regions) > 0 && !slices.Contains(c.opts.Regions, k.Region):
			return nil
		}
		keys = append(keys, e.Key)
		return nil
	})
	return keys, err
}

func (c *check) found(kind Kind, key, digest, format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Findings = append(c.report.Findings, Finding{kind, key, digest, fmt.Sprintf(format, args...)})
}

// digest reads one digest.
func (c *check) digest(ctx context.Context, key string) error {
	var text bytes.Buffer
	hash, _, err := c.sum(ctx, key, &limited{&text, maxDigest})
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		c.found(Unreadable, key, "", "%v", err)
		return nil
	}
	d := known{key: key, hash: hash}
	if err := json.Unmarshal(text.Bytes(), &d.Digest); err != nil {
		c.found(Unreadable, key, "", "not a digest: %v", err)
		return nil
	}
	if d.Object != "" && d.Object != key {
		c.found(Changed, key, "", "it says that its key is %s", d.Object)
	}
	k, _ := layout.Parse(key)
	d.place = k.Root + k.Organization + "/" + k.Account + "/" + k.Region + "/"
	c.mu.Lock()
	defer c.mu.Unlock()
	c.digests = append(c.digests, d)
	return nil
}

// chains checks that each digest follows the one that it names.
func (c *check) chains() {
	byKey := map[string]*known{}
	for i := range c.digests {
		byKey[c.digests[i].key] = &c.digests[i]
	}
	for i := range c.digests {
		d := &c.digests[i]
		first := i == 0 || c.digests[i-1].place != d.place
		before := byKey[d.Previous]
		switch {
		case before != nil && d.PreviousHash != "" && !strings.EqualFold(before.hash, d.PreviousHash):
			c.found(Changed, before.key, d.key, "the digest after it says SHA-256 %s, it has %s", d.PreviousHash, before.hash)
		case before == nil && !first && d.Previous != "":
			c.found(Gap, d.Previous, d.key, "the digest before is not there")
		case !first && d.Start.After(c.digests[i-1].End):
			c.found(Gap, d.key, c.digests[i-1].key, "no digest from %s to %s: log file validation was off, or the trail was stopped",
				c.digests[i-1].End.Format(time.RFC3339), d.Start.Format(time.RFC3339))
		}
	}
}

// logFile checks one log file.
func (c *check) logFile(ctx context.Context, f named) error {
	if c.from.Bucket() != "" && f.Bucket != c.from.Bucket() {
		c.found(Unreadable, f.Object, f.digest, "it is in another bucket, %s", f.Bucket)
		return nil
	}
	if f.Algorithm != "" && f.Algorithm != "SHA-256" {
		c.found(Unreadable, f.Object, f.digest, "its hash is of an unknown kind, %s", f.Algorithm)
		return nil
	}
	hash, size, err := c.sum(ctx, f.Object, io.Discard)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, fs.ErrNotExist):
		c.found(Missing, f.Object, f.digest, "the log file is not there")
	case err != nil:
		c.found(Unreadable, f.Object, f.digest, "%v", err)
	case !strings.EqualFold(hash, f.Hash):
		c.found(Changed, f.Object, f.digest, "the digest says SHA-256 %s, it has %s", f.Hash, hash)
	case c.opts.Read != nil && !c.opts.Read(f.Bucket, f.Object):
		c.found(Unread, f.Object, f.digest, "no agent has read it")
	default:
		c.mu.Lock()
		c.report.Correct++
		c.mu.Unlock()
	}
	c.mu.Lock()
	c.report.Bytes += size
	c.mu.Unlock()
	return nil
}

// sum is the SHA-256 of a file's unpacked content, in hex. What unpacks wrong has no sum.
func (c *check) sum(ctx context.Context, key string, to io.Writer) (string, int64, error) {
	body, err := c.from.Open(ctx, key)
	if err != nil {
		return "", 0, err
	}
	defer body.Close()
	unpacked, err := gzip.NewReader(body)
	if err != nil {
		return "", 0, fmt.Errorf("gzip: %w", err)
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(h, to), unpacked)
	if err != nil {
		return "", n, fmt.Errorf("after %d bytes: %w", n, err)
	}
	return hex.EncodeToString(h.Sum(nil)), n, nil
}

// limited refuses what is too much.
type limited struct {
	to   io.Writer
	left int64
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= int64(len(p)); l.left < 0 {
		return 0, fmt.Errorf("larger than %d bytes", maxDigest)
	}
	return l.to.Write(p)
}
