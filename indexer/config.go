package indexer

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"armor/indexer/console"
	"armor/indexer/elastic"
	"armor/internal/alertstream"
	"armor/internal/rpc"
)

// Config of an indexer. DefaultConfig fills in what has a default.
type Config struct {
	// Name of this indexer, as NATS shows it; empty: the host's name.
	Name string `yaml:"name"`
	// DataDir is the directory for the indexer's own files: the token, and the embedded store.
	DataDir string `yaml:"data_dir"`
	// GRPC is where the armor command and others search for alerts.
	GRPC rpc.ServerConfig `yaml:"grpc"`
	// NATS is where alerts come from.
	NATS alertstream.Config `yaml:"nats"`
	// Elasticsearch is where alerts go; without URLs they go to the embedded store.
	Elasticsearch elastic.Config `yaml:"elasticsearch"`
	// Embedded is the store in files of this machine.
	Embedded EmbeddedConfig `yaml:"embedded"`
	// Retention is the age at which alerts are deleted, a whole period at a time; 0: never.
	Retention Age `yaml:"retention"`
	// Consume sets how much is written at once.
	Consume ConsumeConfig `yaml:"consume"`
	// Console is the web page.
	Console ConsoleConfig `yaml:"console"`
	// Manager is where the console asks for rules, agents and status; without an address those views are empty.
	Manager rpc.ClientConfig `yaml:"manager"`
}

// EmbeddedConfig describes the store in files of this machine.
type EmbeddedConfig struct {
	// Dir holds its files; empty: `alerts` in the data directory.
	Dir string `yaml:"dir"`
}

// ConsumeConfig sets how much is written at once.
type ConsumeConfig struct {
	// Batch is how many alerts are written at once at most, 1 to 10,000; 0: 4,000.
	Batch int `yaml:"batch"`
	// Writers is how many batches are on the way at once, 1 to 16; 0: 2.
	Writers int `yaml:"writers"`
}

// ConsoleConfig describes the web page.
type ConsoleConfig struct {
	// Listen is its address, host:port; empty: there is no page.
	Listen string `yaml:"listen"`
	// Config is the rest.
	console.Config `yaml:",inline"`
}

// Defaults of ConsumeConfig.
const (
	defaultBatch   = 4_000
	defaultWriters = 2
)

// DefaultConfig is the configuration of an indexer with the embedded store that only this machine reaches. What depends on
// other settings is left to WithDefaults, so that it follows them.
func DefaultConfig() Config {
	return Config{
		DataDir: "/var/lib/armor-indexer",
		GRPC:    rpc.ServerConfig{Listen: "127.0.0.1:7402"},
		Console: ConsoleConfig{Listen: "127.0.0.1:7480"},
	}
}

// WithDefaults fills in what depends on other settings: the name, the token files and the store's folder in the data directory.
func (c Config) WithDefaults() Config {
	if c.Name == "" {
		if host, err := os.Hostname(); err == nil {
			c.Name = host
		} else {
			c.Name = "indexer"
		}
	}
	if c.DataDir != "" {
		token := filepath.Join(c.DataDir, "token")
		if c.GRPC.TokenFile == "" && c.GRPC.TLS.CA == "" {
			c.GRPC.TokenFile = token
		}
		if c.Console.TokenFile == "" {
			c.Console.TokenFile = token
		}
		if c.Embedded.Dir == "" {
			c.Embedded.Dir = filepath.Join(c.DataDir, "alerts")
		}
	}
	if c.Consume.Batch == 0 {
		c.Consume.Batch = defaultBatch
	}
	if c.Consume.Writers == 0 {
		c.Consume.Writers = defaultWriters
	}
	c.NATS.ClientName = "armor-indexer " + c.Name
	return c
}

// Validate reports everything that is wrong with the configuration. It opens nothing. An indexer inside of another process
// has no gRPC settings of its own: those are checked where the server is made.
func (c Config) Validate() error {
	var errs []error
	if strings.ContainsAny(c.Name, "\r\n\x00") || len(c.Name) > 255 {
		errs = append(errs, fmt.Errorf("name %q: use one line of at most 255 bytes", c.Name))
	}
	if err := c.NATS.Validate(); err != nil {
		errs = append(errs, err)
	}
	if c.Elasticsearch.Enabled() {
		if err := c.Elasticsearch.Validate(); err != nil {
			errs = append(errs, err)
		}
	} else if c.Embedded.Dir == "" && c.DataDir == "" {
		errs = append(errs, errors.New("there is no store: set elasticsearch.urls, or embedded.dir or data_dir for the embedded one"))
	}
	if c.Retention < 0 || c.Retention > 0 && time.Duration(c.Retention) < day {
		errs = append(errs, fmt.Errorf("retention %v: keep at least 1d, or 0 for ever", c.Retention))
	}
	if c.Consume.Batch < 0 || c.Consume.Batch > 10_000 {
		errs = append(errs, fmt.Errorf("consume.batch %d: write 1 to 10000", c.Consume.Batch))
	}
	if c.Consume.Writers < 0 || c.Consume.Writers > 16 {
		errs = append(errs, fmt.Errorf("consume.writers %d: write 1 to 16", c.Consume.Writers))
	}
	if c.Console.Listen != "" {
		if _, _, err := net.SplitHostPort(c.Console.Listen); err != nil {
			errs = append(errs, fmt.Errorf("console.listen %q is not an address: write host:port, such as 127.0.0.1:7480", c.Console.Listen))
		}
		if err := c.WithDefaults().Console.Config.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("console: %w", err))
		}
	}
	if c.Manager.Address != "" {
		if err := c.Manager.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("manager: %w", err))
		}
	}
	return errors.Join(errs...)
}
