package rpc

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// TLSConfig names the certificate files of one side of a connection. All are PEM. They are read again when they change.
type TLSConfig struct {
	// Certificate is the file of this side's certificate chain, leaf first.
	Certificate string `yaml:"certificate"`
	// Key is the file of the certificate's private key.
	Key string `yaml:"key"`
	// CA is the file of the authorities that the other side is checked against. On a server it makes client certificates
	// compulsory; on a client it makes the connection a TLS one.
	CA string `yaml:"ca"`
}

// Enabled says whether any file is named, that is whether the connection is to be encrypted.
func (c TLSConfig) Enabled() bool { return c.Certificate != "" || c.Key != "" || c.CA != "" }

// Validate reports a certificate without its key, or a key without its certificate.
func (c TLSConfig) Validate() error {
	switch {
	case c.Certificate != "" && c.Key == "":
		return errors.New("tls.certificate is set but tls.key is not: name the file of its private key")
	case c.Certificate == "" && c.Key != "":
		return errors.New("tls.key is set but tls.certificate is not: name the file of its certificate")
	}
	return nil
}

// ServerConfig says where a server listens and how callers prove who they are.
type ServerConfig struct {
	// Listen is the address to listen on, host:port; port 0 takes a free one. Without certificates the host must be a
	// loopback address.
	Listen string `yaml:"listen"`
	// TLS holds the server's certificate files; with a CA every caller needs a client certificate.
	TLS TLSConfig `yaml:"tls"`
	// TokenFile is the file of the token that callers without a client certificate must send. It is made with mode 0600
	// when it is missing. Services set it to `token` in their data directory where the configuration leaves it empty.
	TokenFile string `yaml:"token_file"`
}

// Validate reports everything that is wrong with the settings, without touching the files they name.
func (c ServerConfig) Validate() error {
	var problems []error
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		problems = append(problems, fmt.Errorf("listen %q is not an address: write host:port, such as 127.0.0.1:7401", c.Listen))
	}
	if tlsErr := c.TLS.Validate(); tlsErr != nil {
		problems = append(problems, tlsErr)
	}
	if c.TLS.CA != "" && c.TLS.Certificate == "" {
		problems = append(problems, errors.New("tls.ca is set but tls.certificate is not: a server that checks client certificates needs its own"))
	}
	if err == nil && !c.TLS.Enabled() && !isLoopback(host) {
		problems = append(problems, fmt.Errorf("listen %q reaches beyond this machine, and there is no certificate: "+
			"set tls.certificate and tls.key (`armor certs init` makes them), or listen on 127.0.0.1", c.Listen))
	}
	if c.TLS.CA == "" && c.TokenFile == "" {
		problems = append(problems, errors.New("token_file is empty: callers without a client certificate need a token"))
	}
	return errors.Join(problems...)
}

// ClientConfig says which server to call and how to prove who is calling.
type ClientConfig struct {
	// Address is the server's host:port. Without TLS it must be on this machine.
	Address string `yaml:"address"`
	// TLS holds the authority to check the server against and, for mutual TLS, this side's certificate.
	TLS TLSConfig `yaml:"tls"`
	// TokenFile is the file of the server's token; not needed with a client certificate.
	TokenFile string `yaml:"token_file"`
}

// Validate reports everything that is wrong with the settings, without touching the files they name.
func (c ClientConfig) Validate() error {
	var problems []error
	host, _, err := net.SplitHostPort(c.Address)
	if err != nil {
		problems = append(problems, fmt.Errorf("address %q is not an address: write host:port", c.Address))
	}
	if tlsErr := c.TLS.Validate(); tlsErr != nil {
		problems = append(problems, tlsErr)
	}
	if c.TLS.Certificate != "" && c.TLS.CA == "" {
		problems = append(problems, errors.New("tls.certificate is set but tls.ca is not: name the file of the authority that signed the server's certificate"))
	}
	if err == nil && !c.TLS.Enabled() && !isLoopback(host) {
		problems = append(problems, fmt.Errorf("address %q is not on this machine, and there is no certificate: "+
			"set tls.ca, and tls.certificate and tls.key for mutual TLS", c.Address))
	}
	return errors.Join(problems...)
}

// isLoopback says whether a host as written in an address can only be this machine.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
