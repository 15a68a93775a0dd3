package manager

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"armor/internal/alertstream"
	"armor/internal/rpc"
	"armor/manager/pipeline"
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
	return errors.Join(errs...)
}
