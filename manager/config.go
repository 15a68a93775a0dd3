package manager

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"armor/internal/alertstream"
	"armor/internal/rpc"
	"armor/manager/ingest"
	"armor/manager/journal"
	"armor/manager/pipeline"
	"armor/rules"
	"armor/rules/selection"
)

// Config of a manager. DefaultConfig fills in what has a default.
type Config struct {
	// Name of this manager, as alerts and agents' records show it; empty: the host's name.
	Name string `yaml:"name"`
	// DataDir is the directory for the manager's own files: the token, unless grpc.token_file names another.
	DataDir string `yaml:"data_dir"`
	// GRPC is where agents, the console and the armor command reach the manager.
	GRPC rpc.ServerConfig `yaml:"grpc"`
	// NATS is where alerts go.
	NATS alertstream.Config `yaml:"nats"`
	// Ruleset to run; the zero value is Armor's own.
	Ruleset selection.Config `yaml:"ruleset"`
	// Pipeline sets how much is evaluated at once.
	Pipeline pipeline.Config `yaml:"pipeline"`
	// Limits hold agents back that send too much.
	Limits ingest.Limits `yaml:"limits"`
	// GoneAfter is how long an agent is away before that is an event, at least 1 minute; 0: 10 minutes; -1s: never.
	GoneAfter time.Duration `yaml:"gone_after"`
	// State sets what rules remember, and how that outlives the manager.
	State StateConfig `yaml:"state"`
}

// StateConfig sets what rules remember from event to event.
type StateConfig struct {
	// SnapshotInterval is the time between two snapshots, 1s to 1h; 0: 1 minute. Nothing is lost between them: the journal
	// holds it, and a longer interval makes a start longer.
	SnapshotInterval time.Duration `yaml:"snapshot_interval"`
	// JournalBytes is how many bytes of events may stand in the journal before a snapshot is taken early; 0: 64 MiB.
	JournalBytes int `yaml:"journal_bytes"`
	// EventsPerList is how many events are remembered for a rule or group that others count; 0: 8192.
	EventsPerList int `yaml:"events_per_list"`
	// BytesPerList is how much memory they may take; 0: 32 MiB.
	BytesPerList int `yaml:"bytes_per_list"`
	// Bytes is how much memory the remembered events of all rules may take together; 0: 1 GiB.
	Bytes int `yaml:"bytes"`
	// Keys is how many first-time-seen keys are remembered, and how many of <ignore>; 0: 200,000 each.
	Keys int `yaml:"keys"`
}

func (c Config) journal() journal.Config {
	return journal.Config{SnapshotInterval: c.State.SnapshotInterval, JournalBytes: c.State.JournalBytes, Lateness: c.Pipeline.Lateness}
}

func (c StateConfig) limits() rules.StateLimits {
	return rules.StateLimits{EventsPerList: c.EventsPerList, BytesPerList: c.BytesPerList, Bytes: c.Bytes, Keys: c.Keys}
}

func (c StateConfig) validate() error {
	var errs []error
	for _, f := range []struct {
		name  string
		value int
	}{{"events_per_list", c.EventsPerList}, {"bytes_per_list", c.BytesPerList}, {"bytes", c.Bytes}, {"keys", c.Keys}} {
		if f.value < 0 {
			errs = append(errs, fmt.Errorf("state: %s is %d; it must not be negative (0: the default)", f.name, f.value))
		}
	}
	return errors.Join(errs...)
}

// DefaultConfig is the configuration of a manager that only this machine reaches. What depends on other settings is left to
// WithDefaults, so that it follows them.
func DefaultConfig() Config {
	return Config{DataDir: "/var/lib/armor-manager", GRPC: rpc.ServerConfig{Listen: "127.0.0.1:7401"}}
}

// WithDefaults fills in what depends on other settings: the name, and the token file in the data directory.
func (c Config) WithDefaults() Config {
	if c.Name == "" {
		if host, err := os.Hostname(); err == nil {
			c.Name = host
		} else {
			c.Name = "manager"
		}
	}
	if c.GRPC.TokenFile == "" && c.GRPC.TLS.CA == "" && c.DataDir != "" {
		c.GRPC.TokenFile = filepath.Join(c.DataDir, "token")
	}
	c.NATS.ClientName = "armor-manager " + c.Name
	c.Pipeline = c.Pipeline.WithDefaults()
	if c.GoneAfter == 0 {
		c.GoneAfter = 10 * time.Minute
	}
	return c
}

// Validate reports everything that is wrong with the configuration. It opens nothing. A manager inside of another process has
// no gRPC settings of its own: those are checked where the server is made.
func (c Config) Validate() error {
	var errs []error
	if strings.ContainsAny(c.Name, "\r\n\x00") || len(c.Name) > 255 {
		errs = append(errs, fmt.Errorf("name %q: use one line of at most 255 bytes", c.Name))
	}
	if err := c.NATS.Validate(); err != nil {
		errs = append(errs, err)
	}
	if err := c.Ruleset.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("ruleset: %w", err))
	}
	if err := c.Pipeline.Validate(); err != nil {
		errs = append(errs, err)
	}
	if c.GoneAfter > 0 && c.GoneAfter < time.Minute {
		errs = append(errs, fmt.Errorf("gone_after is %s; it must be at least 1m (an agent that restarts is not gone), or -1s for never", c.GoneAfter))
	}
	if err := c.Limits.Validate(); err != nil {
		errs = append(errs, err)
	}
	if err := c.journal().Validate(); err != nil {
		errs = append(errs, err)
	}
	if err := c.State.validate(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
