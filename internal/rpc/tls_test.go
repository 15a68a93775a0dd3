package rpc_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"armor/internal/rpc"
)

func TestStrangersAreRefused(t *testing.T) {
	dir, other := authority(t), authority(t)
	server := serve(t, rpc.ServerConfig{Listen: "127.0.0.1:0", TLS: files(dir, "manager")}, nil)
	issue(t, dir, func() time.Time { return time.Now().Add(-2 * time.Hour) }, rpc.Identity{Role: rpc.RoleOperator, ID: "late"})
	mixed := files(other, "anna")
	mixed.CA = filepath.Join(dir, "ca.crt")
	for name, tls := range map[string]rpc.TLSConfig{
		"another authority's server": files(other, "anna"),
		"another authority's client": mixed,
		"no client certificate":      {CA: filepath.Join(dir, "ca.crt")},
		"an expired certificate":     files(dir, "late"),
	} {
		conn := dial(t, rpc.ClientConfig{Address: server.Addr(), TLS: tls})
		_, err := caller(t, conn)
		wantCode(t, name, err, codes.Unavailable)
	}
	token := filepath.Join(t.TempDir(), "token")
	if _, err := rpc.LoadOrCreateToken(token); err != nil {
		t.Fatal(err)
	}
	_, err := caller(t, dial(t, rpc.ClientConfig{Address: server.Addr(), TokenFile: token}))
	wantCode(t, "plain text", err, codes.Unavailable)
}

func TestAgentCertificateIsNoServer(t *testing.T) {
	dir := authority(t)
	server := serve(t, rpc.ServerConfig{Listen: "127.0.0.1:0", TLS: files(dir, "agent-web-1")}, nil)
	_, err := caller(t, dial(t, rpc.ClientConfig{Address: server.Addr(), TLS: files(dir, "anna")}))
	wantCode(t, "a server with an agent's certificate", err, codes.Unavailable)
}

func TestCertificateMustSayWho(t *testing.T) {
	dir := authority(t)
	server := serve(t, rpc.ServerConfig{Listen: "127.0.0.1:0", TLS: files(dir, "manager")}, nil)
	for name, uris := range map[string][]string{
		"none":          nil,
		"foreign":       {"spiffe://armor/agent/web-1"},
		"two":           {"armor://agent/web-1", "armor://operator/anna"},
		"unknown role":  {"armor://root/x"},
		"empty id":      {"armor://agent/"},
		"the process":   {"armor://agent/000"},
		"path in id":    {"armor://agent/a/b"},
		"query":         {"armor://agent/web-1?x=1"},
		"local":         {"armor://local/x"},
		"odd character": {"armor://agent/web.1"},
	} {
		t.Run(name, func(t *testing.T) {
			sign(t, dir, "strange", uris)
			_, err := caller(t, dial(t, rpc.ClientConfig{Address: server.Addr(), TLS: files(dir, "strange")}))
			wantCode(t, "a call", err, codes.Unauthenticated)
		})
	}
}

// sign makes a client certificate with any URIs, as an authority that is not `armor certs init` might.
func sign(t *testing.T, dir, name string, uris []string) {
	t.Helper()
	read := func(file string) []byte {
		content, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(content)
		return block.Bytes
	}
	ca, err := x509.ParseCertificate(read("ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	caKey, err := x509.ParsePKCS8PrivateKey(read("ca.key"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Minute),
		NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, u := range uris {
		parsed, err := url.Parse(u)
		if err != nil {
			t.Fatal(err)
		}
		template.URIs = append(template.URIs, parsed)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca, &key.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		name + ".crt": {Type: "CERTIFICATE", Bytes: der}, name + ".key": {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTokenOverTLS(t *testing.T) {
	dir := authority(t)
	tls := files(dir, "manager")
	tls.CA = ""
	token := filepath.Join(t.TempDir(), "token")
	server := serve(t, rpc.ServerConfig{Listen: "127.0.0.1:0", TLS: tls, TokenFile: token}, nil)
	trust := rpc.TLSConfig{CA: filepath.Join(dir, "ca.crt")}
	if who, err := caller(t, dial(t, rpc.ClientConfig{Address: server.Addr(), TLS: trust, TokenFile: token})); err != nil || who != "local" {
		t.Errorf("with the token: %q, %v", who, err)
	}
	_, err := caller(t, dial(t, rpc.ClientConfig{Address: server.Addr(), TLS: trust}))
	wantCode(t, "without the token", err, codes.Unauthenticated)
}

// TestNewCertificatesAreUsed replaces all files by those of another authority while the server runs: new connections use them.
func TestNewCertificatesAreUsed(t *testing.T) {
	dir, next := authority(t), authority(t)
	server := serve(t, rpc.ServerConfig{Listen: "127.0.0.1:0", TLS: files(dir, "manager")}, nil)
	if _, err := caller(t, dial(t, rpc.ClientConfig{Address: server.Addr(), TLS: files(dir, "anna")})); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"ca.crt", "manager.crt", "manager.key"} {
		if err := os.Rename(filepath.Join(next, file), filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
	}
	newTLS := files(next, "anna")
	newTLS.CA = filepath.Join(dir, "ca.crt")
	deadline, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		_, err := caller(t, dial(t, rpc.ClientConfig{Address: server.Addr(), TLS: newTLS}))
		if err == nil {
			return
		}
		if deadline.Err() != nil {
			t.Fatalf("the new certificates are not used: %v", err)
		}
	}
}

func TestTLSFilesThatDoNotLoad(t *testing.T) {
	dir := authority(t)
	broken := filepath.Join(dir, "broken")
	if err := os.WriteFile(broken, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := files(dir, "manager")
	for name, tls := range map[string]rpc.TLSConfig{
		"missing":        {Certificate: filepath.Join(dir, "no.crt"), Key: good.Key, CA: good.CA},
		"no PEM":         {Certificate: good.Certificate, Key: good.Key, CA: broken},
		"do not belong":  {Certificate: good.Certificate, Key: filepath.Join(dir, "anna.key"), CA: good.CA},
		"no certificate": {CA: good.CA},
		"no key":         {Certificate: good.Certificate},
	} {
		_, err := rpc.NewServer(rpc.ServerConfig{Listen: "127.0.0.1:0", TLS: tls, TokenFile: filepath.Join(dir, "token")}, quiet, nil)
		if err == nil || !strings.Contains(err.Error(), "tls.") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
