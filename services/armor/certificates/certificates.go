// Package certificates makes a small certificate authority in a folder and the certificates that Armor's processes prove
// themselves with. What is there already is kept: running it again only adds what is missing.
package certificates

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
	"regexp"
	"time"
)

// Role of a certificate's holder: the first part of its URI, armor://<role>/<id>.
type Role string

const (
	// Agent may send events, and nothing else.
	Agent Role = "agent"
	// Service is the manager or the indexer.
	Service Role = "service"
	// Operator is a person or a script that may call everything.
	Operator Role = "operator"
)

// Subject is who a certificate is for.
type Subject struct {
	Role Role
	// ID within the role; it is the file's name too.
	ID string
	// Hosts are the names and addresses that a server's certificate holds for; empty: the certificate is a client's only.
	Hosts []string
}

// FileName without its extension.
func (s Subject) FileName() string {
	if s.Role == Agent {
		return "agent-" + s.ID
	}
	return s.ID
}

// URI that the certificate carries.
func (s Subject) URI() string { return "armor://" + string(s.Role) + "/" + s.ID }

var validID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Validate says what is wrong with the subject.
func (s Subject) Validate() error {
	if !validID.MatchString(s.ID) {
		return fmt.Errorf("certificate for %s %q: an id has 1 to 64 letters, digits, _ or -", s.Role, s.ID)
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
	authorityLife = 10 * 365 * 24 * time.Hour
	backdate      = 5 * time.Minute // clocks differ
)

// Open uses the authority in dir, or makes one (ca.crt, ca.key). Made says which.
func Open(dir string, now func() time.Time) (a *Authority, made bool, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, false, fmt.Errorf("make the certificate folder: %w", err)
	}
	a = &Authority{dir: dir, now: now}
	certFile, keyFile := filepath.Join(dir, "ca.crt"), filepath.Join(dir, "ca.key")
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
	uri, err := url.Parse(s.URI())
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
		URIs:        []*url.URL{uri},
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

// store writes the key first, so that a certificate on disk always has its key.
func store(certFile, keyFile string, der []byte, key *ecdsa.PrivateKey) error {
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600); err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	if err := os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		return fmt.Errorf("write certificate: %w", err)
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
