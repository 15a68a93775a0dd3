package certs

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"armor/internal/rpc"
)

func clock() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

func TestIssueKeepsWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	authority, made, err := Open(dir, clock)
	if err != nil || !made {
		t.Fatalf("Open: %v, made %v", err, made)
	}
	subjects := []Subject{
		{Identity: rpc.Identity{Role: rpc.RoleService, ID: "manager"}, Hosts: []string{"localhost", "127.0.0.1"}},
		{Identity: rpc.Identity{Role: rpc.RoleAgent, ID: "001"}},
	}
	for _, s := range subjects {
		if made, err := authority.Issue(s, 24*time.Hour); err != nil || !made {
			t.Fatalf("Issue %s: %v, made %v", s.ID, err, made)
		}
	}
	again, made, err := Open(dir, clock)
	if err != nil || made {
		t.Fatalf("second Open: %v, made %v", err, made)
	}
	if made, err := again.Issue(subjects[0], 24*time.Hour); err != nil || made {
		t.Fatalf("second Issue: %v, made %v", err, made)
	}
	pool := x509.NewCertPool()
	pool.AddCert(again.cert)
	for _, s := range subjects {
		cert, _, err := load(filepath.Join(dir, s.FileName()+".crt"), filepath.Join(dir, s.FileName()+".key"))
		if err != nil {
			t.Fatal(err)
		}
		if len(cert.URIs) != 1 || cert.URIs[0].String() != s.URI().String() {
			t.Errorf("URIs %v, want %s", cert.URIs, s.URI())
		}
		if _, err := cert.Verify(x509.VerifyOptions{Roots: pool, CurrentTime: clock(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
			t.Errorf("%s as a client: %v", s.ID, err)
		}
		for _, host := range s.Hosts {
			if _, err := cert.Verify(x509.VerifyOptions{Roots: pool, CurrentTime: clock(), DNSName: host}); err != nil {
				t.Errorf("%s as server %s: %v", s.ID, host, err)
			}
		}
		info, err := os.Stat(filepath.Join(dir, s.FileName()+".key"))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("key mode %v, %v", info.Mode(), err)
		}
	}
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	authority, _, err := Open(dir, clock)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []rpc.Identity{
		{Role: rpc.RoleAgent, ID: "../x"},
		{Role: rpc.RoleAgent, ID: "000"},
		{Role: rpc.RoleService, ID: "ca"},
		{Role: rpc.RoleLocal},
	} {
		if _, err := authority.Issue(Subject{Identity: id}, time.Hour); err == nil {
			t.Errorf("a certificate for %s was made", id)
		}
	}
	if err := os.Remove(filepath.Join(dir, "ca.key")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(dir, clock); err == nil || !strings.Contains(err.Error(), "ca.key") {
		t.Errorf("half an authority: %v", err)
	}
}
