package testenv

import (
	"archive/zip"
	"fmt"
	"io"
)

// readZipped reads one file out of a zip or jar.
func readZipped(archive, name string) (string, error) {
	r, err := zip.OpenReader(archive)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", archive, err)
	}
	defer r.Close()
	f, err := r.Open(name)
	if err != nil {
		return "", fmt.Errorf("reading %s in %s: %w", name, archive, err)
	}
	defer f.Close()
	content, err := io.ReadAll(f)
	if err != nil {
		return "", fmt.Errorf("reading %s in %s: %w", name, archive, err)
	}
	return string(content), nil
}
