package agent

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"google.golang.org/grpc"

	"armor/agent/cloudtrail"
	"armor/agent/spool"
	"armor/agent/timestamp"
	"armor/internal/rpc"
)

// Config is an agent's configuration file. The zero value of an optional field stands for its default.
type Config struct {
	// Agent says who this agent is.
	Agent Identity `yaml:"agent"`
	// Manager is where events go.
	Manager rpc.ClientConfig `yaml:"manager"`
	// DataDir holds the spool and the positions of the inputs. One agent at a time may use it.
	DataDir string `yaml:"data_dir"`
	// Spool bounds what is kept on disk until the manager has finished it.
	Spool SpoolConfig `yaml:"spool"`
	// Inputs are what is read.
	Inputs []InputConfig `yaml:"inputs"`

	// OneShot reads what is there and then is idle: files are not waited for, an unfinished last line counts as a line.
	OneShot bool `yaml:"-"`
	// Conn replaces the connection that Manager describes. The agent does not close it.
	Conn *grpc.ClientConn `yaml:"-"`
	// Version of the program, told to the manager.
	Version string `yaml:"-"`
}

// Identity is who an agent is.
type Identity struct {
	// ID of the agent, `[A-Za-z0-9_-]{1,64}`. Empty: the one in the client certificate.
	ID string `yaml:"id"`
	// Name that people know the host by. Empty: the id.
	Name string `yaml:"name"`
	// Labels go with every event.
	Labels map[string]string `yaml:"labels"`
}

// SpoolConfig bounds the spool. A full spool stops the inputs, except those that are to drop then.
type SpoolConfig struct {
	// MaxBytes on disk. Default 1 GiB, at least 4 segments and 8 MiB.
	MaxBytes int64 `yaml:"max_bytes"`
	// SegmentBytes is the size of one file of the spool; space is freed a file at a time. Default 16 MiB.
	SegmentBytes int64 `yaml:"segment_bytes"`
	// Keep is how long finished events stay, for a replay; their room is given to new events when that is needed. Default 10 minutes;
	// 0: not at all.
	Keep *time.Duration `yaml:"keep"`
	// MaxAge is how long events wait for the manager at most: older ones are dropped, counted and told. Default 0: as long as it takes.
	MaxAge time.Duration `yaml:"max_age"`
}

// defaultKeep is five times the time after which a NATS server syncs its files.
const defaultKeep = 10 * time.Minute

func (c SpoolConfig) keep() time.Duration {
	if c.Keep == nil {
		return defaultKeep
	}
	return *c.Keep
}

// InputConfig is one input.
type InputConfig struct {
	// Type is cloudtrail or logfile.
	Type string `yaml:"type"`
	// Mode of a cloudtrail input: dir, a local folder; bucket, an S3 bucket that is listed; sqs, a queue of its notifications.
	// Default dir.
	Mode string `yaml:"mode"`
	// Path is the folder of a cloudtrail input of mode dir, or the glob of a logfile input.
	Path string `yaml:"path"`
	// AWS is where a cloudtrail input of mode bucket or sqs reads.
	AWS *cloudtrail.Source `yaml:"aws"`
	// Records of a cloudtrail input: what is left out, and how accounts are called.
	cloudtrail.Records `yaml:",inline"`
	// Format of a logfile input's lines: syslog or json. Default syslog.
	Format string `yaml:"format"`
	// Start of a logfile input, for files that are there when the agent starts for the first time: beginning or end. Default
	// beginning: nothing that is there is left out. Files that appear later are always read from their beginning.
	Start string `yaml:"start"`
	// Timestamp says where a logfile input's lines say when they happened. Nil: they do not; events have the time of reading.
	Timestamp *timestamp.Config `yaml:"timestamp"`
	// WhenFull is what happens to the lines of a logfile input when the spool takes no more: block, the input waits; drop, they are
	// dropped, counted and told. Default block.
	WhenFull string `yaml:"when_full"`
	// SilenceAfter is how long the input may give no event before that is told. Default 0: as long as it likes.
	SilenceAfter time.Duration `yaml:"silence_after"`
	// Labels go with every event of this input; they win over the agent's.
	Labels map[string]string `yaml:"labels"`
}

var validID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Validate returns every mistake in the configuration, joined, each naming its key; nil if there is none.
func (c *Config) Validate() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if _, err := c.id(); err != nil {
		errs = append(errs, err)
	}
	if c.DataDir == "" {
		add("data_dir: missing; name a folder that the agent may write to")
	}
	switch {
	case c.Conn != nil:
	case c.Manager.Address == "":
		add("manager.address: missing; name the manager as host:port")
	default:
		if err := c.Manager.Validate(); err != nil {
			add("manager: %w", err)
		}
	}
	if n := len(c.Agent.Name); n > 255 || !printable(c.Agent.Name) {
		add("agent.name: %.100q: use printable characters, at most 255 bytes", c.Agent.Name)
	}
	errs = append(errs, c.Spool.problems()...)
	if len(c.Inputs) == 0 {
		add("inputs: none; name at least one")
	}
	seen := map[string]int{}
	for i := range c.Inputs {
		in := &c.Inputs[i]
		for _, err := range in.problems() {
			add("inputs[%d].%w", i, err)
		}
		size := 0
		for key, value := range c.labels(in) {
			size += len(key) + len(value)
			if !utf8.ValidString(key) || !utf8.ValidString(value) {
				add("inputs[%d].labels: %q: %q is no UTF-8", i, key, value)
			}
		}
		if size > maxLabels {
			add("inputs[%d].labels: %d bytes with the agent's; at most %d are allowed", i, size, maxLabels)
		}
		if first, ok := seen[in.name()]; ok {
			add("inputs[%d]: reads the same path as inputs[%d]; remove one", i, first)
		} else {
			seen[in.name()] = i
		}
	}
	return errors.Join(errs...)
}

// whenFullDrop is the value of when_full for an input that does not wait.
const whenFullDrop = "drop"

// maxLabels bounds the names and values of an event's labels, in bytes.
const maxLabels = 64 << 10

// Least sizes in bytes: the largest batch must fit into half of the spool.
const (
	minSegmentBytes = 64 << 10
	minMaxBytes     = 8 << 20
)

func (c SpoolConfig) problems() (errs []error) {
	segment, limit := c.SegmentBytes, c.MaxBytes
	if segment == 0 {
		segment = spool.DefaultSegmentBytes
	}
	if limit == 0 {
		limit = spool.DefaultMaxBytes
	}
	if segment < minSegmentBytes {
		errs = append(errs, fmt.Errorf("spool.segment_bytes: %d is too small; the least is %d", segment, minSegmentBytes))
	}
	if c.keep() < 0 || c.MaxAge < 0 {
		errs = append(errs, fmt.Errorf("spool.keep: %v, spool.max_age: %v: neither may be below 0", c.keep(), c.MaxAge))
	}
	if least := max(4*segment, minMaxBytes); limit < least {
		errs = append(errs, fmt.Errorf("spool.max_bytes: %d is too small; the least with spool.segment_bytes %d is %d", limit, segment, least))
	}
	return errs
}

func printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

// labels joins the agent's labels and an input's.
func (c *Config) labels(in *InputConfig) map[string]string {
	if len(c.Agent.Labels)+len(in.Labels) == 0 {
		return nil
	}
	all := map[string]string{}
	maps.Copy(all, c.Agent.Labels)
	maps.Copy(all, in.Labels)
	return all
}

// name identifies the input in the spool's positions, over restarts.
func (in *InputConfig) name() string {
	if in.remote() && in.AWS != nil {
		return in.Type + ":" + in.AWS.Name(in.Mode)
	}
	path := in.Path
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return in.Type + ":" + path
}

func (in *InputConfig) problems() (errs []error) {
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if in.Path == "" && !in.remote() {
		add("path: missing")
	}
	if strings.ContainsRune(in.Path, 0) {
		add("path: holds a NUL byte")
	}
	foreign := func(key, value string) {
		if value != "" {
			add("%s: an input of type %s has none", key, in.Type)
		}
	}
	oneOf := func(key, value string, allowed ...string) {
		if value != "" && !slices.Contains(allowed, value) {
			add("%s: %q is none of %s", key, value, strings.Join(allowed, ", "))
		}
	}
	if in.SilenceAfter < 0 {
		add("silence_after: %v is below 0", in.SilenceAfter)
	}
	switch in.Type {
	case "cloudtrail":
		oneOf("when_full", in.WhenFull, "block") // files and objects can wait
		if in.Timestamp != nil {
			add("timestamp: an input of type cloudtrail has none; records say when they happened")
		}
		oneOf("mode", in.Mode, cloudtrail.ModeDir, cloudtrail.ModeBucket, cloudtrail.ModeQueue)
		errs = append(errs, in.trailProblems()...)
		foreign("format", in.Format)
		foreign("start", in.Start)
	case "logfile":
		foreign("mode", in.Mode)
		if in.AWS != nil || len(in.Discard) > 0 || len(in.AccountAliases) > 0 {
			add("aws, discard, account_aliases: an input of type logfile has none")
		}
		oneOf("format", in.Format, "syslog", "json")
		oneOf("when_full", in.WhenFull, "block", whenFullDrop)
		if in.Timestamp != nil {
			if err := in.Timestamp.Validate(); err != nil {
				add("timestamp.%w", err)
			}
		}
		oneOf("start", in.Start, "beginning", "end")
		if _, err := filepath.Match(in.Path, ""); err != nil {
			add("path: %q is no glob: %w", in.Path, err)
		}
	case "":
		add("type: missing; cloudtrail or logfile")
	default:
		add("type: %q is none of cloudtrail, logfile", in.Type)
	}
	return errs
}

// id is the agent's id: the certificate's, if there is one, else the configured one.
func (c *Config) id() (string, error) {
	if c.Agent.ID != "" && !validID.MatchString(c.Agent.ID) {
		return "", fmt.Errorf("agent.id: %q is not 1 to 64 of A-Z a-z 0-9 _ -", c.Agent.ID)
	}
	if c.Conn != nil || c.Manager.TLS.Certificate == "" {
		if c.Agent.ID == "" {
			return "", errors.New("agent.id: missing; name it, or give a client certificate that carries it")
		}
		return c.Agent.ID, nil
	}
	certified, err := certificateID(c.Manager.TLS.Certificate)
	switch {
	case err != nil:
		return "", fmt.Errorf("manager.tls.certificate: %w", err)
	case certified == "" && c.Agent.ID == "":
		return "", fmt.Errorf("agent.id: missing, and %s carries no armor://agent/<id>", c.Manager.TLS.Certificate)
	case certified == "":
		return c.Agent.ID, nil
	case c.Agent.ID == "" || certified == c.Agent.ID:
		return certified, nil
	default:
		return "", fmt.Errorf("agent.id: %q, but %s is for agent %q; remove agent.id", c.Agent.ID, c.Manager.TLS.Certificate, certified)
	}
}

// certificateID reads the agent id out of the first certificate of a PEM file; "" if it has none.
func certificateID(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return "", fmt.Errorf("%s holds no PEM block", file)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", file, err)
	}
	for _, uri := range cert.URIs {
		if uri.Scheme == "armor" && uri.Host == "agent" {
			return strings.TrimPrefix(uri.Path, "/"), nil
		}
	}
	return "", nil
}
