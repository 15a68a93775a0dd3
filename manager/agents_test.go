package manager

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/manager/ingest"
	armorv1 "armor/proto/armor/v1"
	"armor/rules/ruleset"
)

func (r *rig) agent(id string) *armorv1.Agent {
	r.t.Helper()
	got, err := armorv1.NewFleetServiceClient(r.local()).GetAgent(within(r.t), &armorv1.GetAgentRequest{Id: id})
	if err != nil {
		r.t.Fatal(err)
	}
	return got.GetAgent()
}

func TestReportOfAnAgentIsShown(t *testing.T) {
	r := newRig(t, rigOptions{})
	l := r.hello(hello("spool", 1, 10))
	report := &armorv1.AgentReport{
		SpooledEvents: 10, SpoolBytes: 7, SpoolMaxBytes: 9, OldestUnfinished: timestamppb.New(time.Unix(1700000000, 0)), LostEvents: 3,
		DroppedEvents: map[string]uint64{"full": 2}, Inputs: []*armorv1.InputReport{{Name: "auth", Type: "logfile", Problem: "permission denied"}},
	}
	l.send(&armorv1.StreamRequest{Message: &armorv1.StreamRequest_Report{Report: report}})
	l.batch(event(1, true))
	l.receipts(1)
	if got := r.agent("001"); !proto.Equal(got.GetReport(), report) || !got.GetReportTime().IsValid() {
		t.Errorf("got %v", got)
	}
	// One that does not fit into a record loses its inputs, not itself.
	for range 2000 {
		report.Inputs = append(report.Inputs, &armorv1.InputReport{Name: strings.Repeat("n", 100)})
	}
	l.send(&armorv1.StreamRequest{Message: &armorv1.StreamRequest_Report{Report: report}})
	l.batch(event(2, false))
	l.receipts(2)
	if got := r.agent("001").GetReport(); len(got.GetInputs()) != 0 || got.GetLostEvents() != 3 {
		t.Errorf("got %d inputs, lost %d", len(got.GetInputs()), got.GetLostEvents())
	}
	r.conserved()
}

func TestReplay(t *testing.T) {
	r := newRig(t, rigOptions{})
	fleet := armorv1.NewFleetServiceClient(r.local())
	ask := func(id string) (armorv1.FleetService_ReplayAgentClient, error) {
		s, err := fleet.ReplayAgent(within(t), &armorv1.ReplayAgentRequest{Id: id})
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	if s, err := ask("nobody"); err == nil {
		if _, err = s.Recv(); status.Code(err) != codes.NotFound {
			t.Errorf("unknown agent: %v", err)
		}
	}
	l := r.hello(hello("spool", 1, 9))
	l.batch(events(1, 10)...)
	l.receipts(9)
	s, err := ask("001")
	if err != nil {
		t.Fatal(err)
	}
	resp, err := l.stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	order := resp.GetReplay()
	if order.GetId() == "" {
		t.Fatalf("got %v, want an order", resp)
	}
	progress := func(p *armorv1.ReplayProgress) {
		l.send(&armorv1.StreamRequest{Message: &armorv1.StreamRequest_ReplayProgress{ReplayProgress: p}})
	}
	progress(&armorv1.ReplayProgress{Id: "another", Sent: 7, Total: 7, Done: true}) // nobody asked for that
	progress(&armorv1.ReplayProgress{Id: order.GetId(), Total: 9})
	if got, err := s.Recv(); err != nil || got.GetTotal() != 9 || got.GetSent() != 0 {
		t.Fatalf("got %v, %v", got, err)
	}
	if again, err := ask("001"); err == nil {
		if _, err = again.Recv(); status.Code(err) != codes.AlreadyExists {
			t.Errorf("a second replay: %v", err)
		}
	}
	l.send(&armorv1.StreamRequest{Message: &armorv1.StreamRequest_Batch{Batch: &armorv1.EventBatch{Replay: true, Events: events(1, 10)}}})
	progress(&armorv1.ReplayProgress{Id: order.GetId(), Sent: 9, Total: 9, Done: true})
	if got, err := s.Recv(); err != nil || got.GetSent() != 9 {
		t.Fatalf("got %v, %v", got, err)
	}
	if _, err := s.Recv(); !errors.Is(err, io.EOF) {
		t.Fatalf("after the end: %v", err)
	}
	if c := r.manager.pipeline.Counts(); c.Accepted != 18 || c.Duplicate != 0 {
		t.Errorf("%+v, want all 18 evaluated", c)
	}
	r.ledger(1, 10) // the ids are the same, so each alert is there once

	s, err = ask("001")
	if err != nil {
		t.Fatal(err)
	}
	for {
		resp, err := l.stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if order = resp.GetReplay(); order != nil {
			break
		}
	}
	progress(&armorv1.ReplayProgress{Id: order.GetId(), Sent: 1, Total: 9, Done: true, Error: "the spool has a new id"})
	if _, err := s.Recv(); status.Code(err) != codes.Aborted || !strings.Contains(err.Error(), "the spool has a new id") {
		t.Errorf("a replay that ended early: %v", err)
	}
	l.cancel()
	r.eventually("the agent is away", func() bool { return r.agent("001").GetState() == armorv1.AgentState_AGENT_STATE_DISCONNECTED })
	if s, err = ask("001"); err == nil {
		if _, err = s.Recv(); status.Code(err) != codes.Unavailable {
			t.Errorf("an agent that is away: %v", err)
		}
	}
}

// One agent over its rate is held back; another goes on.
func TestRateLimitHoldsOneAgentBack(t *testing.T) {
	r := newRig(t, rigOptions{config: func(c *Config) { c.Limits = ingest.Limits{Agents: map[string]float64{"001": 1}} }})
	slow := r.hello(hello("spool", 1, 1001))
	slow.batch(events(1, 1001)...)
	slow.receipts(1000)
	slow.batch(events(1001, 1003)...) // its burst is used up
	other := r.hello(&armorv1.Hello{AgentId: "002", SpoolId: "other", FirstSequence: 1, LastSequence: 3000})
	for n := uint64(1); n < 3000; n += 1000 {
		other.batch(events(n, n+1000)...)
		other.receipts(n + 999)
	}
	if c := r.manager.pipeline.Counts(); c.Accepted > 4000 {
		t.Errorf("%d events are accepted: the limit does not hold the first agent back", c.Accepted)
	}
	slow.receipts(1002) // held back, not lost
	r.conserved()
}

// With many agents each may have fewer events on the way, and hears of it with its receipts.
func TestCreditIsSharedOut(t *testing.T) {
	r := newRig(t, rigOptions{config: func(c *Config) { c.Pipeline.TotalBytes = 4 << 20 }})
	first := r.hello(hello("spool", 1, 10))
	if first.welcome.GetWindow() != 8000 {
		t.Errorf("alone: %d", first.welcome.GetWindow())
	}
	for _, id := range []string{"002", "003", "004"} {
		r.hello(&armorv1.Hello{AgentId: id, SpoolId: id})
	}
	first.batch(event(1, true))
	resp, err := first.stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.GetReceipt(); got.GetSequence() != 1 || got.GetWindow() != 2048 {
		t.Errorf("one of four: %v", got)
	}
}

func own(t *testing.T) fs.FS {
	t.Helper()
	return ruleset.FS()
}

// An agent that is away is told once, whoever looks and however often; when it is back, that is told once too.
func TestAgentGoneAndBack(t *testing.T) {
	var now atomic.Int64
	now.Store(time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC).UnixNano())
	clock := func() time.Time { return time.Unix(0, now.Load()) }
	r := newRig(t, rigOptions{ruleset: own(t), now: clock, config: func(c *Config) { c.GoneAfter = -1 }})
	r2 := newRig(t, rigOptions{beside: r, ruleset: own(t), now: clock, config: func(c *Config) { c.GoneAfter = -1; c.Name = "manager-2" }})
	look := func() {
		t.Helper()
		for _, r := range []*rig{r, r2} {
			tell := func(ctx context.Context, ev *armorv1.Event) error { return r.manager.own(ctx, ev) }
			if err := r.manager.registry.Look(within(t), 10*time.Minute, tell); err != nil {
				t.Fatal(err)
			}
		}
	}
	l := r.hello(hello("spool", 1, 10))
	l.batch(event(1, false))
	l.receipts(1)
	if err := r.manager.registry.Flush(within(t)); err != nil {
		t.Fatal(err)
	}
	look()
	l.cancel()
	r.eventually("the agent is away", func() bool { return r.manager.pipeline.Sessions() == 0 && r.manager.registry.Connections() == 0 })
	if err := r.manager.registry.Flush(within(t)); err != nil {
		t.Fatal(err)
	}
	now.Add(int64(9 * time.Minute))
	look()
	if got := r.stored(); len(got) != 0 {
		t.Fatalf("told too early: %v", got)
	}
	now.Add(int64(2 * time.Minute))
	for range 3 {
		look()
	}
	got := r.stored()
	if len(got) != 1 || got[0].GetRule().GetId() != 200911 || got[0].GetAgent().GetId() != "000" || !strings.Contains(got[0].GetRule().GetDescription(), "web-1 is gone") {
		t.Fatalf("got %v, want one alert of rule 200911", got)
	}
	now.Add(int64(time.Hour))
	r2.hello(hello("spool", 2, 10)) // with the other manager
	if err := r2.manager.registry.Flush(within(t)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		look()
	}
	got = r.stored()
	if len(got) != 1 || got[0].GetRule().GetId() != 200912 {
		t.Fatalf("got %v, want one alert of rule 200912", got)
	}
	if err := r2.manager.registry.Flush(within(t)); err != nil {
		t.Fatal(err)
	}
	if a := r2.agent("001"); a.GetGoneSince() != nil {
		t.Errorf("still gone since %v", a.GetGoneSince())
	}
	look()
	if got := r.stored(); len(got) != 0 {
		t.Errorf("told again: %v", got)
	}
	r.conserved()
	r2.conserved()
}
