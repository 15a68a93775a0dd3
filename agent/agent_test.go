package agent

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"armor/agent/timestamp"
	armorv1 "armor/proto/armor/v1"
)

// manager finishes what it is sent, and keeps the bodies. While held it gives no receipts.
type manager struct {
	armorv1.UnimplementedIngestServiceServer
	mu       sync.Mutex
	finished map[string]uint64
	bodies   []string
	labels   map[string]string
	hello    *armorv1.Hello
	report   *armorv1.AgentReport
	held     bool
	changed  chan struct{}
}

func (m *manager) Stream(stream grpc.BidiStreamingServer[armorv1.StreamRequest, armorv1.StreamResponse]) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	hello := first.GetHello()
	m.mu.Lock()
	m.hello = hello
	if hello.FirstSequence > m.finished[hello.SpoolId]+1 {
		m.finished[hello.SpoolId] = hello.FirstSequence - 1 // what is before is given up
	}
	finished := m.finished[hello.SpoolId]
	m.mu.Unlock()
	welcome := &armorv1.Welcome{LastFinishedSequence: finished, Window: 5000, ManagerName: "m"}
	if err := stream.Send(&armorv1.StreamResponse{Message: &armorv1.StreamResponse_Welcome{Welcome: welcome}}); err != nil {
		return err
	}
	for {
		request, err := stream.Recv()
		if err != nil {
			return nil
		}
		m.mu.Lock()
		if report := request.GetReport(); report != nil {
			m.report = report
			m.mu.Unlock()
			continue
		}
		last := uint64(0)
		for _, ev := range request.GetBatch().GetEvents() {
			last = ev.Sequence
			m.labels = ev.Labels
			if last == m.finished[hello.SpoolId]+1 && !m.held {
				m.finished[hello.SpoolId] = last
				m.bodies = append(m.bodies, string(ev.Body))
			}
		}
		held := m.held
		close(m.changed)
		m.changed = make(chan struct{})
		m.mu.Unlock()
		if held {
			continue
		}
		if err := stream.Send(&armorv1.StreamResponse{Message: &armorv1.StreamResponse_Receipt{Receipt: &armorv1.Receipt{Sequence: last}}}); err != nil {
			return err
		}
	}
}

// newManager serves in process and returns the manager and a connection to it.
func newManager(t *testing.T) (*manager, *grpc.ClientConn) {
	t.Helper()
	m := &manager{finished: map[string]uint64{}, changed: make(chan struct{})}
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer()
	armorv1.RegisterIngestServiceServer(server, m)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient("passthrough:///m", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return m, conn
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// run starts an agent; the function stops it and waits.
func run(t *testing.T, cfg Config, reg prometheus.Registerer) (*Agent, func()) {
	t.Helper()
	a, err := New(cfg, quiet(), reg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	var once sync.Once
	stop := func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	return a, stop
}

// until waits for a state of the manager or the agent; the manager's changes and a tick make it look.
func until(t *testing.T, m *manager, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		m.mu.Lock()
		changed := m.changed
		m.mu.Unlock()
		select {
		case <-changed:
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

func conserved(t *testing.T, a *Agent) map[string]uint64 {
	t.Helper()
	c := a.Status().GetCounters()
	if c["recovered"]+c["read"] != c["receipted"]+c["spooled"]+c["dropped_damaged"]+c["dropped_age"]+c["dropped_full"]+c["dropped_disk"] {
		t.Errorf("not conserved: %v", c)
	}
	return c
}

func records(first, last int) []byte {
	var list []string
	for n := first; n <= last; n++ {
		list = append(list, fmt.Sprintf(`{"eventID":"id-%d","eventTime":"2024-01-02T03:04:05Z"}`, n))
	}
	return []byte(`{"Records":[` + strings.Join(list, ",") + `]}`)
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWholeLife(t *testing.T) {
	m, conn := newManager(t)
	dir := t.TempDir()
	trail, logs := filepath.Join(dir, "trail"), filepath.Join(dir, "logs")
	for _, d := range []string{trail, logs} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(trail, "a.json"), records(1, 2500))
	write(t, filepath.Join(trail, "bad.json"), []byte(`{"Records":[{"eventID":"id-2501"}`))
	write(t, filepath.Join(logs, "x.log"), []byte("one\ntwo\nthree without end"))
	cfg := Config{
		Agent: Identity{ID: "a1", Labels: map[string]string{"site": "north", "role": "x"}}, DataDir: filepath.Join(dir, "data"), Conn: conn, Version: "1.0",
		Inputs: []InputConfig{
			{Type: "cloudtrail", Path: trail, Labels: map[string]string{"role": "trail"}},
			{Type: "logfile", Path: filepath.Join(logs, "*.log"), Labels: map[string]string{"role": "trail"}},
		},
		OneShot: true,
	}
	reg := prometheus.NewRegistry()
	a, stop := run(t, cfg, reg)
	until(t, m, "idle", a.Idle)
	if c := conserved(t, a); c["read"] != 2504 || c["receipted"] != 2504 {
		t.Errorf("%v", c)
	}
	if st := a.Status(); !st.Ready || st.Gauges["cloudtrail_records"] != 2501 || st.Gauges["logfile_lines"] != 3 {
		t.Errorf("%v", st)
	}
	if list := a.Damaged(); len(list) != 1 || !strings.Contains(list[0], "bad.json") {
		t.Errorf("damaged %q", list)
	}
	if m.labels["site"] != "north" || m.labels["role"] != "trail" || m.hello.AgentName != "a1" || m.hello.Version != "1.0" {
		t.Errorf("labels %v, hello %v", m.labels, m.hello)
	}
	if families, err := reg.Gather(); err != nil || len(families) < 6 {
		t.Errorf("metrics: %v %v", families, err)
	}
	if _, err := New(cfg, quiet(), nil); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("in use by process %d", os.Getpid())) {
		t.Errorf("a second agent: %v", err)
	}
	stop()

	// A second run adds nothing.
	a, stop = run(t, cfg, nil)
	until(t, m, "idle again", a.Idle)
	if c := conserved(t, a); c["read"] != 0 {
		t.Errorf("%v", c)
	}
	stop()
	if len(m.bodies) != 2504 {
		t.Errorf("%d events", len(m.bodies))
	}
}

// TestRestartWithEventsOnTheWay: what has no receipt is recovered and sent again.
func TestRestartWithEventsOnTheWay(t *testing.T) {
	m, conn := newManager(t)
	m.held = true
	dir := t.TempDir()
	trail := filepath.Join(dir, "trail")
	if err := os.Mkdir(trail, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(trail, "a.json"), records(1, 3000))
	cfg := Config{Agent: Identity{ID: "a1"}, DataDir: filepath.Join(dir, "data"), Conn: conn, Inputs: []InputConfig{{Type: "cloudtrail", Path: trail}}}
	a, stop := run(t, cfg, nil)
	until(t, m, "all read", func() bool { return a.Status().Counters["read"] == 3000 })
	if a.Idle() {
		t.Error("idle without receipts")
	}
	stop()
	m.mu.Lock()
	m.held = false
	m.mu.Unlock()
	a, _ = run(t, cfg, nil)
	until(t, m, "idle", a.Idle)
	if c := conserved(t, a); c["recovered"] != 3000 || c["read"] != 0 || len(m.bodies) != 3000 {
		t.Errorf("%v, %d events", c, len(m.bodies))
	}
	write(t, filepath.Join(trail, "b.json"), records(4000, 4001))
	if a.Idle() {
		t.Error("idle with a file that was not read")
	}
	until(t, m, "idle again", a.Idle)
	if len(m.bodies) != 3002 {
		t.Errorf("%d events", len(m.bodies))
	}
}

// TestWithoutManager: everything is read and kept, and the status says why nothing leaves.
func TestWithoutManager(t *testing.T) {
	m, _ := newManager(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.log"), []byte("one\n"))
	token := filepath.Join(dir, "token")
	write(t, token, []byte("0123456789abcdef0123456789abcdef"))
	cfg := Config{Agent: Identity{ID: "a1"}, DataDir: filepath.Join(dir, "data"), Inputs: []InputConfig{{Type: "logfile", Path: filepath.Join(dir, "*.log")}}}
	cfg.Manager.Address, cfg.Manager.TokenFile = "127.0.0.1:1", token
	a, _ := run(t, cfg, nil)
	until(t, m, "spooled", func() bool {
		st := a.Status()
		return st.Counters["spooled"] == 1 && !st.Ready && strings.Contains(st.Reason, "no manager, events are kept: Unavailable")
	})
	if a.Idle() {
		t.Error("idle")
	}
}

func TestConfiguration(t *testing.T) {
	cfg := Config{
		Agent: Identity{ID: "a b", Name: "x\x00"},
		Spool: SpoolConfig{SegmentBytes: 10, MaxBytes: 20},
		Inputs: []InputConfig{
			{}, {Type: "file", Path: "x"}, {Type: "cloudtrail", Path: "/a", Format: "json", Mode: "ftp"},
			{Type: "logfile", Path: "/b/[", Start: "middle", Format: "xml", Mode: "dir", WhenFull: "wait", SilenceAfter: -1, Timestamp: &timestamp.Config{Layout: "%Q"}}, {Type: "cloudtrail", Path: "/a/"},
		},
	}
	err := cfg.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, part := range []string{
		`agent.id: "a b"`, "data_dir: missing", "manager.address: missing", "agent.name:", "spool.segment_bytes: 10", "spool.max_bytes: 20",
		"inputs[0].path: missing", "inputs[0].type: missing", `inputs[1].type: "file"`, "inputs[2].format:", `inputs[2].mode: "ftp"`,
		"inputs[3].path: ", `inputs[3].start: "middle"`, `inputs[3].format: "xml"`, `inputs[3].when_full: "wait"`, "inputs[3].silence_after: -1ns", `inputs[3].timestamp.layout: "%Q"`, "inputs[3].mode:", "inputs[4]: reads the same path as inputs[2]",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in\n%v", part, err)
		}
	}
	good := Config{Agent: Identity{ID: "a1"}, DataDir: "d", Inputs: []InputConfig{{Type: "cloudtrail", Path: "p"}}}
	good.Manager.Address, good.Manager.TokenFile = "127.0.0.1:1", "t"
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
}
