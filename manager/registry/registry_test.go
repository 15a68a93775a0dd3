package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"armor/internal/alertstream"
	armorv1 "armor/proto/armor/v1"
)

var quiet = slog.New(slog.DiscardHandler)

// bucket is a Store in memory that several registries share.
type bucket struct {
	mu      sync.Mutex
	records map[string]*armorv1.Agent
	last    map[string]uint64
	next    uint64
	puts    int
	fail    error
}

func newBucket() *bucket {
	return &bucket{records: map[string]*armorv1.Agent{}, last: map[string]uint64{}}
}

func (b *bucket) Get(_ context.Context, id string) (*armorv1.Agent, uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return nil, 0, b.fail
	}
	if b.records[id] == nil {
		return nil, 0, nil
	}
	return proto.CloneOf(b.records[id]), b.last[id], nil
}

func (b *bucket) Put(_ context.Context, a *armorv1.Agent, revision uint64) (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return 0, b.fail
	}
	if b.last[a.GetId()] != revision {
		return 0, alertstream.ErrConflict
	}
	b.puts++
	b.next++
	b.records[a.GetId()], b.last[a.GetId()] = proto.CloneOf(a), b.next
	return b.next, nil
}

// state gives the number of writes and a record.
func (b *bucket) state(id string) (int, *armorv1.Agent) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.puts, proto.CloneOf(b.records[id])
}

func (b *bucket) List(context.Context) ([]*armorv1.Agent, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []*armorv1.Agent
	for _, a := range b.records {
		out = append(out, proto.CloneOf(a))
	}
	slices.SortFunc(out, func(x, y *armorv1.Agent) int { return strings.Compare(x.GetId(), y.GetId()) })
	return out, b.fail
}

func connect(t *testing.T, r *Registry, id, spool string) uint64 {
	t.Helper()
	finished, err := r.Finished(t.Context(), id, spool)
	if err != nil {
		t.Fatal(err)
	}
	r.Connected(&armorv1.Hello{AgentId: id, AgentName: "n-" + id, SpoolId: spool, LastSequence: 1000}, "192.0.2.1", finished)
	return finished
}

func flush(t *testing.T, r *Registry) {
	t.Helper()
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestProgressIsWrittenAtMostOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket()
		r := New(b, "m1", time.Now, quiet)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		connect(t, r, "001", "s")
		go r.Run(ctx)
		for n := range uint64(1000) {
			r.Progress("001", "s", n)
			time.Sleep(10 * time.Millisecond) // of the test's own clock
		}
		synctest.Wait()
		puts, rec := b.state("001")
		if puts > 11 || puts < 9 {
			t.Errorf("%d writes in ten seconds", puts)
		}
		if got := rec.GetLastFinishedSequence(); got < 900 {
			t.Errorf("record says %d", got)
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		later, _ := b.state("001")
		if beats := later - puts; beats < 8 || beats > 11 {
			t.Errorf("%d writes in five silent minutes, want one each 30 s", beats)
		}
		r.Disconnected("001")
		time.Sleep(time.Second)
		synctest.Wait()
		if _, rec = b.state("001"); rec.GetState() != armorv1.AgentState_AGENT_STATE_DISCONNECTED {
			t.Errorf("state %s", rec.GetState())
		}
	})
}

func TestAgentThatMovesBetweenManagers(t *testing.T) {
	b := newBucket()
	now := time.Unix(1700000000, 0)
	clock := func() time.Time { now = now.Add(time.Second); return now }
	one, two := New(b, "m1", clock, quiet), New(b, "m2", clock, quiet)
	if got := connect(t, one, "001", "s"); got != 0 {
		t.Errorf("an unknown agent has finished %d", got)
	}
	one.Progress("001", "s", 100)
	flush(t, one)
	first := b.records["001"].GetFirstSeen()
	// It moves; what is on its way at the first manager is finished there a little later.
	if got := connect(t, two, "001", "s"); got != 100 {
		t.Errorf("the second manager believes in %d, want 100", got)
	}
	two.Progress("001", "s", 500)
	flush(t, two)
	one.Progress("001", "s", 130)
	one.Disconnected("001")
	two.Progress("001", "s", 520)
	flush(t, one)
	flush(t, two)
	rec := b.records["001"]
	if rec.GetLastFinishedSequence() != 520 || rec.GetManagerName() != "m2" || rec.GetState() != armorv1.AgentState_AGENT_STATE_CONNECTED {
		t.Errorf("record %v", rec)
	}
	if !proto.Equal(rec.GetFirstSeen(), first) {
		t.Errorf("first seen %v, want %v", rec.GetFirstSeen(), first)
	}
	// And back.
	two.Disconnected("001")
	flush(t, two)
	if got := connect(t, one, "001", "s"); got != 520 {
		t.Errorf("the first manager believes in %d, want 520", got)
	}
	// A new spool counts anew.
	if got := connect(t, one, "001", "t"); got != 0 {
		t.Errorf("another spool has finished %d", got)
	}
	one.Progress("001", "s", 999) // left over from the old spool
	flush(t, one)
	if rec = b.records["001"]; rec.GetSpoolId() != "t" || rec.GetLastFinishedSequence() != 0 {
		t.Errorf("record %v", rec)
	}
}

func TestStoreThatFailsIsTriedAgain(t *testing.T) {
	b := newBucket()
	r := New(b, "m1", time.Now, quiet)
	connect(t, r, "001", "s")
	b.fail = errors.New("no connection")
	r.Progress("001", "s", 7)
	if err := r.Flush(t.Context()); err == nil {
		t.Error("no error")
	}
	if _, err := r.Finished(t.Context(), "002", "s"); err == nil {
		t.Error("what is finished is known without the store")
	}
	b.fail = nil
	flush(t, r)
	if got := b.records["001"].GetLastFinishedSequence(); got != 7 {
		t.Errorf("record says %d, want 7", got)
	}
}

func TestAnswerThatWasLostIsNoConflict(t *testing.T) {
	b := newBucket()
	r := New(b, "m1", time.Now, quiet)
	connect(t, r, "001", "s")
	r.Progress("001", "s", 5)
	// The write arrived, its answer did not.
	r.mu.Lock()
	lost := proto.CloneOf(r.records["001"].agent)
	r.mu.Unlock()
	if _, err := b.Put(t.Context(), lost, 0); err != nil {
		t.Fatal(err)
	}
	r.Progress("001", "s", 6)
	flush(t, r)
	if got := b.records["001"].GetLastFinishedSequence(); got != 6 {
		t.Errorf("record says %d, want 6", got)
	}
}

func TestRecordOfADeadManagerIsNotBelieved(t *testing.T) {
	b := newBucket()
	now := time.Unix(1700000000, 0)
	clock := func() time.Time { return now }
	connect(t, New(b, "dead", clock, quiet), "000", "s")
	dead := New(b, "dead", clock, quiet)
	connect(t, dead, "001", "s")
	flush(t, dead)
	fleet := NewFleet(New(b, "alive", clock, quiet), nil)
	state := func() armorv1.AgentState {
		resp, err := fleet.GetAgent(t.Context(), &armorv1.GetAgentRequest{Id: "001"})
		if err != nil {
			t.Fatal(err)
		}
		return resp.GetAgent().GetState()
	}
	if got := state(); got != armorv1.AgentState_AGENT_STATE_CONNECTED {
		t.Errorf("at first %s", got)
	}
	now = now.Add(2 * time.Minute)
	if got := state(); got != armorv1.AgentState_AGENT_STATE_DISCONNECTED {
		t.Errorf("after two minutes of silence %s", got)
	}
}

func TestSignOffLeavesNobodyConnected(t *testing.T) {
	b := newBucket()
	r := New(b, "m1", time.Now, quiet)
	for n := range 50 {
		connect(t, r, fmt.Sprintf("a%d", n), "s")
	}
	if r.Connections() != 50 {
		t.Errorf("%d connections", r.Connections())
	}
	r.SignOff(t.Context())
	for id, rec := range b.records {
		if rec.GetState() != armorv1.AgentState_AGENT_STATE_DISCONNECTED {
			t.Errorf("agent %s is %s", id, rec.GetState())
		}
	}
	if len(b.records) != 50 {
		t.Errorf("%d records", len(b.records))
	}
}

func TestFleetWithoutStoreSaysSo(t *testing.T) {
	b := newBucket()
	b.fail = errors.New("no connection")
	fleet := NewFleet(New(b, "m1", time.Now, quiet), nil)
	if _, err := fleet.ListAgents(t.Context(), &armorv1.ListAgentsRequest{}); status.Code(err) != codes.Unavailable {
		t.Error(err)
	}
	if _, err := fleet.GetAgent(t.Context(), &armorv1.GetAgentRequest{Id: "x"}); status.Code(err) != codes.Unavailable {
		t.Error(err)
	}
}
