// Package embedded runs a NATS server with JetStream inside this process: what it acknowledged is in its directory and there
// again after a restart.
package embedded

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// maxPayload is the largest message in bytes.
const maxPayload = 1 << 20

// Config says where and how.
type Config struct {
	// Dir is the directory of the file store; it is made if missing. Only one process may use it.
	Dir string `yaml:"dir"`
	// Sync makes an acknowledgement mean that the disk has it (fsync). Without it a crash of the machine, not of the process,
	// may lose the last two minutes.
	Sync bool `yaml:"sync"`
	// Listen is an address (host:port, port 0: any free one) for other processes; empty: none, this process only. There is no
	// log-in: keep it on loopback.
	Listen string `yaml:"listen"`
	// MaxBytes that JetStream may use on the disk; 0: three quarters of what is free at the start.
	MaxBytes int64 `yaml:"max_bytes"`
}

// Validate reports everything that is wrong with the configuration.
func (c Config) Validate() error {
	var errs []error
	if c.Dir == "" {
		errs = append(errs, errors.New("embedded NATS: dir is empty; name a directory for its file store"))
	}
	if c.Listen != "" {
		if _, _, err := listenAddress(c.Listen); err != nil {
			errs = append(errs, err)
		}
	}
	if c.MaxBytes < 0 {
		errs = append(errs, fmt.Errorf("embedded NATS: max_bytes is %d; it must not be negative", c.MaxBytes))
	}
	return errors.Join(errs...)
}

func listenAddress(listen string) (host string, port int, err error) {
	host, p, err := net.SplitHostPort(listen)
	if err == nil {
		port, err = strconv.Atoi(p)
	}
	if err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("embedded NATS: listen address %q is not host:port", listen)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return host, port, nil
}

// Server is a running server.
type Server struct {
	ns *server.Server
}

// startTimeout is how long a start may take: it reads the streams on the disk.
const startTimeout = 5 * time.Minute

// Start starts a server and waits until it takes connections.
func Start(cfg Config, log *slog.Logger) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("embedded NATS: making its directory: %w", err)
	}
	if err := writable(cfg.Dir); err != nil {
		return nil, err
	}
	opts := &server.Options{
		ServerName:         "armor-embedded",
		JetStream:          true,
		StoreDir:           cfg.Dir,
		JetStreamMaxStore:  cfg.MaxBytes,
		JetStreamMaxMemory: 64 << 20,
		SyncAlways:         cfg.Sync,
		MaxPayload:         maxPayload,
		NoSigs:             true,
		DontListen:         cfg.Listen == "",
		NoSystemAccount:    false,
		WriteDeadline:      30 * time.Second,
		MaxPending:         256 << 20,
	}
	if cfg.Listen != "" {
		var err error
		if opts.Host, opts.Port, err = listenAddress(cfg.Listen); err != nil {
			return nil, err
		}
		// The server itself would only log a port in use and go on without it.
		if err := free(cfg.Listen); err != nil {
			return nil, err
		}
	}
	ns, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("embedded NATS: %w", err)
	}
	logger := &logger{log: log.With("component", "nats")}
	ns.SetLoggerV2(logger, false, false, false)
	started := make(chan struct{})
	go func() {
		ns.Start()
		close(started)
	}()
	ready := ns.ReadyForConnections(startTimeout)
	<-started
	if !ready || !ns.JetStreamEnabled() {
		ns.Shutdown()
		ns.WaitForShutdown()
		return nil, fmt.Errorf("embedded NATS does not start in %s: %s", cfg.Dir, logger.last())
	}
	return &Server{ns: ns}, nil
}

// writable tells early and clearly what JetStream would only say in its log.
func writable(dir string) error {
	f, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return fmt.Errorf("embedded NATS: its directory cannot be written: %w", err)
	}
	name := f.Name()
	if err := errors.Join(f.Close(), os.Remove(name)); err != nil {
		return fmt.Errorf("embedded NATS: trying its directory: %w", err)
	}
	return nil
}

func free(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("embedded NATS: listening on %s: %w", address, err)
	}
	return l.Close()
}

// InProcess gives the server itself as a provider of connections without a network, for alertstream.Config.InProcess.
func (s *Server) InProcess() *server.Server { return s.ns }

// ClientURL is the address for other processes; empty when the server does not listen.
func (s *Server) ClientURL() string {
	if s.ns.Addr() == nil {
		return ""
	}
	return s.ns.ClientURL()
}

// Shutdown stops the server, with everything it acknowledged on the disk.
func (s *Server) Shutdown() {
	s.ns.Shutdown()
	s.ns.WaitForShutdown()
}
