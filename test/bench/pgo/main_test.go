package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"
)

// TestMerge takes two profiles of a busy loop: the function is in the result, and no path of the machine.
func TestMerge(t *testing.T) {
	dir := t.TempDir()
	var paths []string
	for _, name := range []string{"a.pprof", "b.pprof"} {
		paths = append(paths, filepath.Join(dir, name))
		f, err := os.Create(paths[len(paths)-1])
		if err != nil {
			t.Fatal(err)
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			t.Fatal(err)
		}
		busy(300 * time.Millisecond)
		pprof.StopCPUProfile()
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(dir, "default.pgo")
	if err := run(out, paths); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "pgo.busy") {
		t.Error("the busy function is not in the result")
	}
	// The names of functions may begin with .go too: runtime.goschedImpl.
	merged, err := profile.ParseUncompressed(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range merged.Function {
		if f.Filename != "" || strings.HasSuffix(f.Name, ".go") || strings.HasSuffix(f.SystemName, ".go") {
			t.Errorf("the result names files: %+v", f)
		}
	}
	if len(merged.Mapping) > 0 || strings.Contains(string(text), ".go:") || strings.Contains(string(text), dir) {
		t.Errorf("the result names files: %q", text)
	}
	if err := run(out, []string{filepath.Join(dir, "missing")}); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("a missing profile: %v", err)
	}
	if run("", paths) == nil || run(out, nil) == nil {
		t.Error("nothing to do is no error")
	}
}

var sink int

//go:noinline
func busy(span time.Duration) {
	for end := time.Now().Add(span); time.Now().Before(end); {
		for i := range 100_000 {
			sink += i * i
		}
	}
}
