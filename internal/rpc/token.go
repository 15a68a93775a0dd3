package rpc

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

const (
	tokenBytes    = 32  // of randomness in a token that we make
	minTokenChars = 32  // in a token that somebody else made
	maxTokenChars = 512 // read of a token file
)

// LoadOrCreateToken reads the token from a file, or makes a random one with mode 0600 (and its directory with 0700) when there
// is none. Processes that do so at the same time all get the same token.
func LoadOrCreateToken(path string) (string, error) {
	token, err := ReadToken(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return token, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("making the directory of the token file: %w", err)
	}
	random := make([]byte, tokenBytes)
	rand.Read(random) // never fails (crypto/rand)
	if err := createWhole(path, []byte(hex.EncodeToString(random)+"\n")); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("making the token file: %w", err)
	}
	return ReadToken(path)
}

// ReadToken reads a token file: one line of 32 to 512 printable characters. It fails with fs.ErrNotExist when there is none.
func ReadToken(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("reading the token file: %w", err)
	}
	defer file.Close()
	content := make([]byte, maxTokenChars+2)
	n := 0
	for n < len(content) {
		m, err := file.Read(content[n:])
		n += m
		if err != nil {
			break
		}
	}
	token := strings.TrimSpace(string(content[:n]))
	printable := strings.IndexFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
	if len(token) < minTokenChars || len(token) > maxTokenChars || !printable {
		return "", fmt.Errorf("token file %s holds no token of %d to %d printable characters: delete it and a new one is made",
			path, minTokenChars, maxTokenChars)
	}
	return token, nil
}

// watchToken gives the token of a file that exists, as it is now and as it changes.
func watchToken(path string, log *slog.Logger) (*watched[string], error) {
	return watch([]string{path}, func() (string, error) { return ReadToken(path) }, log.With("what", "token"))
}

// createWhole makes a file with mode 0600 that is complete from the moment that it can be seen; fs.ErrExist when it is there.
func createWhole(path string, content []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(content)
	if err == nil {
		err = temp.Sync()
	}
	if closeErr := temp.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Link(temp.Name(), path)
}
