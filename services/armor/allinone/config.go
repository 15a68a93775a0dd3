// Package allinone runs agent, manager and indexer in one process, with NATS embedded: what `armor up` promises is what the three
// services promise, for they are the same parts over the same contracts.
package allinone

import (
	"errors"
	"fmt"
	"net"
	"time"

	"armor/indexer"
	"armor/indexer/elastic"
	"armor/manager/pipeline"
	armorv1 "armor/proto/armor/v1"
	"armor/rules/selection"
	"armor/services/armor/datadir"
)

// Config of one run.
type Config struct {
	// Dir is the data directory. It is locked while Run runs.
	Dir datadir.Dir
	// Listen is the console's address, host:port.
	Listen string
	// GRPCListen is the address of every gRPC service.
	GRPCListen string
	// NATSListen is an address for other processes to reach the embedded NATS server; empty: in process only.
	NATSListen string
	// DebugListen is the address of metrics and profiles; empty: none.
	DebugListen string
	// Ruleset to run.
	Ruleset selection.Config
	// Pipeline sets how events are evaluated.
	Pipeline pipeline.Config
	// CloudTrail are folders of CloudTrail files, buckets as s3://BUCKET/PREFIX, and URLs of SQS queues; Logfiles are globs of log files.
	CloudTrail, Logfiles []string
	// Elasticsearch keeps the alerts instead of the embedded store; without URLs: what the data directory records.
	Elasticsearch elastic.Config
	// Sync makes every acknowledged write wait for the disk.
	Sync bool
	// ExitWhenIdle ends the run when everything that was there is finished and nothing came for this long; 0: run on.
	ExitWhenIdle time.Duration
	// Retention deletes alerts of events older than this; 0: never.
	Retention indexer.Age
	// Version of the program.
	Version string
}

// Validate reports everything that is wrong with the settings; it opens nothing.
func (c Config) Validate() error {
	var errs []error
	for _, a := range []struct{ flag, value string }{
		{"--listen", c.Listen}, {"--grpc-listen", c.GRPCListen}, {"--nats-listen", c.NATSListen}, {"--debug-listen", c.DebugListen},
	} {
		if a.value == "" && (a.flag == "--nats-listen" || a.flag == "--debug-listen") {
			continue
		}
		if _, _, err := net.SplitHostPort(a.value); err != nil {
			errs = append(errs, fmt.Errorf("%s %q is no address: write host:port, such as 127.0.0.1:0", a.flag, a.value))
		}
	}
	if err := c.Pipeline.Validate(); err != nil {
		errs = append(errs, err)
	}
	if c.ExitWhenIdle < 0 {
		errs = append(errs, fmt.Errorf("--exit-when-idle %s is negative", c.ExitWhenIdle))
	}
	if c.Retention > 0 && time.Duration(c.Retention) < 24*time.Hour {
		errs = append(errs, fmt.Errorf("--retention %s: keep at least 1d", c.Retention))
	}
	if c.Elasticsearch.Enabled() {
		if err := c.Elasticsearch.Validate(); err != nil {
			errs = append(errs, err)
		}
	}
	if err := c.Ruleset.Validate(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Events are what a run tells while it goes on. Every func may be nil; they are called one at a time.
type Events struct {
	// Started is called once everything answers.
	Started func(Started)
	// Alert is called for each alert as the manager publishes it.
	Alert func(*armorv1.Alert)
	// Missed is called with the number of alerts that came faster than Alert returned; the store has them.
	Missed func(uint64)
	// Idle is called whenever everything that was read is finished, the first time even if there was nothing.
	Idle func(Summary)
}

// Started says where to reach what runs.
type Started struct {
	// Endpoints as the data directory records them.
	Endpoints datadir.Endpoints
	// ConsoleURL is the console's address for a person, with the token.
	ConsoleURL string
	// Store says where alerts go, Ruleset what was loaded.
	Store, Ruleset string
	// Warnings of the ruleset's loader.
	Warnings int
}

// Summary is what a run has done so far.
type Summary struct {
	// Read events, Alerts published, Indexed: new in the store. An event that was finished in an earlier run is in none of them.
	Read, Alerts, Indexed uint64
	// DeadLetters were given up, with their bytes kept.
	DeadLetters uint64
	// Damaged inputs could not be read whole.
	Damaged []string
	// Unbalanced are conservation equations that did not hold at the end of a run that finished everything: an error in Armor.
	Unbalanced []string
}

// Clean says that nothing was damaged, given up or unaccounted for.
func (s Summary) Clean() bool { return s.DeadLetters == 0 && len(s.Damaged)+len(s.Unbalanced) == 0 }
