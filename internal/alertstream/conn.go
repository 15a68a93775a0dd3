package alertstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"armor/internal/sparselog"
)

const (
	connectFirst = 100 * time.Millisecond
	// disabledPatience is how many answers "JetStream is not enabled" are waited out: a cluster that starts may say so at first.
	disabledPatience = 4
	callTimeout      = 10 * time.Second
)

// Conn is a connection to NATS with the streams checked. It is safe for concurrent use.
type Conn struct {
	cfg     Config
	log     *slog.Logger
	metrics *metrics
	letters sparselog.Log

	mu         sync.Mutex
	nc         *nats.Conn
	js         jetstream.JetStream
	closed     bool
	problems   map[string]error // by part: why this Conn is not ready
	publishers []*Publisher
	again      chan struct{}   // closed and replaced when the connection is there again
	link       context.Context // ends when the connection is lost
	lose       context.CancelFunc

	life context.Context // ends with Close
	stop context.CancelFunc
	work sync.WaitGroup
}

// New makes a Conn that is not connected yet: Ready says why. Most callers want Connect.
func New(cfg Config, log *slog.Logger, reg prometheus.Registerer) (*Conn, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	c := &Conn{cfg: cfg, log: log, metrics: newMetrics(reg), problems: map[string]error{}, again: make(chan struct{})}
	c.life, c.stop = context.WithCancel(context.Background())
	c.link, c.lose = context.WithCancel(c.life)
	c.setProblem("connection", fmt.Errorf("not connected to %s yet", cfg.where()))
	return c, nil
}

// Connect makes a Conn and waits until NATS is there and its streams are as they must be. It ends without success only when
// ctx ends or with a PermanentError.
func Connect(ctx context.Context, cfg Config, log *slog.Logger, reg prometheus.Registerer) (*Conn, error) {
	c, err := New(cfg, log, reg)
	if err != nil {
		return nil, err
	}
	if err := c.Open(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Open connects: it tries again with jittered back-off, saying so in the log, until NATS is there and its streams are as they
// must be. Wrong credentials are tried again too, for they can be mended on the server; Ready carries the reason meanwhile. It
// fails with a PermanentError where waiting does not help, or when ctx ends.
func (c *Conn) Open(ctx context.Context) error {
	disabled := 0
	for attempt := 0; ; attempt++ {
		err := c.open(ctx)
		if err == nil {
			c.log.Info("connected", "nats", c.cfg.where(), "attempts", attempt+1)
			return nil
		}
		if errors.Is(err, jetstream.ErrJetStreamNotEnabled) && disabled < disabledPatience {
			disabled++
		} else if IsPermanent(err) {
			return err
		}
		c.setProblem("connection", err)
		if attempt < 3 || attempt%10 == 0 {
			c.log.Warn("waiting for NATS", "nats", c.cfg.where(), "attempt", attempt+1, "err", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w (last try: %w)", c.cfg.where(), ctx.Err(), err)
		case <-c.life.Done():
			return ErrClosed
		case <-time.After(backOff(attempt, connectFirst)):
		}
	}
}

func (c *Conn) open(ctx context.Context) error {
	c.mu.Lock()
	nc := c.nc
	c.mu.Unlock()
	if nc == nil {
		options, err := c.options()
		if err != nil {
			return err
		}
		nc, err = nats.Connect(c.cfg.URL, options...)
		if err != nil {
			return fmt.Errorf("connecting to %s: %w", c.cfg.where(), explainAuth(c.cfg, err))
		}
		js, err := jetstream.New(nc)
		if err != nil {
			nc.Close()
			return fmt.Errorf("connecting to %s: %w", c.cfg.where(), err)
		}
		c.mu.Lock()
		if c.closed {
			c.mu.Unlock()
			nc.Close()
			return ErrClosed
		}
		c.nc, c.js = nc, js
		c.mu.Unlock()
	}
	c.setProblem("connection", nil)
	if err := c.prepare(ctx); err != nil {
		c.setProblem("streams", err)
		return err
	}
	c.setProblem("streams", nil)
	return nil
}

// prepare checks the server and its streams.
func (c *Conn) prepare(ctx context.Context) error {
	if got := c.nc.MaxPayload(); got < minPayload {
		return &PermanentError{fmt.Errorf("%s takes messages of at most %d bytes, alerts need %d; set max_payload: 1MB (or more) in its configuration",
			c.cfg.where(), got, minPayload)}
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return c.ensure(ctx)
}

func (c *Conn) options() ([]nats.Option, error) {
	cfg := c.cfg
	opts := []nats.Option{
		nats.Name(cfg.ClientName),
		nats.Timeout(5 * time.Second),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(),
		nats.ReconnectBufSize(-1), // what cannot be sent now is kept and sent again by us, once
		nats.CustomReconnectDelay(func(n int) time.Duration { return backOff(n, connectFirst) }),
		nats.PingInterval(10 * time.Second),
		nats.MaxPingsOutstanding(2),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { c.disconnected(err) }),
		nats.ReconnectHandler(func(*nats.Conn) { c.reconnected() }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) {
			c.setProblem("connection", fmt.Errorf("connecting to %s: %w", cfg.where(), explainAuth(cfg, err)))
		}),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			subject := ""
			if sub != nil {
				subject = sub.Subject
			}
			c.log.Warn("NATS reports an error", "nats", cfg.where(), "subject", subject, "err", err)
		}),
	}
	if cfg.InProcess != nil {
		opts = append(opts, nats.InProcessServer(cfg.InProcess))
	}
	if cfg.User != "" {
		if _, err := os.ReadFile(cfg.PasswordFile); err != nil {
			return nil, fmt.Errorf("reading nats.password_file: %w", err)
		}
		opts = append(opts, nats.UserInfoHandler(func() (string, string) {
			password, err := os.ReadFile(cfg.PasswordFile)
			if err != nil {
				c.log.Error("reading nats.password_file", "err", err)
			}
			return cfg.User, strings.TrimRight(string(password), "\r\n")
		}))
	}
	if cfg.CredentialsFile != "" {
		if _, err := os.Stat(cfg.CredentialsFile); err != nil {
			return nil, fmt.Errorf("reading nats.credentials_file: %w", err)
		}
		opts = append(opts, nats.UserCredentials(cfg.CredentialsFile))
	}
	if cfg.TLS.CA != "" {
		opts = append(opts, nats.RootCAs(cfg.TLS.CA))
	}
	if cfg.TLS.Certificate != "" {
		opts = append(opts, nats.ClientCert(cfg.TLS.Certificate, cfg.TLS.Key))
	}
	return opts, nil
}

// explainAuth adds the remedy to a failure to connect, a refusal above all.
func explainAuth(cfg Config, err error) error {
	if errors.Is(err, nats.ErrNoServers) {
		return fmt.Errorf("no server answers there (does it run, and is nats.url right?): %w", err)
	}
	if !errors.Is(err, nats.ErrAuthorization) && !errors.Is(err, nats.ErrAuthExpired) && !errors.Is(err, nats.ErrAuthRevoked) {
		return err
	}
	who := "without credentials"
	switch {
	case cfg.User != "":
		who = fmt.Sprintf("user %q with nats.password_file %s", cfg.User, cfg.PasswordFile)
	case cfg.CredentialsFile != "":
		who = "nats.credentials_file " + cfg.CredentialsFile
	}
	return fmt.Errorf("the server refuses us (%s): %w", who, err)
}

func (c *Conn) disconnected(err error) {
	if c.life.Err() != nil {
		return
	}
	if err == nil {
		err = errors.New("connection closed")
	}
	err = fmt.Errorf("connection to %s lost: %w", c.cfg.where(), err)
	c.setProblem("connection", err)
	c.log.Warn("connection lost, trying again", "nats", c.cfg.where(), "err", err)
	c.mu.Lock()
	publishers := slices.Clone(c.publishers)
	c.lose()
	c.mu.Unlock()
	for _, p := range publishers {
		p.fail(err)
	}
}

// Reconnected is closed when the connection that was lost is there again: whoever waits to try again may do so at once.
func (c *Conn) Reconnected() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.again
}

// untilLost gives a context that ends with ctx, or as soon as the connection of this moment is lost: no answer comes then.
func (c *Conn) untilLost(ctx context.Context) (context.Context, context.CancelFunc) {
	c.mu.Lock()
	link := c.link
	c.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(link, cancel)
	return ctx, func() { stop(); cancel() }
}

// reconnected checks the streams again: the server may have lost its data.
func (c *Conn) reconnected() {
	c.metrics.reconnects.Inc()
	c.setProblem("connection", nil)
	c.log.Info("connected again", "nats", c.cfg.where())
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	c.link, c.lose = context.WithCancel(c.life)
	close(c.again)
	c.again = make(chan struct{})
	c.work.Add(1)
	c.mu.Unlock()
	go func() {
		defer c.work.Done()
		for attempt := 0; c.life.Err() == nil && c.nc.IsConnected(); attempt++ {
			err := c.prepare(c.life)
			c.setProblem("streams", err)
			if err == nil {
				return
			}
			if attempt < 3 || attempt%10 == 0 {
				c.log.Warn("checking the streams", "nats", c.cfg.where(), "attempt", attempt+1, "err", err)
			}
			select {
			case <-c.life.Done():
			case <-time.After(backOff(attempt, connectFirst)):
			}
		}
	}()
}

// setProblem notes why a part is not ready; nil: it is.
func (c *Conn) setProblem(part string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		delete(c.problems, part)
	} else {
		c.problems[part] = err
	}
}

// Ready is nil when alerts can be published and consumed at this moment; else it says why not.
func (c *Conn) Ready() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	if err := c.problems["connection"]; err != nil {
		return err
	}
	parts := make([]string, 0, len(c.problems))
	for part := range c.problems {
		parts = append(parts, part)
	}
	slices.Sort(parts)
	errs := make([]error, 0, len(parts))
	for _, part := range parts {
		errs = append(errs, c.problems[part])
	}
	return errors.Join(errs...)
}

// Close ends the connection and everything made from it. Alerts whose acknowledgement is open are given back with ErrClosed.
func (c *Conn) Close() {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	c.closed = true
	nc, publishers := c.nc, slices.Clone(c.publishers)
	c.mu.Unlock()
	c.stop()
	for _, p := range publishers {
		p.Close()
	}
	c.work.Wait()
	if nc != nil {
		nc.Close()
	}
}

func (c *Conn) forget(p *Publisher) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.publishers = slices.DeleteFunc(c.publishers, func(q *Publisher) bool { return q == p })
}

// jetStream gives the JetStream interface, or why there is none.
func (c *Conn) jetStream() (jetstream.JetStream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return nil, ErrClosed
	case c.js == nil:
		return nil, fmt.Errorf("not connected to %s", c.cfg.where())
	}
	return c.js, nil
}
