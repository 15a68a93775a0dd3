// Package rig runs Armor as the separate programs it is made of, with every link between them led through a fault proxy.
package rig

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"armor/internal/testenv"
	"armor/test/torture/bulk"
	"armor/test/torture/lines"
	"armor/test/torture/wire"
)

// Rig is Armor as processes on one machine, its neighbours and the proxies between them.
type Rig struct {
	// Dir holds data, logs and configurations.
	Dir      string
	Agents   []*Process
	Managers []*Process
	Indexer  *Process
	NATS     *testenv.NATSNode
	Elastic  *testenv.ElasticsearchNode

	// The links: agents to manager, manager and indexer to NATS, indexer to Elasticsearch.
	GRPC     *wire.Proxy
	Stream   *wire.Proxy
	Bulk     *bulk.Proxy
	bulkHTTP *httptest.Server

	programs         string
	managerAddresses []string
	indexerAddress   string
}

// managers stand behind one address, and every new connection of an agent reaches the next of them.
const managers = 2

// New lays the rig out and starts the neighbours and the proxies; Start starts Armor. seed is that of the proxies' choices.
// long: Elasticsearch is to hold millions of alerts.
func New(t testing.TB, agents int, seed uint64, long bool) *Rig {
	t.Helper()
	r := &Rig{Dir: t.TempDir(), indexerAddress: testenv.FreeAddress(t)}
	for range managers {
		r.managerAddresses = append(r.managerAddresses, testenv.FreeAddress(t))
	}
	r.build(t)
	if err := lines.Ruleset(filepath.Join(r.Dir, "ruleset")); err != nil {
		t.Fatal(err)
	}
	r.NATS = testenv.NATSProcess(t)
	elasticsearch := testenv.ElasticsearchProcess
	if long {
		elasticsearch = testenv.LargeElasticsearchProcess
	}
	r.Elastic = elasticsearch(t)
	r.GRPC = proxy(t, seed, r.managerAddresses...)
	r.Stream = proxy(t, seed+1, strings.TrimPrefix(r.NATS.URL(), "nats://"))
	r.Bulk = bulk.New(r.Elastic.URL(), seed+2)
	r.bulkHTTP = httptest.NewServer(r.Bulk)
	t.Cleanup(r.bulkHTTP.Close)
	r.configure(t, agents)
	t.Cleanup(func() {
		for _, p := range r.Processes() {
			if err := p.Kill(); err != nil {
				t.Error(err)
			}
			if t.Failed() {
				t.Logf("%s, the end of its log:\n%s", p.Name, p.Tail())
			}
		}
	})
	return r
}

func proxy(t testing.TB, seed uint64, targets ...string) *wire.Proxy {
	t.Helper()
	p, err := wire.New(seed, targets...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func (r *Rig) build(t testing.TB) {
	t.Helper()
	r.programs = filepath.Join(r.Dir, "programs")
	if err := os.MkdirAll(r.programs, 0o755); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-pgo=off", "-o", r.programs, "./services/...")
	build.Dir = testenv.Root(t)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the programs: %v\n%s", err, out)
	}
}

// Folder is where agent i (from 0) reads.
func (r *Rig) Folder(i int) string { return filepath.Join(r.Dir, fmt.Sprintf("logs-%03d", i+1)) }

func (r *Rig) configure(t testing.TB, agents int) {
	t.Helper()
	stream := "nats://" + r.Stream.Addr()
	for i, address := range r.managerAddresses {
		name := fmt.Sprintf("manager-%d", i+1)
		r.Managers = append(r.Managers, r.process(t, name, "armor-manager", fmt.Sprintf(`
name: %s
data_dir: %s/%s
grpc: {listen: %q, token_file: %q}
nats: {url: %q, janitor: {require: [indexer, %s]}}
ruleset: {directory: %s/ruleset}
`, name, r.Dir, name, address, r.managerToken(), stream, observer, r.Dir)))
	}
	r.Indexer = r.process(t, "indexer", "armor-indexer", fmt.Sprintf(`
data_dir: %s/indexer
grpc: {listen: %q}
nats: {url: %q, janitor: {require: [indexer, %s]}}
elasticsearch: {urls: [%q], timeout: 5s}
console: {listen: ""}
`, r.Dir, r.indexerAddress, stream, observer, r.bulkHTTP.URL))
	for i := range agents {
		name := fmt.Sprintf("agent-%03d", i+1)
		if err := os.MkdirAll(r.Folder(i), 0o755); err != nil {
			t.Fatal(err)
		}
		r.Agents = append(r.Agents, r.process(t, name, "armor-agent", fmt.Sprintf(`
agent: {id: "%03d"}
manager: {address: %q, token_file: %q}
data_dir: %s/%s
inputs:
  - {type: logfile, path: "%s/*.log", format: json}
`, i+1, r.GRPC.Addr(), r.managerToken(), r.Dir, name, r.Folder(i))))
	}
}

func (r *Rig) process(t testing.TB, name, program, config string) *Process {
	t.Helper()
	debug := testenv.FreeAddress(t)
	config += fmt.Sprintf("debug: {listen: %q}\n", debug)
	path := filepath.Join(r.Dir, name+".yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return &Process{
		Name: name, binary: filepath.Join(r.programs, program), args: []string{"--config", path},
		log: filepath.Join(r.Dir, name+".log"), debug: debug, ends: endsWithParent(),
	}
}

// managerToken is the file of the token that all managers share.
func (r *Rig) managerToken() string { return filepath.Join(r.Dir, "manager-1", "token") }

// Processes are Armor's own, agents first.
func (r *Rig) Processes() []*Process {
	return append(slices.Concat(r.Agents, r.Managers), r.Indexer)
}

// tokenWithin is how long the first manager may take to make the token.
const tokenWithin = time.Minute

// Start starts Armor.
func (r *Rig) Start() error {
	var errs []error
	errs = append(errs, r.Indexer.Start())
	for _, p := range r.Managers {
		errs = append(errs, p.Start(), r.awaitToken())
	}
	for _, p := range r.Agents {
		errs = append(errs, p.Start())
	}
	return errors.Join(errs...)
}

// awaitToken waits until the managers' token is there, which the first of them makes.
func (r *Rig) awaitToken() error {
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(r.managerToken()); err == nil || time.Since(began) > tokenWithin {
			return err
		}
	}
}

// Stop ends Armor as an operator would.
func (r *Rig) Stop() error {
	var errs []error
	for _, p := range r.Processes() {
		code, err := p.Interrupt()
		if code != 0 {
			err = errors.Join(err, fmt.Errorf("%s ended with %d; the end of its log:\n%s", p.Name, code, p.Tail()))
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
