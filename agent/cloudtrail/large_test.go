package cloudtrail

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"armor/agent/spool"
)

// drainedSpool is a spool that frees what it is given, as if a manager took everything at once.
func drainedSpool(t testing.TB) *spool.Spool {
	t.Helper()
	s, _, err := spool.Open(spool.Options{Dir: t.TempDir(), MaxBytes: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.NewReader(s.ID(), 0)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			b, err := r.Next(t.Context(), 1000, 2<<20)
			if err != nil {
				return
			}
			_ = s.Free(s.ID(), b.Last)
		}
	}()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
		_ = r.Close()
	})
	return s
}

// largeFile writes records of about 2 KB each and returns the number of bytes.
func largeFile(t testing.TB, path string, records int) int64 {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	record := sample()
	padding := strings.Repeat("x", 2000-len(record))
	_, _ = io.WriteString(w, `{"Records":[`)
	for n := range records {
		if n > 0 {
			_ = w.WriteByte(',')
		}
		fmt.Fprintf(w, `%s,"n":%d,"padding":"%s"}`, record[:len(record)-1], n, padding)
	}
	_, _ = io.WriteString(w, `]}`)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// TestLargeFile reads 200 MB on one line. The memory that was ever taken from the system stays under 64 MB.
func TestLargeFile(t *testing.T) {
	dir := t.TempDir()
	size := largeFile(t, filepath.Join(dir, "large.json"), 100_000)
	s := drainedSpool(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	in := New(Config{Name: "ct", Path: dir, OneShot: true}, s, slog.New(slog.DiscardHandler))
	if err := in.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	t.Logf("%d MB, heap from the system %d MB (%d MB before), %d allocations a record",
		size>>20, after.HeapSys>>20, before.HeapSys>>20, (after.Mallocs-before.Mallocs)/100_000)
	if st := in.Stats(); size < 200_000_000 || st.Records != 100_000 || len(in.Damaged()) > 0 {
		t.Errorf("%d bytes, %+v, %v", size, st, in.Damaged())
	}
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 64<<20 {
		t.Errorf("the heap has grown by %d MB", grown>>20)
	}
}

// BenchmarkFolder reads gzip files of a hundred records each into a spool.
func BenchmarkFolder(b *testing.B) {
	dir := b.TempDir()
	const files, each = 200, 100
	for n := range files {
		var list []string
		for k := range each {
			list = append(list, strings.Replace(sample(), `"eventID":"`, fmt.Sprintf(`"eventID":"%d-%d-`, n, k), 1))
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.json.gz", n)), zip([]byte(`{"Records":[`+strings.Join(list, ",")+`]}`)), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		s, _, err := spool.Open(spool.Options{Dir: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		in := New(Config{Name: "ct", Path: dir, OneShot: true}, s, slog.New(slog.DiscardHandler))
		if err := in.Run(b.Context()); err != nil {
			b.Fatal(err)
		}
		_ = s.Close()
	}
	b.ReportMetric(float64(files*each*b.N)/b.Elapsed().Seconds(), "records/s")
}
