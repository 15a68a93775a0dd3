package elastic

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// transport is the HTTP transport with the login. The secret is read again after a login was refused, so that it can be
// changed while the indexer runs.
type transport struct {
	*http.Transport
	cfg Config

	mu     sync.Mutex
	header string // value of Authorization; empty: to be read
}

func newTransport(cfg Config) (*transport, error) {
	t := &transport{cfg: cfg, Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		MaxIdleConnsPerHost:   8,
		IdleConnTimeout:       90 * time.Second,
		ExpectContinueTimeout: time.Second,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
	}}
	if cfg.CA != "" {
		pem, err := os.ReadFile(cfg.CA)
		if err != nil {
			return nil, fmt.Errorf("elasticsearch.ca: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("elasticsearch.ca: %s holds no certificate in PEM form", cfg.CA)
		}
		t.TLSClientConfig.RootCAs = pool
	}
	if _, err := t.authorization(); err != nil {
		return nil, err
	}
	return t, nil
}

// RoundTrip sends a request with the login.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	header, err := t.authorization()
	if err != nil {
		return nil, err
	}
	if header != "" {
		req = req.Clone(req.Context())
		req.Header.Set("Authorization", header)
	}
	resp, err := t.Transport.RoundTrip(req)
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		t.mu.Lock()
		t.header = ""
		t.mu.Unlock()
	}
	return resp, err
}

func (t *transport) authorization() (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.header != "" {
		return t.header, nil
	}
	switch {
	case t.cfg.APIKeyFile != "":
		key, err := secret("api_key_file", t.cfg.APIKeyFile)
		if err != nil {
			return "", err
		}
		t.header = "ApiKey " + key
	case t.cfg.User != "":
		password, err := secret("password_file", t.cfg.PasswordFile)
		if err != nil {
			return "", err
		}
		t.header = "Basic " + base64.StdEncoding.EncodeToString([]byte(t.cfg.User+":"+password))
	}
	return t.header, nil
}

// secret reads a file of one line.
func secret(setting, path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("elasticsearch.%s: %w", setting, err)
	}
	s := strings.TrimRight(string(b), "\r\n")
	if s == "" || strings.ContainsAny(s, "\r\n") {
		return "", fmt.Errorf("elasticsearch.%s: %s must hold one line, the secret", setting, path)
	}
	return s, nil
}
