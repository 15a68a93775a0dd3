package testenv

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// JSONLines reads a gzipped file of the test data, one JSON value a line of at most 1 MiB. It fails the test at the first
// line that is not a T.
func JSONLines[T any](t testing.TB, name ...string) []T {
	t.Helper()
	f, err := os.Open(filepath.Join(append([]string{Data(t)}, name...)...))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all []T
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var v T
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
