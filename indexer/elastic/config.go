package elastic

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"armor/indexer/store"
)

// Config says how to reach Elasticsearch and how its indices are to be.
type Config struct {
	// URLs of nodes, such as https://es-1:9200; empty: Elasticsearch is not used.
	URLs []string `yaml:"urls"`
	// User to log in as, with the password in PasswordFile.
	User string `yaml:"user"`
	// PasswordFile holds the password; it is read again when a login is refused.
	PasswordFile string `yaml:"password_file"`
	// APIKeyFile holds an API key (the encoded form), instead of user and password; read again like the password.
	APIKeyFile string `yaml:"api_key_file"`
	// CA is the file of the authorities (PEM) that the nodes' certificates are checked against; empty: the system's.
	CA string `yaml:"ca"`
	// IndexPeriod is the span of one index: month, week or day. It is chosen once per cluster. Empty: month.
	IndexPeriod store.Period `yaml:"index_period"`
	// Shards of a new index; 0: the cluster's default.
	Shards int `yaml:"shards"`
	// Replicas of a new index; absent: the cluster's default.
	Replicas *int `yaml:"replicas"`
	// Timeout of one request; 0: 60 seconds. After one without an answer in time the next ones are smaller for a while.
	Timeout time.Duration `yaml:"timeout"`
	// MaxRequestBytes is the size up to which alerts are put into one request, 64 KiB to 100 MiB; 0: 8 MiB.
	MaxRequestBytes int `yaml:"max_request_bytes"`
}

// Enabled tells that Elasticsearch is to be used.
func (c Config) Enabled() bool { return len(c.URLs) > 0 }

// Validate reports everything that is wrong with the settings, without touching the files they name.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("elasticsearch."+format, args...)) }
	if len(c.URLs) == 0 {
		bad("urls is empty: name at least one node, such as http://127.0.0.1:9200")
	}
	for _, text := range c.URLs {
		u, err := url.Parse(text)
		switch {
		case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
			bad("urls: %q is not an address: write http://host:port or https://host:port", strings.ReplaceAll(text, "@", " at "))
		case u.User != nil:
			bad("urls: the address of %s carries a user: use elasticsearch.user and password_file", u.Host)
		}
	}
	switch {
	case c.APIKeyFile != "" && (c.User != "" || c.PasswordFile != ""):
		bad("api_key_file is set beside user or password_file: choose one of the two")
	case c.User != "" && c.PasswordFile == "":
		bad("user is set but password_file is not: name the file of the password")
	case c.User == "" && c.PasswordFile != "":
		bad("password_file is set but user is not: name the user")
	}
	if c.IndexPeriod != "" && !c.IndexPeriod.Valid() {
		bad("index_period is %q: write month, week or day", c.IndexPeriod)
	}
	if c.Shards < 0 || c.Shards > 1024 {
		bad("shards is %d: write 1 to 1024, or 0 for the cluster's default", c.Shards)
	}
	if c.Replicas != nil && *c.Replicas < 0 {
		bad("replicas is %d: write 0 or more", *c.Replicas)
	}
	if c.Timeout < 0 {
		bad("timeout is %v: write a positive duration", c.Timeout)
	}
	if c.MaxRequestBytes != 0 && (c.MaxRequestBytes < 64<<10 || c.MaxRequestBytes > 100<<20) {
		bad("max_request_bytes is %d: write 65536 to 104857600", c.MaxRequestBytes)
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	if c.IndexPeriod == "" {
		c.IndexPeriod = store.Month
	}
	if c.Timeout == 0 {
		c.Timeout = 60 * time.Second
	}
	if c.MaxRequestBytes == 0 {
		c.MaxRequestBytes = 8 << 20
	}
	return c
}
