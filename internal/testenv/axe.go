package testenv

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// axe-core (MPL-2.0) finds accessibility faults in a page. It is fetched for the tests, and is part of neither the repository nor the product.
const (
	axeVersion = "4.11.1"
	axeHash    = "7dbfabdfc6062936d79c873ddbb5f811a1219fca3928bd8cc9dd81f1e65f4720" // SHA-256 of axe.min.js
)

// Axe is the source of axe-core, to run inside a page.
func Axe(t testing.TB) string {
	t.Helper()
	path, err := axe(context.WithoutCancel(t.Context()), t.Logf)
	var missing *missingError
	if errors.As(err, &missing) {
		Require(t, false, missing.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

// PrepareAxe fetches axe-core, so that the first test need not. It is what `make deps` runs.
func PrepareAxe(ctx context.Context, logf func(string, ...any)) error {
	_, err := axe(ctx, logf)
	return err
}

// axe gives the script's path in the cache, fetched when it is not there.
func axe(ctx context.Context, logf func(string, ...any)) (string, error) {
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, "axe-"+axeVersion+".min.js")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", &missingError{"axe-core", "npm", "npm"}
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("making the cache folder: %w", err)
	}
	temp, err := os.MkdirTemp(cache, "preparing-")
	if err != nil {
		return "", fmt.Errorf("preparing axe-core: %w", err)
	}
	defer os.RemoveAll(temp)
	logf("fetching axe-core %s", axeVersion)
	if err := run(ctx, npm, "pack", "axe-core@"+axeVersion, "--silent", "--pack-destination", temp); err != nil {
		return "", fmt.Errorf("fetching axe-core: %w", err)
	}
	if err := run(ctx, "tar", "-xzf", filepath.Join(temp, "axe-core-"+axeVersion+".tgz"), "-C", temp, "package/axe.min.js"); err != nil {
		return "", fmt.Errorf("unpacking axe-core: %w", err)
	}
	script := filepath.Join(temp, "package", "axe.min.js")
	content, err := os.ReadFile(script)
	if err != nil {
		return "", fmt.Errorf("preparing axe-core: %w", err)
	}
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != axeHash {
		return "", fmt.Errorf("axe-core %s is not what it was: its SHA-256 is %x, and %s is expected", axeVersion, sum, axeHash)
	}
	if err := os.Rename(script, path); err != nil {
		return "", fmt.Errorf("keeping axe-core: %w", err)
	}
	return path, nil
}
