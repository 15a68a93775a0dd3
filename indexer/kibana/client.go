package kibana

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// maxAnswer bounds an answer of Kibana, in bytes. The objects are some 100 KiB.
const maxAnswer = 32 << 20

// Options are what a client tells and by which clock it waits.
type Options struct {
	// Progress is told, in a line, what is waited for, when that changes and every ten seconds; nil: nobody is.
	Progress func(line string)
	// Sleep waits until d is over or ctx ends; nil: by the machine's clock.
	Sleep func(ctx context.Context, d time.Duration) error
	// Now is the clock that measures the waiting; nil: the machine's.
	Now func() time.Time
}

// Client installs the saved objects in one space of a Kibana.
type Client struct {
	cfg    Config
	opts   Options
	http   *http.Client
	base   string
	header string // value of Authorization; empty: none
}

// New makes a client. Files that the settings name must be readable; Kibana need not be there yet.
func New(cfg Config, opts Options) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = time.Minute
	}
	if opts.Progress == nil {
		opts.Progress = func(string) {}
	}
	if opts.Sleep == nil {
		opts.Sleep = sleep
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if cfg.CA != "" {
		pem, err := os.ReadFile(cfg.CA)
		if err != nil {
			return nil, fmt.Errorf("the authorities' file: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("the authorities' file %s holds no certificate in PEM form", cfg.CA)
		}
		transport.TLSClientConfig.RootCAs = pool
	}
	c := &Client{cfg: cfg, opts: opts, base: strings.TrimRight(cfg.URL, "/"), http: &http.Client{
		Transport: transport,
		// A redirect leads to a page for people; following it would take a log-in page for an answer.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	switch {
	case cfg.APIKeyFile != "":
		key, err := secret(cfg.APIKeyFile)
		if err != nil {
			return nil, fmt.Errorf("the API key: %w", err)
		}
		c.header = "ApiKey " + key
	case cfg.User != "":
		password, err := secret(cfg.PasswordFile)
		if err != nil {
			return nil, fmt.Errorf("the password: %w", err)
		}
		c.header = "Basic " + base64.StdEncoding.EncodeToString([]byte(cfg.User+":"+password))
	}
	return c, nil
}

// Close frees the connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// secret reads a file of one line.
func secret(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	s := strings.TrimRight(string(b), "\r\n")
	if s == "" || strings.ContainsAny(s, "\r\n") {
		return "", fmt.Errorf("%s must hold one line, the secret", path)
	}
	return s, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// inSpace is the path of a call in the client's space.
func (c *Client) inSpace(path string) string {
	if c.cfg.Space == "" || c.cfg.Space == DefaultSpace {
		return path
	}
	return "/s/" + c.cfg.Space + path
}

// call sends one request and reads the answer whole. An answer that is no success is an *AnswerError; no answer at all is a
// *lostError where a later attempt may get one.
func (c *Client) call(ctx context.Context, method, path, contentType string, body []byte) ([]byte, error) {
	limited, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(limited, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("asking Kibana: %w", err)
	}
	req.Header.Set("Kbn-Xsrf", "true") // Kibana refuses changes without it
	req.Header.Set("Accept", "application/json, application/ndjson")
	req.Header.Set("User-Agent", "armor")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if c.header != "" {
		req.Header.Set("Authorization", c.header)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.lost(ctx, limited, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, c.lost(ctx, limited, err)
	case len(answer) > maxAnswer:
		return nil, fmt.Errorf("asking Kibana: the answer to %s %s is larger than %d bytes", method, path, maxAnswer)
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return nil, c.answerError(method+" "+c.base+path, resp, answer)
	}
	return answer, nil
}

// callJSON is call with an answer in JSON, which is read into a form.
func (c *Client) callJSON(ctx context.Context, method, path, contentType string, body []byte, into any) error {
	answer, err := c.call(ctx, method, path, contentType, body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("what answers at %s is not Kibana: %s is answered with %q; check the address, and Kibana's base path", c.base, path, brief(answer))
	}
	return nil
}

// retry calls f until it succeeds, fails for good, or the waiting is over.
func (c *Client) retry(ctx context.Context, f func() error) error {
	started := c.opts.Now()
	var told time.Time
	said := ""
	for pause := time.Second; ; pause = min(2*pause, 5*time.Second) {
		err := f()
		if err == nil || !retryable(err) {
			return err
		}
		waited := c.opts.Now().Sub(started)
		if waited >= c.cfg.Wait {
			if c.cfg.Wait == 0 {
				return err
			}
			return fmt.Errorf("waited %v for Kibana in vain: %w", c.cfg.Wait, err)
		}
		if text := err.Error(); text != said || c.opts.Now().Sub(told) >= 10*time.Second {
			c.opts.Progress(fmt.Sprintf("waiting for Kibana (%v of %v): %s", waited.Truncate(time.Second), c.cfg.Wait, text))
			said, told = text, c.opts.Now()
		}
		d := min(pause/2+rand.N(pause/2+1), c.cfg.Wait-waited)
		if err := c.opts.Sleep(ctx, d); err != nil {
			return fmt.Errorf("waiting for Kibana: %w", err)
		}
	}
}
