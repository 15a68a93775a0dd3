// Package datadir is the data directory of `armor up`: one process at a time works in it, and the other commands find that
// process, or its store, through the directory alone.
package datadir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"golang.org/x/sys/unix"
)

// Default is the directory that commands use when none is named.
const Default = "armor-data"

// Dir is a data directory.
type Dir struct{ path string }

// Open makes the directory if it is not there (mode 0700), and checks that this process may work in it.
func Open(path string) (Dir, error) {
	if path == "" {
		return Dir{}, errors.New("data directory: the path is empty; name one with --data")
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return Dir{}, fmt.Errorf("make the data directory: %w; name another with --data", err)
	}
	dir, err := At(path)
	if err != nil {
		return Dir{}, err
	}
	if err := unix.Access(dir.path, unix.R_OK|unix.W_OK|unix.X_OK); err != nil {
		return Dir{}, fmt.Errorf("data directory: this user may not write in %s (%w); name another with --data", dir.path, err)
	}
	return dir, nil
}

// At is a directory that must be there already; the error says how one comes about.
func At(path string) (Dir, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Dir{}, fmt.Errorf("no data directory at %s: `armor up --data %s` makes one, --data names another", path, path)
	}
	if err != nil {
		return Dir{}, fmt.Errorf("data directory: %w", err)
	}
	if !info.IsDir() {
		return Dir{}, fmt.Errorf("data directory: %s is a file; name a directory with --data", path)
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return Dir{}, fmt.Errorf("data directory: %w", err)
	}
	return Dir{path: absolute}, nil
}

// Path of the directory, absolute.
func (d Dir) Path() string { return d.path }

// Token is the file of the secret that the console and gRPC ask for.
func (d Dir) Token() string { return filepath.Join(d.path, "token") }

// NATS is the folder of the embedded NATS server.
func (d Dir) NATS() string { return filepath.Join(d.path, "nats") }

// Alerts is the folder of the embedded alert store.
func (d Dir) Alerts() string { return filepath.Join(d.path, "alerts") }

// Agent is the folder of the agent's spool and positions.
func (d Dir) Agent() string { return filepath.Join(d.path, "agent") }

// Sample is the folder that `armor up --sample` unpacks the sample records into.
func (d Dir) Sample() string { return filepath.Join(d.path, "sample") }

// Endpoints says where a running process can be reached.
type Endpoints struct {
	// PID of the process.
	PID int `json:"pid"`
	// Console is the address of the web console, host:port.
	Console string `json:"console"`
	// GRPC is the address that serves every gRPC service, host:port.
	GRPC string `json:"grpc"`
	// NATS is the client address of the embedded NATS server; empty: in process only.
	NATS string `json:"nats,omitempty"`
	// Debug is the address of metrics and profiles; empty: off.
	Debug string `json:"debug,omitempty"`
	// Started is when the process began.
	Started time.Time `json:"started"`
	// Version of the program.
	Version string `json:"version"`
}

const endpointsFile = "endpoints.json"

// WriteEndpoints publishes the addresses for the other commands.
func (d Dir) WriteEndpoints(e Endpoints) error { return d.write(endpointsFile, e) }

// RemoveEndpoints takes the addresses back.
func (d Dir) RemoveEndpoints() error {
	err := os.Remove(filepath.Join(d.path, endpointsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Running gives the addresses of the process that works in the directory; ok is false when none does. Addresses left over by
// a process that was killed do not count.
func (d Dir) Running() (e Endpoints, ok bool, err error) {
	held, err := d.locked()
	if err != nil || !held {
		return Endpoints{}, false, err
	}
	ok, err = d.read(endpointsFile, &e)
	return e, ok, err
}

// StoreKind is which store holds a directory's alerts.
type StoreKind string

const (
	// Embedded: the store in the directory itself.
	Embedded StoreKind = "embedded"
	// Elasticsearch: a cluster.
	Elasticsearch StoreKind = "elasticsearch"
)

// Store is the alert store that a data directory uses. It names files of secrets, and holds none.
type Store struct {
	Kind StoreKind `json:"kind"`
	// URLs of the cluster's nodes, and how to log in there.
	URLs         []string `json:"urls,omitempty"`
	User         string   `json:"user,omitempty"`
	PasswordFile string   `json:"password_file,omitempty"`
	APIKeyFile   string   `json:"api_key_file,omitempty"`
	CA           string   `json:"ca,omitempty"`
}

const storeFile = "store.json"

// Store that the directory uses; ok is false as long as none was chosen.
func (d Dir) Store() (s Store, ok bool, err error) {
	ok, err = d.read(storeFile, &s)
	if err == nil && ok && s.Kind != Embedded && s.Kind != Elasticsearch {
		return Store{}, false, fmt.Errorf("%s names an unknown store %q; this program knows %q and %q",
			filepath.Join(d.path, storeFile), s.Kind, Embedded, Elasticsearch)
	}
	return s, ok, err
}

// ChooseStore records the store. A directory keeps its kind of store for good: what was read before is in the old one and
// would not be read again.
func (d Dir) ChooseStore(want Store) error {
	have, ok, err := d.Store()
	if err != nil {
		return err
	}
	if ok && have.Kind != want.Kind {
		return fmt.Errorf("the alerts of data directory %s are in its %s store; run without changing that, or name another directory with --data",
			d.path, have.Kind)
	}
	if ok && reflect.DeepEqual(have, want) {
		return nil
	}
	return d.write(storeFile, want)
}

// read decodes a JSON file of the directory; ok is false when it is not there.
func (d Dir) read(name string, into any) (ok bool, err error) {
	path := filepath.Join(d.path, name)
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("data directory: %w", err)
	}
	if err := json.Unmarshal(content, into); err != nil {
		return false, fmt.Errorf("data directory: %s is damaged (%w); remove it and start again", path, err)
	}
	return true, nil
}

// write replaces a JSON file of the directory in one step (mode 0600).
func (d Dir) write(name string, value any) error {
	content, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(d.path, name+".*")
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	_, err = f.Write(append(content, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(d.path, name))
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("data directory: write %s: %w", name, err)
	}
	return nil
}
