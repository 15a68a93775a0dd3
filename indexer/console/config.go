package console

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Config is what the console needs to know. The zero value of every field but TokenFile has a default.
type Config struct {
	// TokenFile holds the access token, at least 16 characters; it is read again when it changes.
	TokenFile string `yaml:"token_file"`
	// AllowedHosts are the names under which browsers may reach the console, beside the loopback names: "console.example.org" allows every port,
	// "console.example.org:8443" one. A request for any other host is refused, so that a foreign name resolving to this address (DNS rebinding)
	// reaches nothing.
	AllowedHosts []string `yaml:"allowed_hosts"`
	// MaxWatchers bounds the live connections open at once; the next one gets 503 and its page polls instead. Default 64.
	MaxWatchers int `yaml:"max_watchers"`
	// QueryTimeout bounds one question to the alert store. Default 30 s.
	QueryTimeout time.Duration `yaml:"query_timeout"`
	// ExportLimit bounds the alerts of one export; an export that reaches it says so. Default 0: all that match.
	ExportLimit int `yaml:"export_limit"`
}

func (c Config) withDefaults() Config {
	if c.MaxWatchers == 0 {
		c.MaxWatchers = 64
	}
	if c.QueryTimeout == 0 {
		c.QueryTimeout = 30 * time.Second
	}
	return c
}

// Validate reports every setting that cannot work, all at once.
func (c Config) Validate() error {
	var errs []error
	if c.TokenFile == "" {
		errs = append(errs, errors.New("token_file: required; name a file that holds a random token of at least 16 characters"))
	}
	for _, h := range c.AllowedHosts {
		if h == "" || strings.ContainsAny(h, "/ *@") {
			errs = append(errs, fmt.Errorf("allowed_hosts: %q is no host name; write it as the browser shows it, such as console.example.org or console.example.org:8443", h))
		}
	}
	if c.MaxWatchers < 0 {
		errs = append(errs, fmt.Errorf("max_watchers: %d is negative", c.MaxWatchers))
	}
	if c.QueryTimeout < 0 {
		errs = append(errs, fmt.Errorf("query_timeout: %s is negative", c.QueryTimeout))
	}
	if c.ExportLimit < 0 {
		errs = append(errs, fmt.Errorf("export_limit: %d is negative", c.ExportLimit))
	}
	return errors.Join(errs...)
}
