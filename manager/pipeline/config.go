package pipeline

import (
	"errors"
	"fmt"
	"runtime"
	"time"
)

// Config sets how much is evaluated at once.
type Config struct {
	// Workers decode events in parallel; 0: one per CPU.
	Workers int `yaml:"workers"`
	// Window is how many events of one agent may be on their way without a receipt, 1,000 to 1,000,000; 0: 8,000, or
	// 100,000 with window_time event.
	Window int `yaml:"window"`
	// WindowBytes is how many bytes of events of one agent may be on their way (at least one batch always is); 0:
	// 16 MiB, or 128 MiB with window_time event.
	WindowBytes int64 `yaml:"window_bytes"`
	// TotalBytes is the same over all agents; 0: 256 MiB.
	TotalBytes int64 `yaml:"total_bytes"`
	// WindowTime is what correlation windows go by: arrival (the default), or event: then events are evaluated in the order of
	// their own times, and so give the same alerts however fast they come.
	WindowTime string `yaml:"window_time"`
	// Lateness is, with window_time event, how much later than others an event may come, by the clock, and still be evaluated in
	// its place: each waits that long, 100ms to 10m; 0: 5s. An agent's rate is then at most window / lateness.
	Lateness time.Duration `yaml:"lateness"`
	// PublishWindow is how many alerts may be without JetStream's acknowledgement; 0: 4,000.
	PublishWindow int `yaml:"publish_window"`
}

// Values of Config.WindowTime.
const (
	Arrival   = "arrival"
	EventTime = "event"
)

// largestBatch is what a batch may have: 2 MiB, or one event larger than that.
const largestBatch = 4 << 20

// WithDefaults fills in what is 0.
func (c Config) WithDefaults() Config {
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	if c.WindowTime == "" {
		c.WindowTime = Arrival
	}
	if c.WindowTime == EventTime { // events wait, so more of them are on their way
		if c.Lateness == 0 {
			c.Lateness = 5 * time.Second
		}
		if c.Window == 0 {
			c.Window = 100_000
		}
		if c.WindowBytes == 0 {
			c.WindowBytes = 128 << 20
		}
	}
	if c.Window == 0 {
		c.Window = 8_000
	}
	if c.WindowBytes == 0 {
		c.WindowBytes = 16 << 20
	}
	if c.TotalBytes == 0 {
		c.TotalBytes = 256 << 20
	}
	if c.PublishWindow == 0 {
		c.PublishWindow = 4_000
	}
	return c
}

// Validate reports everything that is wrong with the configuration.
func (c Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("pipeline: "+format, args...))
		}
	}
	check(c.Workers >= 0 && c.Workers <= 1024, "workers is %d; it must be 1 to 1024", c.Workers)
	check(c.Window == 0 || c.Window >= 1000 && c.Window <= 1_000_000, "window is %d; it must be 1000 to 1000000 (a batch has 1000)", c.Window)
	check(c.WindowBytes == 0 || c.WindowBytes >= largestBatch, "window_bytes is %d; it must be at least %d, so that a batch fits", c.WindowBytes, largestBatch)
	check(c.TotalBytes == 0 || c.TotalBytes >= largestBatch, "total_bytes is %d; it must be at least %d, so that a batch fits", c.TotalBytes, largestBatch)
	check(c.WindowTime == "" || c.WindowTime == Arrival || c.WindowTime == EventTime, "window_time is %q; it must be arrival or event", c.WindowTime)
	check(c.Lateness == 0 || c.Lateness >= 100*time.Millisecond && c.Lateness <= 10*time.Minute, "lateness is %s; it must be 100ms to 10m", c.Lateness)
	check(c.Lateness == 0 || c.WindowTime == EventTime, "lateness is set, but window_time is not event")
	check(c.PublishWindow >= 0 && c.PublishWindow <= 1_000_000, "publish_window is %d; it must be 1 to 1000000", c.PublishWindow)
	return errors.Join(errs...)
}
