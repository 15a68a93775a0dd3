// Package certs makes a small certificate authority in a folder and the certificates that Armor's processes prove
// themselves with. What is there already is kept: running it again only adds what is missing.
package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"armor/internal/rpc"
)

// Subject is who a certificate is for.
type Subject struct {
	// Identity is the role and id that the certificate's URI carries.
	rpc.Identity
	// Hosts are the names and addresses that a server's certificate holds for; empty: the certificate is a client's only.
	Hosts []string
}

// FileName is the name of the certificate's files without their extension.
func (s Subject) FileName() string {
	if s.Role == rpc.RoleAgent {
		return "agent-" + s.ID
	}
	return s.ID
}

// Validate says what is wrong with the subject.
func (s Subject) Validate() error {
	if err := s.Identity.Validate(); err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	if s.FileName() == authorityName {
		return fmt.Errorf("certificate: the name %q is the authority's: choose another", authorityName)
	}
	return nil
}

// Authority signs certificates.
type Authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	now  func() time.Time
}

const (
	authorityName = "ca"
	authorityLife = 10 * 365 * 24 * time.Hour
	backdate      = 5 * time.Minute // clocks differ
)

// Open uses the authority in dir, or makes one (ca.crt, ca.key). Made says which.
func Open(dir string, now func() time.Time) (a *Authority, made bool, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, false, fmt.Errorf("make the certificate folder: %w", err)
	}
	a = &Authority{dir: dir, now: now}
	certFile, keyFile := filepath.Join(dir, authorityName+".crt"), filepath.Join(dir, authorityName+".key")
	a.cert, a.key, err = load(certFile, keyFile)
	switch {
	case err == nil:
		return a, false, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, false, err
	}
	if exists(certFile) || exists(keyFile) {
		return nil, false, fmt.Errorf("certificate folder %s has only one of ca.crt and ca.key: put the other one back, or name an empty folder", dir)
	}
	a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, false, err
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "Armor certificate authority"},
		NotBefore:             now().Add(-backdate),
		NotAfter:              now().Add(authorityLife),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := sign(template, template, &a.key.PublicKey, a.key)
	if err != nil {
		return nil, false, err
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return nil, false, err
	}
	return a, true, store(certFile, keyFile, der, a.key)
}

// Issue makes the certificate and key of a subject, valid for life, unless both are there already. Made says which.
func (a *Authority) Issue(s Subject, life time.Duration) (made bool, err error) {
	if err := s.Validate(); err != nil {
		return false, err
	}
	base := filepath.Join(a.dir, s.FileName())
	certFile, keyFile := base+".crt", base+".key"
	if _, _, err := load(certFile, keyFile); err == nil {
		return false, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if exists(certFile) || exists(keyFile) {
		return false, fmt.Errorf("only one of %s and %s is there: put the other one back, or remove both to have new ones made", certFile, keyFile)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return false, err
	}
	end := a.now().Add(life)
	if end.After(a.cert.NotAfter) {
		end = a.cert.NotAfter
	}
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: s.FileName()},
		NotBefore:   a.now().Add(-backdate),
		NotAfter:    end,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		URIs:        []*url.URL{s.URI()},
	}
	if len(s.Hosts) > 0 {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
		for _, host := range s.Hosts {
			if ip := net.ParseIP(host); ip != nil {
				template.IPAddresses = append(template.IPAddresses, ip)
			} else {
				template.DNSNames = append(template.DNSNames, host)
			}
		}
	}
	der, err := sign(template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return false, err
	}
	return true, store(certFile, keyFile, der, key)
}

// sign makes the certificate with a random serial number.
func sign(template, parent *x509.Certificate, public *ecdsa.PublicKey, signer *ecdsa.PrivateKey) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		return nil, fmt.Errorf("sign certificate %s: %w", template.Subject.CommonName, err)
	}
	return der, nil
}

// store writes the key first, so that a certificate on disk always has its key. Neither replaces a file that is there.
func store(certFile, keyFile string, der []byte, key *ecdsa.PrivateKey) error {
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := create(keyFile, 0o600, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})); err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	if err := create(certFile, 0o644, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})); err != nil {
		return fmt.Errorf("write certificate: %w", err)
	}
	return nil
}

// create writes a new file and syncs it; half a file is taken away again.
func create(path string, mode fs.FileMode, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// load reads a certificate and its key and checks that they belong together.
func load(certFile, keyFile string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	certText, err := os.ReadFile(certFile)
	if err != nil {
		return nil, nil, fmt.Errorf("read certificate: %w", err)
	}
	keyText, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, nil, fmt.Errorf("read key: %w", err)
	}
	certBlock, _ := pem.Decode(certText)
	keyBlock, _ := pem.Decode(keyText)
	if certBlock == nil {
		return nil, nil, fmt.Errorf("%s holds no PEM certificate: remove it to have a new one made", certFile)
	}
	if keyBlock == nil {
		return nil, nil, fmt.Errorf("%s holds no PEM key: remove it to have a new one made", keyFile)
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", certFile, err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", keyFile, err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, nil, fmt.Errorf("%s: not an ECDSA key", keyFile)
	}
	if !key.PublicKey.Equal(cert.PublicKey) {
		return nil, nil, fmt.Errorf("%s and %s do not belong together", certFile, keyFile)
	}
	return cert, key, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
