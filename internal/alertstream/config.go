package alertstream

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// Config says how to reach NATS and how the streams are to be. The zero value reaches a server on this machine.
type Config struct {
	// URL of the server, or several with commas between; empty: nats://127.0.0.1:4222.
	URL string `yaml:"url"`
	// User to log in as, with the password in PasswordFile.
	User string `yaml:"user"`
	// PasswordFile holds the password; it is read again at every connection.
	PasswordFile string `yaml:"password_file"`
	// CredentialsFile is a NATS .creds file, instead of user and password.
	CredentialsFile string `yaml:"credentials_file"`
	// TLS, where the server wants it.
	TLS TLS `yaml:"tls"`

	// Replicas of the streams, 1 to 5; 0: 1 for new streams, and what exists is accepted.
	Replicas int `yaml:"replicas"`
	// MaxBytes that the alert stream may hold; when it is full, publishing waits. 0: 10 GiB for a new stream on an external
	// server, the server's own limit for an embedded one, and what exists is accepted.
	MaxBytes int64 `yaml:"max_bytes"`
	// DuplicatesWindow is how long the server recognises an alert that is published again; 0: 2 minutes for a new stream,
	// and what exists is accepted. (The store recognises alerts for ever; this only saves work.)
	DuplicatesWindow time.Duration `yaml:"duplicates_window"`
	// DeadLetterBytes that the dead-letter stream may hold; when it is full, who has a dead letter waits. 0: 1 GiB for a new
	// stream on an external server, else as MaxBytes.
	DeadLetterBytes int64 `yaml:"dead_letter_bytes"`
	// JournalBytes that the managers' journal may hold; when it is full, nothing is receipted until a snapshot has made room.
	// 0: 4 GiB for a new stream on an external server, else as MaxBytes.
	JournalBytes int64 `yaml:"journal_bytes"`
	// AckTimeout is how long an acknowledgement may take before an alert is published again; 0: 5 seconds.
	AckTimeout time.Duration `yaml:"ack_timeout"`
	// Janitor removes finished alerts from the stream.
	Janitor JanitorConfig `yaml:"janitor"`

	// ClientName is shown by the server's monitoring.
	ClientName string `yaml:"-"`
	// InProcess, when set, connects to a server in this process instead of URL.
	InProcess nats.InProcessConnProvider `yaml:"-"`
}

// TLS names certificate files (PEM).
type TLS struct {
	// Certificate and Key of this client, when the server asks for one.
	Certificate string `yaml:"certificate"`
	// Key belongs to Certificate.
	Key string `yaml:"key"`
	// CA that the server's certificate is checked against; empty: the system's authorities.
	CA string `yaml:"ca"`
}

// Validate reports everything that is wrong with the configuration.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("nats: "+format, args...)) }
	for u := range strings.SplitSeq(c.URL, ",") {
		if u = strings.TrimSpace(u); strings.ContainsAny(u, " \t\n") {
			bad("url %q holds a blank; separate several servers with commas", u)
		}
	}
	if c.User != "" && c.PasswordFile == "" {
		bad("user is set but password_file is not; put the password into a file and name it")
	}
	if c.PasswordFile != "" && c.User == "" {
		bad("password_file is set but user is not")
	}
	if c.CredentialsFile != "" && c.User != "" {
		bad("credentials_file and user exclude each other; keep one")
	}
	if (c.TLS.Certificate == "") != (c.TLS.Key == "") {
		bad("tls.certificate and tls.key belong together; set both or none")
	}
	if c.Replicas < 0 || c.Replicas > 5 {
		bad("replicas is %d; it must be 1 to 5", c.Replicas)
	}
	if c.MaxBytes < 0 || c.MaxBytes > 0 && c.MaxBytes < 1<<20 {
		bad("max_bytes is %d; it must be at least 1048576 (1 MiB)", c.MaxBytes)
	}
	if c.DeadLetterBytes < 0 || c.DeadLetterBytes > 0 && c.DeadLetterBytes < 1<<20 {
		bad("dead_letter_bytes is %d; it must be at least 1048576 (1 MiB)", c.DeadLetterBytes)
	}
	if c.JournalBytes < 0 || c.JournalBytes > 0 && c.JournalBytes < 16<<20 {
		bad("journal_bytes is %d; it must be at least 16777216 (16 MiB)", c.JournalBytes)
	}
	if c.DuplicatesWindow < 0 || c.DuplicatesWindow > 0 && c.DuplicatesWindow < time.Second {
		bad("duplicates_window is %s; it must be at least 1s", c.DuplicatesWindow)
	}
	if c.AckTimeout < 0 || c.AckTimeout > 0 && c.AckTimeout < 10*time.Millisecond {
		bad("ack_timeout is %s; it must be at least 10ms", c.AckTimeout)
	}
	if c.Janitor.Interval < 0 {
		bad("janitor.interval is %s; it must not be negative", c.Janitor.Interval)
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	if c.URL == "" {
		c.URL = nats.DefaultURL
	}
	if c.AckTimeout == 0 {
		c.AckTimeout = 5 * time.Second
	}
	if c.ClientName == "" {
		c.ClientName = "armor"
	}
	c.Janitor = c.Janitor.withDefaults()
	return c
}

// where names the server for messages.
func (c Config) where() string {
	if c.InProcess != nil {
		return "the embedded NATS server"
	}
	return "NATS at " + c.URL
}
