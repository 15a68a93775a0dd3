package uplink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"armor/agent/spool"
	armorv1 "armor/proto/armor/v1"
)

// manager is a server that keeps a ledger: what it was sent, and how far it has finished, per spool.
type manager struct {
	armorv1.UnimplementedIngestServiceServer
	listener *bufconn.Listener

	mu       sync.Mutex
	finished map[string]uint64
	seen     map[string][]string // bodies by spool, in order of their sequences
	streams  int
	hellos   []*armorv1.Hello
	largest  int // batch
	ahead    uint64
	window   uint32
	replayed []uint64 // sequences of what was marked as replay
	between  int      // batches that were no replay while one ran
	progress []*armorv1.ReplayProgress
	reports  []*armorv1.AgentReport
	said     []time.Time // when reports came
	// say is what the manager says unasked.
	say chan *armorv1.StreamResponse
	// act decides about each batch: how far to give a receipt, and the error that ends the stream.
	act func(m *manager, spool string, last uint64) (receipt uint64, err error)
	// welcome replaces the answer to a Hello.
	welcome func(*armorv1.Hello) (*armorv1.StreamResponse, error)
}

func (m *manager) Stream(stream grpc.BidiStreamingServer[armorv1.StreamRequest, armorv1.StreamResponse]) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	hello := first.GetHello()
	m.mu.Lock()
	m.streams++
	m.hellos = append(m.hellos, hello)
	finished := m.finished[hello.SpoolId]
	welcome := m.welcome
	m.mu.Unlock()
	answer := &armorv1.StreamResponse{Message: &armorv1.StreamResponse_Welcome{Welcome: &armorv1.Welcome{
		LastFinishedSequence: finished, Window: m.window, ManagerName: "m1",
	}}}
	if welcome != nil {
		if answer, err = welcome(hello); err != nil {
			return err
		}
	}
	if answer == nil {
		<-stream.Context().Done() // says nothing
		return nil
	}
	if err := stream.Send(answer); err != nil {
		return err
	}
	var sending sync.Mutex
	send := func(response *armorv1.StreamResponse) error {
		sending.Lock()
		defer sending.Unlock()
		return stream.Send(response)
	}
	go func() {
		for {
			select {
			case response := <-m.say:
				_ = send(response)
			case <-stream.Context().Done():
				return
			}
		}
	}()
	next := finished
	for {
		request, err := stream.Recv()
		if err != nil {
			return nil
		}
		if m.hear(request) {
			continue
		}
		receipt, err := m.take(hello.SpoolId, &next, request.GetBatch())
		if err != nil {
			return err
		}
		if receipt > 0 {
			if err := send(&armorv1.StreamResponse{Message: &armorv1.StreamResponse_Receipt{Receipt: &armorv1.Receipt{Sequence: receipt}}}); err != nil {
				return err
			}
		}
	}
}

// hear takes what is no new event.
func (m *manager) hear(request *armorv1.StreamRequest) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case request.GetReport() != nil:
		m.reports, m.said = append(m.reports, request.GetReport()), append(m.said, time.Now())
	case request.GetReplayProgress() != nil:
		m.progress = append(m.progress, request.GetReplayProgress())
	case request.GetBatch().GetReplay():
		for _, ev := range request.GetBatch().GetEvents() {
			m.replayed = append(m.replayed, ev.GetSequence())
		}
	default:
		if n := len(m.progress); n > 0 && !m.progress[n-1].GetDone() {
			m.between++
		}
		return false
	}
	return true
}

func (m *manager) take(id string, next *uint64, batch *armorv1.EventBatch) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.largest = max(m.largest, len(batch.GetEvents()))
	for _, ev := range batch.GetEvents() {
		if *next == 0 {
			*next = ev.Sequence - 1
		}
		if ev.Sequence != *next+1 {
			return 0, status.Errorf(codes.InvalidArgument, "sequence %d after %d", ev.Sequence, *next)
		}
		*next = ev.Sequence
		if n := len(m.seen[id]); int(ev.Sequence) == n+1 {
			m.seen[id] = append(m.seen[id], string(ev.Body))
		} else if int(ev.Sequence) <= n && m.seen[id][ev.Sequence-1] != string(ev.Body) {
			return 0, status.Errorf(codes.InvalidArgument, "sequence %d is another event now", ev.Sequence)
		}
	}
	m.ahead = max(m.ahead, *next-m.finished[id])
	if m.act == nil {
		m.finished[id] = *next
		return *next, nil
	}
	return m.act(m, id, *next)
}

type rig struct {
	t     *testing.T
	m     *manager
	spool *spool.Spool
	conns []net.Conn
	mu    sync.Mutex
	log   safeBuffer
	up    *Uplink
	conn  *grpc.ClientConn
}

// safeBuffer is a log that is read while it is written.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// newRig starts a manager and a spool, and in its end stops everything.
func newRig(t *testing.T, window uint32, prepare func(*rig)) *rig {
	r := &rig{t: t, m: &manager{listener: bufconn.Listen(64 << 10), finished: map[string]uint64{}, seen: map[string][]string{}, window: window, say: make(chan *armorv1.StreamResponse)}}
	server := grpc.NewServer(grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}))
	armorv1.RegisterIngestServiceServer(server, r.m)
	var wg sync.WaitGroup
	wg.Go(func() { _ = server.Serve(r.m.listener) })
	s, _, err := spool.Open(spool.Options{Dir: t.TempDir(), MaxBytes: 64 << 20, SegmentBytes: 64 << 10, Keep: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	r.spool = s
	r.conn, err = grpc.NewClient("passthrough:///manager", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 5 * time.Second, PermitWithoutStream: true}),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			conn, err := r.m.listener.DialContext(ctx)
			if err != nil {
				return nil, err
			}
			half := &halfOpen{Conn: conn}
			r.mu.Lock()
			r.conns = append(r.conns, half)
			r.mu.Unlock()
			return half, nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	r.up = New(Config{AgentID: "a1", AgentName: "host", Version: "1", Random: rand.New(rand.NewPCG(1, 2)).Float64}, r.conn, s,
		slog.New(slog.NewTextHandler(&r.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if prepare != nil {
		prepare(r)
	}
	ctx, cancel := context.WithCancel(context.Background())
	wg.Go(func() {
		if err := r.up.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		time.Sleep(3 * drainTimeout)
		_ = r.conn.Close()
		server.Stop()
		wg.Wait()
		_ = s.Close()
	})
	return r
}

// halfOpen is a connection that can be made to swallow what is written to it.
type halfOpen struct {
	net.Conn
	mu   sync.Mutex
	dead bool
}

func (h *halfOpen) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dead {
		return len(p), nil
	}
	return h.Conn.Write(p)
}

// latest returns the newest connection.
func (r *rig) latest() *halfOpen {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.conns[len(r.conns)-1].(*halfOpen)
}

func (r *rig) add(first, last int) {
	r.t.Helper()
	for n := first; n <= last; n += 500 {
		var list []*armorv1.Event
		for k := n; k < n+500 && k <= last; k++ {
			list = append(list, &armorv1.Event{Body: fmt.Appendf(nil, "event %d", k)})
		}
		if err := r.spool.Append(context.Background(), list); err != nil {
			r.t.Fatal(err)
		}
	}
}

// complete checks that the manager has seen the events 1 to last, in order, and that the spool is empty.
func (r *rig) complete(last int) {
	r.t.Helper()
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	r.checkSeen(last)
}

// checkSeen is complete with the manager's lock held.
func (r *rig) checkSeen(last int) {
	r.t.Helper()
	seen := r.m.seen[r.spool.ID()]
	for i, body := range seen {
		if body != fmt.Sprint("event ", i+1) {
			r.t.Fatalf("place %d holds %s", i+1, body)
		}
	}
	st := r.spool.Stats()
	if len(seen) != last || st.Spooled != 0 || st.Receipted != uint64(last) {
		r.t.Fatalf("manager saw %d of %d, spool %+v\n%s", len(seen), last, st, r.log.String())
	}
}

func TestDelivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 5000, nil)
		r.add(1, 20_000)
		time.Sleep(time.Minute)
		r.add(20_001, 20_003)
		time.Sleep(time.Minute)
		r.complete(20_003)
		st := r.up.Status()
		if !st.Connected || st.Manager != "m1" || st.Sessions != 1 || st.Sent != 20_003 || r.m.largest > maxEvents {
			t.Errorf("%+v, largest batch %d", st, r.m.largest)
		}
		h := r.m.hellos[0]
		if h.AgentId != "a1" || h.AgentName != "host" || h.FirstSequence > h.LastSequence {
			t.Errorf("hello %v", h)
		}
	})
}

func TestWindow(t *testing.T) {
	for _, window := range []uint32{0, 1, 3, 10, 1500} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, window, func(r *rig) {
				r.m.act = func(m *manager, id string, last uint64) (uint64, error) {
					if last%2 == 0 || last > 200 {
						m.finished[id] = last // the other receipts are lost
						return last, nil
					}
					if window <= 1 {
						m.finished[id] = last
						return last, nil
					}
					return 0, nil
				}
			})
			r.add(1, 400)
			time.Sleep(10 * time.Minute)
			r.m.mu.Lock()
			defer r.m.mu.Unlock()
			if r.m.ahead > uint64(max(window, 1)) {
				t.Errorf("window %d: %d on the way", window, r.m.ahead)
			}
			if window != 3 && window != 10 {
				r.checkSeen(400)
			}
		})
	}
}

// TestCut ends streams and connections at random, loses receipts, and kills the manager's answers.
func TestCut(t *testing.T) {
	for seed := range uint64(5) {
		synctest.Test(t, func(t *testing.T) {
			random, pauses := rand.New(rand.NewPCG(seed, 7)), rand.New(rand.NewPCG(seed, 8))
			faults := 30
			r := newRig(t, 2000, func(r *rig) {
				r.m.act = func(m *manager, id string, last uint64) (uint64, error) {
					if faults > 0 {
						faults--
						switch random.IntN(5) {
						case 0:
							return 0, status.Error(codes.Unavailable, "restarting")
						case 1:
							m.finished[id] = last // finished, but the receipt is lost
							return 0, status.Error(codes.Internal, "cut")
						case 2:
							_ = r.latest().Close()
							return 0, errors.New("cut")
						case 3:
							m.finished[id] = last - uint64(random.IntN(3))
							return m.finished[id], nil
						}
					}
					m.finished[id] = last
					return last, nil
				}
			})
			for n := range 30 {
				r.add(1000*n+1, 1000*n+1000)
				time.Sleep(time.Duration(pauses.IntN(3000)) * time.Millisecond)
			}
			time.Sleep(30 * time.Minute)
			r.add(30_001, 30_001)
			time.Sleep(time.Minute)
			r.complete(30_001)
		})
	}
}

func TestHalfOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2000, nil)
		r.add(1, 10)
		time.Sleep(time.Second)
		half := r.latest()
		half.mu.Lock()
		half.dead = true
		half.mu.Unlock()
		r.add(11, 3000)
		time.Sleep(5 * time.Minute)
		r.complete(3000)
		if st := r.up.Status(); st.Sessions < 2 {
			t.Errorf("%+v", st)
		}
	})
}

func TestManagerSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 100, func(r *rig) {
			r.m.welcome = func(*armorv1.Hello) (*armorv1.StreamResponse, error) { return nil, nil }
		})
		r.add(1, 10)
		time.Sleep(10 * time.Minute)
		if st := r.up.Status(); st.Connected || !strings.Contains(st.Reason, "no answer to the Hello") {
			t.Errorf("%+v", st)
		}
		r.m.mu.Lock()
		r.m.welcome = nil
		r.m.mu.Unlock()
		time.Sleep(5 * time.Minute)
		r.complete(10)
	})
}

func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 100, func(r *rig) {
			r.m.welcome = func(*armorv1.Hello) (*armorv1.StreamResponse, error) {
				return nil, status.Error(codes.PermissionDenied, "the certificate is for agent b2")
			}
		})
		r.add(1, 10)
		time.Sleep(20 * time.Minute)
		st := r.up.Status()
		r.m.mu.Lock()
		attempts := r.m.streams
		r.m.welcome = nil
		r.m.mu.Unlock()
		if st.Connected || !strings.Contains(st.Reason, "the certificate is for agent b2") || attempts < 12 || attempts > 35 {
			t.Errorf("%+v, %d attempts", st, attempts)
		}
		if !strings.Contains(r.log.String(), "level=ERROR") {
			t.Error("not loud")
		}
		time.Sleep(5 * time.Minute)
		r.complete(10)
	})
}

// TestClaims: a manager that has finished what was never sent is not believed; nothing is skipped, and the spool takes a new id.
func TestClaims(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var id string
		r := newRig(t, 100, func(r *rig) {
			id = r.spool.ID()
			r.m.finished[id] = 5 // before anything was ever sent
		})
		r.add(1, 10)
		time.Sleep(time.Second)
		time.Sleep(10 * time.Minute)
		r.complete(10)
		if r.spool.ID() == id || r.up.Status().Violations == 0 {
			t.Errorf("id %s, %+v", r.spool.ID(), r.up.Status())
		}
	})
}

func TestReceiptForWhatWasNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := true
		r := newRig(t, 100, func(r *rig) {
			r.m.act = func(m *manager, id string, last uint64) (uint64, error) {
				if bad {
					bad = false
					return last + 1000, nil
				}
				m.finished[id] = last
				return last, nil
			}
		})
		r.add(1, 10)
		time.Sleep(10 * time.Minute)
		r.complete(10)
		if st := r.up.Status(); st.Violations != 1 || !st.Connected {
			t.Errorf("%+v", st)
		}
	})
}

// TestForgetfulManager has lost its record of the spool: the agent goes on with what it still has.
func TestForgetfulManager(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 100, nil)
		r.add(1, 50)
		time.Sleep(time.Minute)
		r.m.mu.Lock()
		clear(r.m.finished)
		r.m.mu.Unlock()
		_ = r.latest().Close()
		time.Sleep(time.Minute)
		r.add(51, 60)
		time.Sleep(time.Minute)
		r.complete(60)
		if h := r.m.hellos[len(r.m.hellos)-1]; h.FirstSequence != 0 || h.LastSequence != 50 {
			t.Errorf("hello %v", h)
		}
	})
}
