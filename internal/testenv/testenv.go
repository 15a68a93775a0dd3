// Package testenv gives tests their real neighbours: NATS, Elasticsearch, a browser, the wire tools and the test data. It
// promises that a test either has the real thing, or fails (where CI=true), or is reported as skipped with the reason. Only
// tests import it.
package testenv

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Require ends the test unless ok: where CI=true it fails, else it is skipped. missing says what is not there and what to do.
func Require(t testing.TB, ok bool, missing string) {
	t.Helper()
	if ok {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("not run, and CI=true: %s", missing)
	}
	t.Skipf("not run: %s", missing)
}

// Root is the repository's root folder: the nearest folder upward with the go.mod of module armor.
func Root(t testing.TB) string {
	t.Helper()
	root, err := FindRoot()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// FindRoot is Root for programs.
func FindRoot() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the repository: %w", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if mod, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil && strings.HasPrefix(string(mod), "module armor\n") {
			return dir, nil
		}
		if filepath.Dir(dir) == dir {
			return "", fmt.Errorf("finding the repository: no go.mod of module armor above %s", start)
		}
	}
}

// CacheDir is where downloads and built tools are kept between runs: ARMOR_CACHE, or .cache in the repository.
func CacheDir() (string, error) {
	if dir := os.Getenv("ARMOR_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	root, err := FindRoot()
	if err != nil {
		return "", err
	}
	return filepath.Join(root, ".cache"), nil
}

// Data is the folder of the shared test data: ARMOR_TESTDATA, or shared/data beside the repository. When the variable is set
// and the folder is not there, the test fails; when neither is there, the test is skipped.
func Data(t testing.TB) string {
	t.Helper()
	dir, err := FindData()
	if err != nil {
		t.Fatal(err)
	}
	Require(t, dir != "", NoData)
	return dir
}

// NoData says that the shared test data are not there, and what to do.
const NoData = "the shared test data is not there: name its folder in ARMOR_TESTDATA"

// FindData is Data for programs; "": it is not there. It is an error if the variable names a folder that is not there.
func FindData() (string, error) {
	if dir := os.Getenv("ARMOR_TESTDATA"); dir != "" {
		if !isDir(dir) {
			return "", fmt.Errorf("ARMOR_TESTDATA names %s, which is no folder", dir)
		}
		return filepath.Abs(dir)
	}
	root, err := FindRoot()
	if err != nil {
		return "", err
	}
	if dir := filepath.Join(filepath.Dir(root), "shared", "data"); isDir(dir) {
		return dir, nil
	}
	return "", nil
}

// Tool is the path of a pinned tool that `make tools` builds, such as grpcurl.
func Tool(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(Root(t), ".bin", name)
	_, err := os.Stat(path)
	Require(t, err == nil, fmt.Sprintf("the tool %s is not there: `make tools` builds it", name))
	return path
}

// Chromium is the path of a Chromium or Chrome that can run without a window.
func Chromium(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	Require(t, false, "Chromium is not there: `make deps` installs it, or install the package chromium")
	return ""
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
