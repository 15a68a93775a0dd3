package testenv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// ElasticsearchNode is a real Elasticsearch 8 node as a process of its own. Its address and its data stay the same over
// restarts. It lacks what the project does not publish as jars: GET /, data streams, ILM, security, reindex, Painless.
type ElasticsearchNode struct {
	*node
	home string
	port string // empty until it was started once
}

// URL is where clients connect.
func (n *ElasticsearchNode) URL() string { return "http://127.0.0.1:" + n.port }

// shared is the node of this test process. It ends with the process: its standard input closes then.
var shared struct {
	sync.Mutex
	node *ElasticsearchNode
}

// Elasticsearch is the URL of a node that all tests of this test process share; the first one starts it (about 15 s). Tests
// keep apart by using indices of their own, or empty it with WipeElasticsearch.
func Elasticsearch(t testing.TB) string {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.node != nil && shared.node.running() {
		return shared.node.URL()
	}
	home, err := os.MkdirTemp("", "armor-elasticsearch-")
	if err != nil {
		t.Fatalf("starting Elasticsearch: %v", err)
	}
	n := newElasticsearch(t, home, "-Darmor.delete.home=true")
	// Not the test's context: the node outlives the test that happens to start it.
	if err := n.start(context.WithoutCancel(t.Context()), t.Logf); err != nil {
		t.Fatal(errors.Join(err, os.RemoveAll(home)))
	}
	shared.node = n
	return n.URL()
}

// ElasticsearchProcess is a node of the test's own, for tests that stop, kill and restart it. settings are further lines of its
// elasticsearch.yml. It is stopped at the end of the test.
func ElasticsearchProcess(t testing.TB, settings ...string) *ElasticsearchNode {
	t.Helper()
	return elasticsearchProcess(t, settings)
}

// LargeElasticsearchProcess is an ElasticsearchProcess for millions of documents: it has both compilers and a heap of 2 GiB, and
// takes longer to start.
func LargeElasticsearchProcess(t testing.TB, settings ...string) *ElasticsearchNode {
	t.Helper()
	return elasticsearchProcess(t, settings, "-Xmx2g", "-XX:TieredStopAtLevel=4")
}

func elasticsearchProcess(t testing.TB, settings []string, javaFlags ...string) *ElasticsearchNode {
	t.Helper()
	n := newElasticsearch(t, t.TempDir(), javaFlags...)
	if err := n.configure(settings...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Kill)
	n.Start(t)
	return n
}

// WipeElasticsearch deletes all indices, aliases and composable templates of a node.
func WipeElasticsearch(t testing.TB, url string) {
	t.Helper()
	for _, path := range []string{"/*?expand_wildcards=all", "/_index_template/*", "/_component_template/*"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, url+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatalf("emptying Elasticsearch: %v", err)
		}
		answer, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusNotFound {
			t.Fatalf("emptying Elasticsearch: DELETE %s: %s %s (%v)", path, resp.Status, answer, err)
		}
	}
}

// Memory and start-up of the Java machine: a small heap, and no second compiler, which halves the start on a small machine.
var javaFlags = []string{
	"-Xms512m", "-Xmx768m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
	"--add-opens=java.base/java.io=ALL-UNNAMED",
}

// newElasticsearch lays out the home folder; the node is not started. flags come after javaFlags and win over them.
func newElasticsearch(t testing.TB, home string, flags ...string) *ElasticsearchNode {
	t.Helper()
	dist, err := prepareElasticsearch(context.WithoutCancel(t.Context()), t.Logf)
	var missing *missingError
	if errors.As(err, &missing) {
		Require(t, false, missing.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"config", "plugins", "logs", "modules", "data", "tmp"} {
		if err := os.MkdirAll(filepath.Join(home, dir), 0o755); err != nil {
			t.Fatalf("laying out Elasticsearch: %v", err)
		}
	}
	if err := os.Symlink(dist.module, filepath.Join(home, "modules", "transport-netty4")); err != nil {
		t.Fatalf("laying out Elasticsearch: %v", err)
	}
	n := &ElasticsearchNode{home: home}
	if err := n.configure(); err != nil {
		t.Fatal(err)
	}
	n.node = &node{
		name: "Elasticsearch", logFile: filepath.Join(home, "logs", "node.log"), watchesInput: true,
		command: func() *exec.Cmd {
			n.forgetPort()
			args := append([]string{}, javaFlags...)
			args = append(args, flags...)
			args = append(args, "-Des.path.home="+home, "-Djava.io.tmpdir="+filepath.Join(home, "tmp"),
				"-cp", dist.classPath(), "ArmorNode", home)
			return exec.Command(dist.java, args...)
		},
		ready: n.look,
	}
	return n
}

// configure writes elasticsearch.yml.
func (n *ElasticsearchNode) configure(settings ...string) error {
	port := "0"
	if n.port != "" {
		port = n.port
	}
	lines := append([]string{
		"cluster.name: armor-test",
		"node.name: armor-test",
		"discovery.type: single-node",
		"network.host: 127.0.0.1",
		"http.port: " + port,
		"transport.port: 0",
		"node.portsfile: true",
		"cluster.routing.allocation.disk.threshold_enabled: false",
		"action.destructive_requires_name: false",
	}, settings...)
	path := filepath.Join(n.home, "config", "elasticsearch.yml")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		return fmt.Errorf("configuring Elasticsearch: %w", err)
	}
	return nil
}

func (n *ElasticsearchNode) portsFile() string { return filepath.Join(n.home, "logs", "http.ports") }

// forgetPort takes away what an earlier run of the node said.
func (n *ElasticsearchNode) forgetPort() { os.Remove(n.portsFile()) } // it may not be there

// look asks a starting node for the health of its cluster. The first start also tells which port it took, which is then fixed.
func (n *ElasticsearchNode) look(ctx context.Context) error {
	if n.port == "" {
		content, err := os.ReadFile(n.portsFile())
		if err != nil {
			return errors.New("it listens on no port yet")
		}
		for line := range strings.Lines(string(content)) {
			if port, ok := strings.CutPrefix(strings.TrimSpace(line), "127.0.0.1:"); ok {
				n.port = port
			}
		}
		if n.port == "" {
			return errors.New("it listens on no port yet")
		}
		text, err := os.ReadFile(filepath.Join(n.home, "config", "elasticsearch.yml"))
		if err != nil {
			return err
		}
		fixed := strings.Replace(string(text), "http.port: 0\n", "http.port: "+n.port+"\n", 1)
		if err := os.WriteFile(filepath.Join(n.home, "config", "elasticsearch.yml"), []byte(fixed), 0o644); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	url := n.URL() + "/_cluster/health?wait_for_status=yellow&timeout=4s"
	status, err := Ask(ctx, url)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("health answers %d", status)
	}
	return err
}
