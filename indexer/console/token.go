package console

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	minTokenLength = 16
	maxTokenLength = 4096
)

// credentials is the access token and what is derived from it.
type credentials struct {
	token string
	// cookieName differs per token, so that two consoles on two ports of one host do not log each other out.
	cookieName string
	// cookieValue proves knowledge of the token without carrying it: a stolen cookie opens the console, not the gRPC services.
	cookieValue string
}

func newCredentials(token string) credentials {
	derive := func(purpose string) []byte {
		mac := hmac.New(sha256.New, []byte(token))
		mac.Write([]byte(purpose))
		return mac.Sum(nil)
	}
	return credentials{
		token:       token,
		cookieName:  "armor_console_" + hex.EncodeToString(derive("armor console cookie name")[:4]),
		cookieValue: hex.EncodeToString(derive("armor console cookie value")),
	}
}

func sameSecret(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// tokenFile reads the access token, and reads it again when the file changes.
type tokenFile struct {
	path string

	mu       sync.Mutex
	modified time.Time
	size     int64
	current  credentials
}

func (t *tokenFile) credentials() (credentials, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	info, err := os.Stat(t.path)
	if err != nil {
		return credentials{}, fmt.Errorf("read the console's token: %w", err)
	}
	if t.current.token != "" && info.ModTime().Equal(t.modified) && info.Size() == t.size {
		return t.current, nil
	}
	token, err := readToken(t.path)
	if err != nil {
		return credentials{}, err
	}
	t.current, t.modified, t.size = newCredentials(token), info.ModTime(), info.Size()
	return t.current, nil
}

func readToken(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read the console's token: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxTokenLength+1))
	if err != nil {
		return "", fmt.Errorf("read the console's token: %w", err)
	}
	token := string(bytes.TrimSpace(data))
	if len(token) < minTokenLength || len(token) > maxTokenLength {
		return "", fmt.Errorf("read the console's token: %s holds %d characters; %d to %d are needed: remove the file and start again to get a new one", path, len(token), minTokenLength, maxTokenLength)
	}
	return token, nil
}

// Address gives the address to print for a person: base (such as http://127.0.0.1:5610) with the token of the file in it. Opening it sets the
// browser's cookie; the token then leaves the address bar.
func Address(base, tokenPath string) (string, error) {
	token, err := readToken(tokenPath)
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(base, "/") + "/?token=" + url.QueryEscape(token), nil
}
