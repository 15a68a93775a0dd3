package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/indexer/document"
	"armor/indexer/embedded"
	"armor/indexer/store"
	"armor/indexer/store/storetest"
	armorv1 "armor/proto/armor/v1"
)

var july = time.Date(2026, 7, 10, 10, 0, 0, 0, time.UTC)

func doc(id string, at time.Time) store.Document {
	a := &armorv1.Alert{Id: id, Time: timestamppb.New(at), Rule: &armorv1.AlertRule{Id: 5, Level: 3, Description: "d", Groups: []string{"g"}},
		Agent: &armorv1.AlertAgent{Id: "001", Name: "a"}, FullLog: []byte("a log"), Data: []byte(`{"k":"v"}`)}
	return store.Document{ID: id, Time: document.Time(a), Alert: a, JSON: document.Append(nil, a, time.Time{})}
}

func docs(from, to int, at time.Time) []store.Document {
	var list []store.Document
	for i := from; i < to; i++ {
		list = append(list, doc(fmt.Sprintf("%032x", i), at.Add(time.Duration(i)*time.Millisecond)))
	}
	return list
}

func write(t testing.TB, s store.Store, list []store.Document, want store.Outcome) {
	t.Helper()
	results, err := s.Write(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if r.Outcome != want {
			t.Fatalf("document %d: %v %s, want %v", i, r.Outcome, r.Reason, want)
		}
	}
}

func total(t testing.TB, s store.Store) uint64 {
	t.Helper()
	page, err := s.Search(t.Context(), store.Search{})
	if err != nil {
		t.Fatal(err)
	}
	return page.Total
}

func readOnly(t testing.TB, dir string) *embedded.Store {
	t.Helper()
	s, err := embedded.OpenReadOnly(dir, embedded.Options{Now: storetest.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// A reader beside a running writer sees what is written, new months and deleted ones included.
func TestReadBesideWriter(t *testing.T) {
	dir := t.TempDir()
	w, r := open(t, dir), readOnly(t, dir)
	if got := total(t, r); got != 0 {
		t.Errorf("%d alerts in an empty store", got)
	}
	write(t, w, docs(0, 120, july), store.Created)
	if got := total(t, r); got != 120 {
		t.Errorf("%d alerts, want 120", got)
	}
	write(t, w, docs(120, 150, july.AddDate(0, -3, 0)), store.Created)
	if got := total(t, r); got != 150 {
		t.Errorf("%d alerts with a new month, want 150", got)
	}
	if _, err := w.DeleteBefore(t.Context(), july.AddDate(0, -1, 0)); err != nil {
		t.Fatal(err)
	}
	if got := total(t, r); got != 120 {
		t.Errorf("%d alerts after retention, want 120", got)
	}
	write(t, w, docs(120, 150, july.AddDate(0, -3, 0)), store.Created) // another file of the same name
	if got := total(t, r); got != 150 {
		t.Errorf("%d alerts in the month made again, want 150", got)
	}
	if _, err := r.Write(t.Context(), docs(0, 1, july)); !store.IsPermanent(err) {
		t.Errorf("writing to a store opened for reading: %v", err)
	}
	if _, err := r.DeleteBefore(t.Context(), july); !store.IsPermanent(err) {
		t.Errorf("deleting from a store opened for reading: %v", err)
	}
}

// What was stored is there after a restart, and after the death of the process; duplicates are still known.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	s, err := embedded.Open(dir, embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	write(t, s, docs(0, 300, july), store.Created)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(filepath.Join(dir, "armor-alerts-2026.07.db"+suffix))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("rights of the file%s: %v, %v", suffix, info, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	if _, err := s.Write(t.Context(), docs(0, 1, july)); !store.IsPermanent(err) {
		t.Errorf("writing to a closed store: %v", err)
	}
	s = open(t, dir)
	write(t, s, docs(0, 300, july), store.Duplicate)
	if got := total(t, s); got != 300 {
		t.Errorf("%d alerts, want 300", got)
	}
}

const (
	writerEnv = "ARMOR_TEST_WRITE_AND_DIE"
	readerEnv = "ARMOR_TEST_READ"
)

// TestMain is also the process that is killed, and the one that may not write.
func TestMain(m *testing.M) {
	switch {
	case os.Getenv(writerEnv) != "":
		writeAndDie(os.Getenv(writerEnv))
	case os.Getenv(readerEnv) != "":
		readAndTell(os.Getenv(readerEnv))
	}
	os.Exit(m.Run())
}

func writeAndDie(dir string) {
	s, err := embedded.Open(dir, embedded.Options{})
	if err == nil {
		_, err = s.Write(context.Background(), docs(0, 500, july))
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

func readAndTell(dir string) {
	s, err := embedded.OpenReadOnly(dir, embedded.Options{})
	if err == nil {
		var page store.Page
		if page, err = s.Search(context.Background(), store.Search{}); err == nil {
			fmt.Print(page.Total)
			err = s.Close()
		}
	}
	if err != nil {
		fmt.Print(err)
	}
	os.Exit(0)
}

// killed makes a store whose writer was killed: its write-ahead log is left behind.
func killed(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), writerEnv+"="+dir)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the writer ended with %v: %s", err, out)
	}
	info, err := os.Stat(filepath.Join(dir, "armor-alerts-2026.07.db-wal"))
	if err != nil || info.Size() == 0 {
		t.Fatalf("no write-ahead log is left: %v", err)
	}
	return dir
}

func TestKilledWriter(t *testing.T) {
	dir := killed(t)
	if got := total(t, readOnly(t, dir)); got != 500 {
		t.Errorf("read after the kill: %d alerts, want 500", got)
	}
	s := open(t, dir)
	write(t, s, docs(0, 500, july), store.Duplicate)
	write(t, s, docs(500, 600, july), store.Created)
	if got := total(t, s); got != 600 {
		t.Errorf("%d alerts, want 600", got)
	}
}

// Where the reader may not write, it reads all the same: a store that was closed, one whose writer was killed, and one
// whose shared memory is gone too.
func TestReadOnlyFolder(t *testing.T) {
	closed := t.TempDir()
	s, err := embedded.Open(closed, embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	write(t, s, docs(0, 500, july), store.Created)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	noMemory := killed(t)
	if err := os.Remove(filepath.Join(noMemory, "armor-alerts-2026.07.db-shm")); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"closed": closed, "killed": killed(t), "killed, without shared memory": noMemory} {
		t.Run(name, func(t *testing.T) {
			if out := asNobody(t, dir); out != "500" {
				t.Errorf("the reader says %q, want 500", out)
			}
		})
	}
}

// asNobody reads a store as a process that may not write its folder.
func asNobody(t *testing.T, dir string) string {
	t.Helper()
	program := os.Args[0]
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), readerEnv+"="+dir)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.Chmod(filepath.Join(dir, e.Name()), 0o444); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o755) })
	if os.Getuid() == 0 { // permissions do not bind the superuser
		const nobody = 65534
		for parent := dir; parent != "/"; parent = filepath.Dir(parent) {
			if info, err := os.Stat(parent); err == nil && info.Mode()&0o005 != 0o005 && parent != dir {
				if err := os.Chmod(parent, info.Mode()|0o055); err != nil {
					t.Fatal(err)
				}
			}
		}
		public, err := os.MkdirTemp("/tmp", "armor-test-") //nolint:usetesting // another user must reach it
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(public) })
		if err := os.Chmod(public, 0o777); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(program)
		if err != nil {
			t.Fatal(err)
		}
		cmd.Path = filepath.Join(public, "reader")
		if err := os.WriteFile(cmd.Path, content, 0o755); err != nil {
			t.Fatal(err)
		}
		cmd.Dir = public
		cmd.Env = append(cmd.Env, "TMPDIR="+public)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// A damaged file is named with the remedy; the other months go on.
func TestDamage(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, path string){
		"no SQLite file": func(t *testing.T, path string) { overwrite(t, path, 0, []byte("this is not a database, it is text")) },
		"cut within the header": func(t *testing.T, path string) {
			if err := os.Truncate(path, 50); err != nil {
				t.Fatal(err)
			}
		},
		"cut in the middle": func(t *testing.T, path string) {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(path, info.Size()/2/4096*4096); err != nil {
				t.Fatal(err)
			}
		},
		"pages overwritten": func(t *testing.T, path string) {
			overwrite(t, path, 4096, []byte(strings.Repeat("\xa5", 4096*20)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s, err := embedded.Open(dir, embedded.Options{})
			if err != nil {
				t.Fatal(err)
			}
			write(t, s, docs(0, 2000, july), store.Created)
			write(t, s, docs(0, 10, july.AddDate(0, 1, 0)), store.Created)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "armor-alerts-2026.07.db")
			damage(t, path)
			s = open(t, dir)
			_, err = s.Search(t.Context(), store.Search{Size: 10_000})
			var damaged *embedded.DamagedError
			if !errors.As(err, &damaged) || damaged.File != path || !strings.Contains(err.Error(), "move") {
				t.Errorf("searching: %v", err)
			}
			list := append(docs(2000, 2001, july), docs(10, 11, july.AddDate(0, 1, 0))...)
			results, err := s.Write(t.Context(), list)
			if err != nil {
				t.Fatal(err)
			}
			if results[0].Outcome == store.Retry && !strings.Contains(results[0].Reason, path) {
				t.Errorf("writing: %+v", results[0])
			}
			if results[1].Outcome != store.Created {
				t.Errorf("writing another month: %+v", results[1])
			}
		})
	}
}

func overwrite(t *testing.T, path string, at int64, content []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(content, at); err != nil {
		t.Fatal(err)
	}
}

// Other files in the folder are left alone, and a foreign database under a month's name is refused.
func TestForeignFiles(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	write(t, s, docs(0, 10, july), store.Created)
	for _, name := range []string{"notes.txt", "armor-alerts-2026.13.db", "armor-alerts-x.db", "armor-alerts-2026.06.db.bak"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := total(t, s); got != 10 {
		t.Errorf("%d alerts", got)
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := s.DeleteBefore(t.Context(), july.AddDate(10, 0, 0)); err != nil {
		t.Error(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 5 { // the four, and the lock
		t.Errorf("left in the folder: %v", entries)
	}
	if _, err := embedded.OpenReadOnly(filepath.Join(dir, "none"), embedded.Options{}); err == nil {
		t.Error("a folder that is not there was opened")
	}
	if _, err := embedded.OpenReadOnly(filepath.Join(dir, "notes.txt"), embedded.Options{}); err == nil {
		t.Error("a file was opened as a folder")
	}
}

// More months than are kept open.
func TestManyMonths(t *testing.T) {
	s := open(t, t.TempDir())
	var list []store.Document
	for i := range 100 {
		list = append(list, doc(fmt.Sprintf("m%02d", i), july.AddDate(0, -(i%50), 0)))
	}
	write(t, s, list, store.Created)
	write(t, s, list, store.Duplicate)
	if got := total(t, s); got != 100 {
		t.Errorf("%d alerts, want 100", got)
	}
}

// A second writer is refused with the remedy.
func TestOneWriter(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	_, err := embedded.Open(dir, embedded.Options{})
	if !store.IsPermanent(err) || !strings.Contains(err.Error(), "in use") || !strings.Contains(err.Error(), dir) {
		t.Errorf("a second writer: %v", err)
	}
}
