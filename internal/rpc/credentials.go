package rpc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"armor/internal/sparselog"
)

// serverCredentials are those of the certificate files, or none; connections from inside the process never need them.
func serverCredentials(cfg TLSConfig, log *slog.Logger) (credentials.TransportCredentials, error) {
	network, err := reloading(cfg, log, func(c *tls.Config, authorities *x509.CertPool) {
		if authorities != nil {
			c.ClientCAs, c.ClientAuth = authorities, tls.RequireAndVerifyClientCert
		}
	})
	if err != nil {
		return nil, err
	}
	return inProcessAware{reporting{network, log, new(sparselog.Log)}}, nil
}

// clientCredentials are those of the certificate files, or none.
func clientCredentials(cfg TLSConfig, log *slog.Logger) (credentials.TransportCredentials, error) {
	return reloading(cfg, log, func(c *tls.Config, authorities *x509.CertPool) { c.RootCAs = authorities })
}

// reloading gives credentials that follow their files; trust says what the authorities are for.
func reloading(cfg TLSConfig, log *slog.Logger, trust func(*tls.Config, *x509.CertPool)) (credentials.TransportCredentials, error) {
	if !cfg.Enabled() {
		return insecure.NewCredentials(), nil
	}
	load := func() (credentials.TransportCredentials, error) {
		c, authorities, err := loadTLS(cfg)
		if err != nil {
			return nil, err
		}
		trust(c, authorities)
		return credentials.NewTLS(c), nil
	}
	files := []string{cfg.Certificate, cfg.Key, cfg.CA}
	w, err := watch(files, load, log.With("what", "certificates"))
	if err != nil {
		return nil, err
	}
	return fileCredentials{w}, nil
}

// loadTLS reads the files; the pool is nil without an authority.
func loadTLS(cfg TLSConfig) (*tls.Config, *x509.CertPool, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS13}
	if cfg.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(cfg.Certificate, cfg.Key)
		if err != nil {
			return nil, nil, fmt.Errorf("loading tls.certificate %s with tls.key %s: %w", cfg.Certificate, cfg.Key, err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	if cfg.CA == "" {
		return c, nil, nil
	}
	pem, err := os.ReadFile(cfg.CA)
	if err != nil {
		return nil, nil, fmt.Errorf("loading tls.ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, nil, fmt.Errorf("loading tls.ca: %s holds no PEM certificate", cfg.CA)
	}
	return c, pool, nil
}

// fileCredentials makes each handshake with the files as they are at that moment.
type fileCredentials struct {
	current *watched[credentials.TransportCredentials]
}

func (c fileCredentials) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return c.current.get().ClientHandshake(ctx, authority, conn)
}

func (c fileCredentials) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return c.current.get().ServerHandshake(conn)
}

func (c fileCredentials) Info() credentials.ProtocolInfo          { return c.current.get().Info() }
func (c fileCredentials) Clone() credentials.TransportCredentials { return c }
func (c fileCredentials) OverrideServerName(string) error {
	return errors.New("the server's name is its address: it cannot be overridden")
}
