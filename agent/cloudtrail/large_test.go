package cloudtrail

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"armor/agent/cloudtrail/archive"
	"armor/agent/cloudtrail/cloudtest"
	"armor/agent/cloudtrail/identity"
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

// TestLargeObject reads 200 MB from a bucket, through the window of known records.
func TestLargeObject(t *testing.T) {
	l := newListing(t)
	now := time.Now()
	path := filepath.Join(t.TempDir(), "large.json")
	size := largeFile(t, path, 100_000)
	key := keyOf("", account1, "us-east-1", now, "large")
	l.put(key, []byte("its ETag"), now)
	l.body = func(w http.ResponseWriter, req *http.Request, _ []byte) { http.ServeFile(w, req, path) }
	cloudtest.Environment(t)
	s := drainedSpool(t)
	window, err := identity.Open(t.TempDir(), identity.Options{})
	if err != nil {
		t.Fatal(err)
	}
	intake := NewIntake(IntakeConfig{Window: window}, s, slog.New(slog.DiscardHandler))
	b := NewBucket(RemoteConfig{Name: "ct", OneShot: true, Source: Source{Bucket: "trail", Options: cloudtest.Options(l.url)}}, intake, slog.New(slog.DiscardHandler))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began := time.Now()
	if err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	f := b.Figures()
	t.Logf("%d MB in %v, %.0f records a second, heap from the system %d MB (%d MB before)", size>>20, took.Round(time.Millisecond), f["cloudtrail_records"]/took.Seconds(), after.HeapSys>>20, before.HeapSys>>20)
	if size < 200_000_000 || f["cloudtrail_records"] != 100_000 || f["cloudtrail_bytes"] != float64(size) || len(b.Damaged()) > 0 || window.Len() != 100_000 {
		t.Errorf("%d bytes, %v, %v, %d known", size, f, b.Damaged(), window.Len())
	}
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 64<<20 {
		t.Errorf("the heap has grown by %d MB", grown>>20)
	}
}

// BenchmarkBucket reads gzip objects of a hundred records each from a server on this machine, by stages: S3 alone, with decoding, and all
// the way to the receipt.
func BenchmarkBucket(b *testing.B) {
	const objects, each = 200, 100
	l := &listing{data: map[string][]byte{}, modified: map[string]time.Time{}, asked: map[string]int{}}
	server := httptest.NewServer(l)
	defer server.Close()
	now := time.Now()
	for n := range objects {
		var list []string
		for k := range each {
			list = append(list, strings.Replace(sample(), `"eventID":"`, fmt.Sprintf(`"eventID":"%d-%d-`, n, k), 1))
		}
		l.put(keyOf("", account1, "us-east-1", now, fmt.Sprint(n)), zip([]byte(`{"Records":[`+strings.Join(list, ",")+`]}`)), now)
	}
	clients := cloudtest.New(b, server.URL)
	from := archive.Bucket(clients.S3, "trail")
	perSecond := func(b *testing.B) {
		b.ReportMetric(float64(objects*each*b.N)/b.Elapsed().Seconds(), "records/s")
	}
	walk := func(b *testing.B, f func(io.Reader, string) error) {
		for b.Loop() {
			err := from.List(b.Context(), "", "", func(e archive.Entry) error {
				body, err := from.Open(b.Context(), e.Key)
				if err != nil {
					return err
				}
				defer body.Close()
				return f(body, e.Key)
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		perSecond(b)
	}
	b.Run("S3", func(b *testing.B) {
		walk(b, func(r io.Reader, _ string) error { _, err := io.Copy(io.Discard, r); return err })
	})
	b.Run("decode", func(b *testing.B) {
		var s Scanner
		walk(b, func(r io.Reader, key string) error { return s.Scan(r, key, "trail", func(Line) error { return nil }) })
	})
	b.Run("receipt", func(b *testing.B) {
		b.Setenv("AWS_ACCESS_KEY_ID", "AKIAAGENT")
		b.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
		for b.Loop() {
			s := drainedSpool(b)
			window, err := identity.Open(b.TempDir(), identity.Options{})
			if err != nil {
				b.Fatal(err)
			}
			in := NewBucket(RemoteConfig{Name: "ct", OneShot: true, Source: Source{Bucket: "trail", Options: cloudtest.Options(server.URL)}},
				NewIntake(IntakeConfig{Window: window}, s, slog.New(slog.DiscardHandler)), slog.New(slog.DiscardHandler))
			if err := in.Run(b.Context()); err != nil {
				b.Fatal(err)
			}
			for s.Stats().Spooled > 0 {
				time.Sleep(time.Millisecond)
			}
		}
		perSecond(b)
	})
}
