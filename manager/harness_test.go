package manager

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/internal/alertstream"
	"armor/internal/alertstream/embedded"
	"armor/internal/rpc"
	armorv1 "armor/proto/armor/v1"
	"armor/rules"
)

var quiet = slog.New(slog.DiscardHandler)

const deadline = 60 * time.Second

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	t.Cleanup(cancel)
	return ctx
}

// tiny is a ruleset in which lines with "attack" raise an alert.
func tiny(description string) fs.FS {
	return fstest.MapFS{
		"decoders/tiny.xml": {Data: []byte(`<decoder name="tiny"><prematch>^tiny </prematch></decoder>`)},
		"rules/tiny.xml": {Data: []byte(`<group name="test,pci_dss_10.6.1,">
  <rule id="100001" level="5"><match>attack</match><description>` + description + `</description></rule>
</group>`)},
	}
}

// rig is a manager with a real NATS and real gRPC around it, all in this process.
type rig struct {
	t       testing.TB
	nats    *embedded.Server
	stream  *alertstream.Conn
	manager *Manager
	server  *rpc.Server
	stop    func()
	ruleset atomic.Pointer[fs.FS]
}

// crashed gives a manager of the same name on the same NATS, as after a SIGKILL: nobody told the one before to end, and
// whatever it still does must not count.
func (r *rig) crashed(o rigOptions) *rig {
	r.t.Helper()
	o.beside = r
	return newRig(r.t, o)
}

type rigOptions struct {
	natsDir string
	beside  *rig   // use its NATS
	url     string // of a server that the test runs itself
	nats    alertstream.Config
	config  func(*Config)
	ruleset fs.FS // nil: tiny
	now     func() time.Time
}

func newRig(t testing.TB, o rigOptions) *rig {
	t.Helper()
	r := &rig{t: t}
	if o.ruleset == nil {
		o.ruleset = tiny("Attack")
	}
	r.use(o.ruleset)
	switch {
	case o.beside != nil:
		r.nats = o.beside.nats
		o.nats.InProcess = r.nats.InProcess()
	case o.url != "":
		o.nats.URL = o.url
	default:
		if o.natsDir == "" {
			o.natsDir = t.TempDir()
		}
		ns, err := embedded.Start(embedded.Config{Dir: o.natsDir}, quiet)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(ns.Shutdown)
		r.nats = ns
		o.nats.InProcess = ns.InProcess()
	}
	stream, err := alertstream.Connect(within(t), o.nats, quiet, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stream.Close)
	r.stream = stream
	cfg := Config{Name: "manager-1", NATS: o.nats}
	if o.config != nil {
		o.config(&cfg)
	}
	load := func() (*rules.Ruleset, error) {
		return rules.Load(rules.Options{}, rules.Source{FS: *r.ruleset.Load()})
	}
	r.manager, err = New(cfg, Deps{Stream: stream, Load: load, Now: o.now}, quiet, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.server, err = rpc.NewServer(rpc.ServerConfig{Listen: "127.0.0.1:0", TokenFile: filepath.Join(t.TempDir(), "token")}, quiet, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.manager.Register(r.server)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{}, 2)
	go func() {
		if err := r.manager.Run(ctx); err != nil {
			t.Error(err)
		}
		ended <- struct{}{}
	}()
	go func() {
		if err := r.server.Serve(ctx); err != nil {
			t.Error(err)
		}
		ended <- struct{}{}
	}()
	var once sync.Once
	r.stop = func() {
		once.Do(func() {
			cancel()
			<-ended
			<-ended
		})
	}
	t.Cleanup(r.stop)
	return r
}

// use is what the next load of the ruleset finds.
func (r *rig) use(tree fs.FS) { r.ruleset.Store(&tree) }

// dial gives a connection as a caller of that identity.
func (r *rig) dial(id rpc.Identity) *grpc.ClientConn {
	r.t.Helper()
	conn, err := r.server.InProcessAs(id)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { conn.Close() })
	return conn
}

func (r *rig) local() *grpc.ClientConn { return r.dial(rpc.Identity{Role: rpc.RoleLocal}) }

// link is an agent's stream.
type link struct {
	t       testing.TB
	stream  armorv1.IngestService_StreamClient
	cancel  context.CancelFunc
	welcome *armorv1.Welcome
}

func (r *rig) open(conn *grpc.ClientConn) *link {
	r.t.Helper()
	ctx, cancel := context.WithCancel(within(r.t))
	stream, err := armorv1.NewIngestServiceClient(conn).Stream(ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(cancel)
	return &link{t: r.t, stream: stream, cancel: cancel}
}

// hello connects an agent and takes its welcome.
func (r *rig) hello(h *armorv1.Hello) *link {
	r.t.Helper()
	l := r.open(r.local())
	l.send(&armorv1.StreamRequest{Message: &armorv1.StreamRequest_Hello{Hello: h}})
	resp, err := l.stream.Recv()
	if err != nil {
		r.t.Fatal(err)
	}
	if l.welcome = resp.GetWelcome(); l.welcome == nil {
		r.t.Fatalf("got %v, want a Welcome", resp)
	}
	return l
}

func (l *link) send(req *armorv1.StreamRequest) {
	l.t.Helper()
	if err := l.stream.Send(req); err != nil {
		l.t.Fatalf("sending: %v", err)
	}
}

func (l *link) batch(events ...*armorv1.Event) {
	l.t.Helper()
	l.send(&armorv1.StreamRequest{Message: &armorv1.StreamRequest_Batch{Batch: &armorv1.EventBatch{Events: events}}})
}

// receipts reads until everything up to sequence is finished.
func (l *link) receipts(sequence uint64) {
	l.t.Helper()
	last := uint64(0)
	for {
		resp, err := l.stream.Recv()
		if err != nil {
			l.t.Fatalf("after receipt %d, waiting for %d: %v", last, sequence, err)
		}
		got := resp.GetReceipt()
		if got == nil || got.GetSequence() < last {
			l.t.Fatalf("got %v after receipt %d", resp, last)
		}
		if last = got.GetSequence(); last > sequence {
			l.t.Fatalf("receipt %d, but only %d was sent", last, sequence)
		}
		if last == sequence {
			return
		}
	}
}

// ends reads until the stream ends and gives how.
func (l *link) ends() error {
	for {
		if _, err := l.stream.Recv(); err != nil {
			return err
		}
	}
}

// event is event n of a spool; attack: it raises an alert.
func event(n uint64, attack bool) *armorv1.Event {
	word := "quiet"
	if attack {
		word = "attack"
	}
	at := timestamppb.New(time.Unix(1700000000, 0).Add(time.Duration(n) * time.Second))
	return &armorv1.Event{
		Sequence: n, SourceId: []byte(fmt.Sprintf("source %d", n)), Time: at, ReadTime: at, Location: "/var/log/test.log",
		Format: armorv1.EventFormat_EVENT_FORMAT_SYSLOG, Body: []byte(fmt.Sprintf("tiny %s number %d", word, n)),
	}
}

// events are from to to-1; every third raises an alert.
func events(from, to uint64) []*armorv1.Event {
	out := make([]*armorv1.Event, 0, to-from)
	for n := from; n < to; n++ {
		out = append(out, event(n, n%3 == 0))
	}
	return out
}

func attacks(from, to uint64) int {
	n := 0
	for ; from < to; from++ {
		if from%3 == 0 {
			n++
		}
	}
	return n
}

// stored takes everything out of the alert stream.
func (r *rig) stored() []*armorv1.Alert {
	r.t.Helper()
	ctx := within(r.t)
	k, err := r.stream.Consumer(ctx, alertstream.ConsumerConfig{Durable: "indexer"})
	if err != nil {
		r.t.Fatal(err)
	}
	defer k.Close()
	var out []*armorv1.Alert
	for {
		left, err := r.stream.Pending(ctx, "indexer")
		if err != nil {
			r.t.Fatal(err)
		}
		if left == 0 {
			return out
		}
		batch, err := k.Fetch(ctx, 1000, 100*time.Millisecond)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, m := range batch {
			if m.Err != nil {
				r.t.Fatal(m.Err)
			}
			out = append(out, m.Alert)
			if err := m.Ack(ctx); err != nil {
				r.t.Fatal(err)
			}
		}
	}
}

// ledger checks that the alerts are those of the events from to to-1, each once and in order.
func (r *rig) ledger(from, to uint64) {
	r.t.Helper()
	got := r.stored()
	if want := attacks(from, to); len(got) != want {
		r.t.Errorf("%d alerts, want %d", len(got), want)
	}
	last := uint64(0)
	for _, a := range got {
		if a.GetSequence() <= last || a.GetSequence()%3 != 0 || a.GetSequence() >= to || a.GetSequence() < from {
			r.t.Errorf("alert of event %d after that of %d", a.GetSequence(), last)
		}
		last = a.GetSequence()
	}
	r.conserved()
}

// conserved checks the manager's equation at rest.
func (r *rig) conserved() {
	r.t.Helper()
	r.eventually("the manager is idle and its counters balance", func() bool { // a batch of a stream that was cut may still come
		idle := r.manager.Idle()
		c := r.manager.pipeline.Counts()
		return idle && c.Accepted == c.Alerted+c.Silent+c.Duplicate+c.Failed
	})
}

func (r *rig) eventually(what string, cond func() bool) {
	r.t.Helper()
	until := time.After(deadline)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-until:
			r.t.Fatalf("waited in vain: %s", what)
		case <-tick.C:
		}
	}
}
