package identity

import (
	"crypto/sha256"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func key(n int) Key {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
	return KeyOf(&sum)
}

func keys(first, last int) (list []Key) {
	for n := first; n < last; n++ {
		list = append(list, key(n))
	}
	return list
}

type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func open(t testing.TB, dir string, opts Options) *Window {
	t.Helper()
	w, err := Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func check(t *testing.T, w *Window, first, last int, want bool) {
	t.Helper()
	for n := first; n < last; n++ {
		if w.Has(key(n)) != want {
			t.Fatalf("record %d: known %v", n, !want)
		}
	}
}

func TestRemembersOverRestarts(t *testing.T) {
	dir := t.TempDir()
	const n = 3*sealAt + 1000
	w := open(t, dir, Options{})
	for at := 0; at < n; at += 500 {
		w.Add(keys(at, min(at+500, n)))
	}
	for range 2 {
		check(t, w, 0, n, true)
		check(t, w, n, 2*n, false)
		if w.Len() != n {
			t.Errorf("%d known", w.Len())
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		w = open(t, dir, Options{})
	}
	if len(w.active) >= sealAt || len(w.sealed) != 3 {
		t.Errorf("%d in memory, %d segments", len(w.active), len(w.sealed))
	}
}

func TestForgets(t *testing.T) {
	c := &clock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	w := open(t, t.TempDir(), Options{Now: c.Now, MaxRecords: 2 * sealAt})
	w.Add(keys(0, 100))
	c.now = c.now.Add(47 * time.Hour)
	w.Add(keys(100, 200))
	check(t, w, 0, 200, true)
	c.now = c.now.Add(49 * time.Hour)
	check(t, w, 0, 100, false)
	w.Add(keys(200, 300))
	c.now = c.now.Add(49 * time.Hour)
	w.Add(keys(300, 301))
	check(t, w, 0, 200, false)
	// Too many: the oldest go.
	for at := 1000; at < 1000+5*sealAt; at += 1000 {
		w.Add(keys(at, at+1000))
	}
	if w.Len() > 3*sealAt {
		t.Errorf("%d known", w.Len())
	}
	check(t, w, 1000, 2000, false)
	check(t, w, 1000+4*sealAt, 1000+5*sealAt-1000, true)
}

func TestDamage(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir, Options{})
	w.Add(keys(0, sealAt))
	w.Add(keys(sealAt, sealAt+10))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	active := filepath.Join(dir, activeName)
	data, _ := os.ReadFile(active)
	_ = os.WriteFile(active, data[:len(data)-7], 0o600)
	sealed, _ := filepath.Glob(filepath.Join(dir, "sealed-*"))
	data, _ = os.ReadFile(sealed[0])
	data[0] ^= 0xff
	_ = os.WriteFile(sealed[0], data, 0o600)
	_ = os.WriteFile(filepath.Join(dir, "sealed-1.ids.tmp"), nil, 0o600)
	w = open(t, dir, Options{})
	check(t, w, 0, sealAt, false)
	check(t, w, sealAt, sealAt+9, true)
	check(t, w, sealAt+9, sealAt+10, false)
	w.Add(keys(sealAt+9, sealAt+20))
	_ = w.Close()
	w = open(t, dir, Options{})
	check(t, w, sealAt, sealAt+20, true)
	if names, _ := os.ReadDir(dir); len(names) != 1 {
		t.Errorf("files: %v", names)
	}
}

func BenchmarkWindow(b *testing.B) {
	w := open(b, b.TempDir(), Options{})
	for at := 0; at < 1<<20; at += 1000 {
		w.Add(keys(at, at+1000))
	}
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		k := Key{}
		binary.LittleEndian.PutUint64(k[:], uint64(i)*0x9E3779B97F4A7C15)
		w.Has(k)
	}
}
