package test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"armor/internal/rpc"
	"armor/internal/testenv"
	armorv1 "armor/proto/armor/v1"
	"armor/services/armor/conservation"
	"armor/test/ledger"
)

// cluster is Armor as separate processes: NATS, Elasticsearch, one manager, one indexer, agents. Each keeps its address and its
// data over restarts.
type cluster struct {
	t       testing.TB
	dir     string
	nats    *testenv.NATSNode
	elastic string

	managerAddress, indexerAddress string
	manager, indexer               *process
	agents                         []*process
	folders                        []string // what each agent reads
	debug                          []string // debug address of each agent
	certs                          string   // folder of certificates; empty: tokens
	overlay                        string   // directory with further rules; empty: none
}

// newCluster prepares a cluster with an agent per folder; nothing of Armor runs yet. Without Elasticsearch the indexer keeps the
// alerts itself.
func newCluster(t testing.TB, elastic string, folders ...string) *cluster {
	t.Helper()
	c := &cluster{t: t, dir: t.TempDir(), elastic: elastic, folders: folders, agents: make([]*process, len(folders))}
	c.managerAddress, c.indexerAddress = testenv.FreeAddress(t), testenv.FreeAddress(t)
	for range folders {
		c.debug = append(c.debug, testenv.FreeAddress(t))
	}
	return c
}

// config writes a configuration file.
func (c *cluster) config(name, text string) string {
	c.t.Helper()
	path := filepath.Join(c.dir, name+".yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}

// serverTLS is a server's part of a configuration, with certificates.
func (c *cluster) serverTLS(name string) string {
	if c.certs == "" {
		return ""
	}
	return fmt.Sprintf(", tls: {certificate: %s/%s.crt, key: %s/%s.key, ca: %s/ca.crt}", c.certs, name, c.certs, name, c.certs)
}

// access is the flags with which the armor command reaches a service.
func (c *cluster) access(address, token string) []string {
	if c.certs == "" {
		return []string{"--address", address, "--token-file", token}
	}
	return []string{"--address", address, "--ca", c.certs + "/ca.crt", "--certificate", c.certs + "/operator.crt", "--key", c.certs + "/operator.key"}
}

// client is the same for a connection.
func (c *cluster) client(address, token string) rpc.ClientConfig {
	if c.certs == "" {
		return rpc.ClientConfig{Address: address, TokenFile: token}
	}
	return rpc.ClientConfig{Address: address, TLS: rpc.TLSConfig{
		CA: c.certs + "/ca.crt", Certificate: c.certs + "/operator.crt", Key: c.certs + "/operator.key",
	}}
}

func (c *cluster) managerToken() string { return filepath.Join(c.dir, "manager", "token") }
func (c *cluster) indexerToken() string { return filepath.Join(c.dir, "indexer", "token") }

func (c *cluster) startManager() {
	c.t.Helper()
	ruleset := fmt.Sprintf("{include: [%q]}", specRules)
	if c.overlay != "" {
		ruleset = fmt.Sprintf("{overlays: [%q]}", c.overlay)
	}
	c.manager = start(c.t, "armor-manager", "--config", c.config("manager", fmt.Sprintf(`
data_dir: %s
grpc: {listen: %q%s}
nats: {url: %q}
ruleset: %s
debug: {listen: ""}
log: {level: info}
`, filepath.Join(c.dir, "manager"), c.managerAddress, c.serverTLS("manager"), c.nats.URL(), ruleset)))
}

func (c *cluster) startIndexer() {
	c.t.Helper()
	elastic := ""
	if c.elastic != "" {
		elastic = fmt.Sprintf("elasticsearch: {urls: [%q]}", c.elastic)
	}
	c.indexer = start(c.t, "armor-indexer", "--config", c.config("indexer", fmt.Sprintf(`
data_dir: %s
grpc: {listen: %q%s}
nats: {url: %q}
%s
console: {listen: ""}
debug: {listen: ""}
log: {level: info}
`, filepath.Join(c.dir, "indexer"), c.indexerAddress, c.serverTLS("indexer"), c.nats.URL(), elastic)))
}

func (c *cluster) startAgent(i int) {
	c.t.Helper()
	id := fmt.Sprintf("%03d", i+1)
	proof := "token_file: " + c.managerToken()
	if c.certs != "" {
		proof = strings.TrimPrefix(c.serverTLS("agent-"+id), ", ")
	}
	c.agents[i] = start(c.t, "armor-agent", "--config", c.config("agent-"+id, fmt.Sprintf(`
agent: {id: %q, name: "host-%s"}
manager: {address: %q, %s}
data_dir: %s
inputs:
  - {type: cloudtrail, path: %s}
debug: {listen: %q}
log: {level: info}
`, id, id, c.managerAddress, proof, filepath.Join(c.dir, "agent-"+id), c.folders[i], c.debug[i])))
}

// startAll starts everything; NATS only if it was not there yet.
func (c *cluster) startAll() {
	c.t.Helper()
	if c.nats == nil {
		c.nats = testenv.NATSProcess(c.t)
	}
	c.startManager()
	c.startIndexer()
	for i := range c.agents {
		c.startAgent(i)
	}
}

// counters asks the manager or the indexer for its counters.
func (c *cluster) counters(address, token string) (map[string]uint64, error) {
	conn, err := rpc.Dial(c.client(address, token), slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(c.t.Context(), 2*time.Second)
	defer cancel()
	status, err := armorv1.NewStatusServiceClient(conn).GetProcessStatus(ctx, &armorv1.GetProcessStatusRequest{})
	if err != nil {
		return nil, err
	}
	sum := map[string]uint64{}
	for _, part := range status.GetComponents() {
		for name, n := range part.GetCounters() {
			sum[name] += n
		}
	}
	return sum, nil
}

// reached is a look for a counter that has come to at least n.
func (c *cluster) reached(service, counter string, n uint64) func() error {
	address, token := c.managerAddress, c.managerToken()
	if service == "indexer" {
		address, token = c.indexerAddress, c.indexerToken()
	}
	return func() error {
		counters, err := c.counters(address, token)
		if err != nil {
			return err
		}
		if counters[counter] < n {
			return fmt.Errorf("%s %s is %d", service, counter, counters[counter])
		}
		return nil
	}
}

// alerts counts the alerts in the store through the indexer.
func (c *cluster) alerts() (int, error) {
	r := call(c.t, "armor", append([]string{"alerts", "count"}, c.access(c.indexerAddress, c.indexerToken())...)...)
	if r.code != 0 {
		return 0, fmt.Errorf("count the alerts: %s", r.errors)
	}
	return strconv.Atoi(strings.TrimSpace(r.out))
}

// settle waits until the agents have read what is there and every part is at rest, and checks ledger and counters.
func (c *cluster) settle(want *ledger.Ledger) {
	c.t.Helper()
	for i := range c.agents {
		eventually(c.t, fmt.Sprintf("agent %d has read and handed over everything", i+1), func() error { return c.agentDone(i) })
	}
	eventually(c.t, "every alert is stored", func() error {
		n, err := c.alerts()
		if err == nil && n < want.Len() {
			err = fmt.Errorf("%d of %d", n, want.Len())
		}
		return err
	})
	documents := call(c.t, "armor", append([]string{"alerts", "search", "--json", "--limit", "0"}, c.access(c.indexerAddress, c.indexerToken())...)...).must(c.t)
	report, err := want.Check(strings.NewReader(documents))
	if err != nil {
		c.t.Fatal(err)
	}
	if err := report.Err(); err != nil {
		c.t.Error(err)
	}
	for i := range c.agents { // again: an agent that had not begun was at rest too
		eventually(c.t, fmt.Sprintf("agent %d is at rest", i+1), func() error { return c.agentDone(i) })
	}
	for service, place := range map[string][2]string{"manager": {c.managerAddress, c.managerToken()}, "indexer": {c.indexerAddress, c.indexerToken()}} {
		eventually(c.t, "the counters of the "+service+" balance", func() error {
			counters, err := c.counters(place[0], place[1])
			if err != nil {
				return err
			}
			return conservation.Check(&armorv1.ComponentStatus{Name: service, Counters: counters})
		})
	}
}

// stop ends everything as an operator would.
func (c *cluster) stop() {
	c.t.Helper()
	for _, p := range append(append([]*process{}, c.agents...), c.manager, c.indexer) {
		if code := p.interrupt(c.t); code != 0 {
			c.t.Errorf("%s ended with %d", p.name, code)
		}
	}
}
