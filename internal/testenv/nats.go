package testenv

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// NATS is a NATS server with JetStream inside the test process, with its files in a temporary folder. It has ClientURL and
// InProcessConn, and is shut down at the end of the test.
func NATS(t testing.TB) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		ServerName: "armor-test",
		Host:       "127.0.0.1",
		Port:       server.RANDOM_PORT,
		JetStream:  true,
		StoreDir:   t.TempDir(),
		NoSigs:     true,
		NoLog:      true,
	})
	if err != nil {
		t.Fatalf("starting NATS: %v", err)
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	s.Start()
	if !s.ReadyForConnections(readyLimit) {
		t.Fatalf("NATS did not become ready within %s", readyLimit)
	}
	return s
}

// readyLimit is how long a neighbour may take to start on a loaded machine.
const readyLimit = 3 * time.Minute

// NATSNode is the real nats-server as a process of its own, for tests that stop, kill and restart it. Its address and its
// data stay the same over restarts.
type NATSNode struct {
	*node
	port int
	dir  string
}

// Wipe removes the data of a server that does not run, as if its disk had failed.
func (n *NATSNode) Wipe(t testing.TB) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(n.dir, server.JetStreamStoreDir)); err != nil {
		t.Fatal(err)
	}
}

// URL is where clients connect.
func (n *NATSNode) URL() string { return "nats://127.0.0.1:" + strconv.Itoa(n.port) }

// NATSProcess starts nats-server, built out of this module's own dependency, with JetStream. arguments are further flags of
// its command line. It is stopped at the end of the test.
func NATSProcess(t testing.TB, arguments ...string) *NATSNode {
	t.Helper()
	binary, err := NATSServer(t.Context(), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	dir := t.TempDir()
	n := &NATSNode{port: port, dir: dir, node: &node{
		name: "nats-server", logFile: filepath.Join(dir, "nats.log"),
		command: func() *exec.Cmd {
			args := []string{"--addr", "127.0.0.1", "--port", strconv.Itoa(port), "--jetstream", "--store_dir", dir}
			return exec.Command(binary, append(args, arguments...)...)
		},
		ready: func(ctx context.Context) error {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", "127.0.0.1:"+strconv.Itoa(port))
			if err != nil {
				return err
			}
			return conn.Close()
		},
	}}
	t.Cleanup(func() { n.Stop(t) })
	n.Start(t)
	return n
}

// PrepareNATS builds nats-server, so that the first test need not. It is what `make deps` runs.
func PrepareNATS(ctx context.Context, logf func(string, ...any)) error {
	_, err := NATSServer(ctx, logf)
	return err
}

// NATSServer is the path of nats-server, which is built once per version of the dependency.
func NATSServer(ctx context.Context, logf func(string, ...any)) (string, error) {
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, "nats-server-"+server.VERSION)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	root, err := FindRoot()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("making the cache folder: %w", err)
	}
	logf("building nats-server %s", server.VERSION)
	temp, err := os.MkdirTemp(cache, "building-")
	if err != nil {
		return "", fmt.Errorf("building nats-server: %w", err)
	}
	defer os.RemoveAll(temp)
	built := filepath.Join(temp, "nats-server")
	build := exec.CommandContext(ctx, "go", "build", "-o", built, "github.com/nats-io/nats-server/v2")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building nats-server: %w\n%s", err, out)
	}
	if err := os.Rename(built, path); err != nil {
		return "", fmt.Errorf("keeping nats-server: %w", err)
	}
	return path, nil
}

// freePort is a TCP port that was free a moment ago.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("finding a free port: %v", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
