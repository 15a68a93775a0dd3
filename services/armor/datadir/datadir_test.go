package datadir

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestOneProcessAtATime(t *testing.T) {
	dir, err := Open(filepath.Join(t.TempDir(), "data"))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := dir.Running(); ok || err != nil {
		t.Fatalf("Running on a fresh directory: %v, %v", ok, err)
	}
	unlock, err := dir.Lock()
	if err != nil {
		t.Fatal(err)
	}
	var inUse *InUseError
	if _, err := dir.Lock(); !errors.As(err, &inUse) || inUse.PID != os.Getpid() {
		t.Fatalf("second lock: %v, want an InUseError of process %d", err, os.Getpid())
	}
	want := Endpoints{PID: os.Getpid(), Console: "127.0.0.1:1", GRPC: "127.0.0.1:2", Started: time.Unix(1700000000, 0).UTC(), Version: "test"}
	if err := dir.WriteEndpoints(want); err != nil {
		t.Fatal(err)
	}
	if got, ok, err := dir.Running(); got != want || !ok || err != nil {
		t.Errorf("Running: %+v, %v, %v", got, ok, err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := dir.Running(); ok || err != nil {
		t.Errorf("endpoints of a process that has gone count: %v, %v", ok, err)
	}
	unlock, err = dir.Lock()
	if err != nil {
		t.Fatalf("lock after unlock: %v", err)
	}
	defer unlock()
}

func TestStoreStays(t *testing.T) {
	dir, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := dir.Store(); ok || err != nil {
		t.Fatalf("store of a fresh directory: %v, %v", ok, err)
	}
	if err := dir.ChooseStore(Store{Kind: Elasticsearch, URLs: []string{"http://127.0.0.1:9200"}}); err != nil {
		t.Fatal(err)
	}
	if err := dir.ChooseStore(Store{Kind: Embedded}); err == nil || !strings.Contains(err.Error(), "--data") {
		t.Errorf("changing the kind of store: %v, want an error that names --data", err)
	}
	if err := dir.ChooseStore(Store{Kind: Elasticsearch, URLs: []string{"http://127.0.0.1:9201"}}); err != nil {
		t.Errorf("a cluster that moved: %v", err)
	}
	if got, ok, err := dir.Store(); got.URLs[0] != "http://127.0.0.1:9201" || !ok || err != nil {
		t.Errorf("store: %+v, %v, %v", got, ok, err)
	}
	if err := os.WriteFile(filepath.Join(dir.Path(), storeFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := dir.Store(); err == nil || !strings.Contains(err.Error(), storeFile) {
		t.Errorf("damaged file: %v, want an error that names it", err)
	}
}

func TestAtNeedsADirectory(t *testing.T) {
	if _, err := At(filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "armor up") {
		t.Errorf("At a missing directory: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := At(file); err == nil {
		t.Error("At a file: no error")
	}
}

// A directory that this user may not write in is refused at once, with the way out. Where the test runs as root a thread of its
// own becomes somebody else.
func TestOpenNeedsToWrite(t *testing.T) {
	path := t.TempDir()
	if err := os.Chmod(path, 0o555); err != nil {
		t.Fatal(err)
	}
	const nobody = 65534
	refused := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if os.Geteuid() == 0 {
			if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, nobody, nobody, nobody); errno != 0 {
				refused <- errno
				return
			}
		}
		_, err := Open(path)
		refused <- err
	}()
	if err := <-refused; !errors.Is(err, syscall.EACCES) || !strings.Contains(err.Error(), "--data") {
		t.Errorf("%v", err)
	}
}
