package manager

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/internal/rpc"
	armorv1 "armor/proto/armor/v1"
)

func asHello(h *armorv1.Hello) *armorv1.StreamRequest {
	return &armorv1.StreamRequest{Message: &armorv1.StreamRequest_Hello{Hello: h}}
}

func asBatch(events ...*armorv1.Event) *armorv1.StreamRequest {
	return &armorv1.StreamRequest{Message: &armorv1.StreamRequest_Batch{Batch: &armorv1.EventBatch{Events: events}}}
}

func TestHostileStreamsAreEndedWithAReason(t *testing.T) {
	r := newRig(t, rigOptions{})
	good := func() *armorv1.Hello { return helloOf("hostile", 1, 10) }
	with := func(edit func(*armorv1.Hello)) *armorv1.StreamRequest {
		h := good()
		edit(h)
		return asHello(h)
	}
	edited := func(edit func(*armorv1.Event)) *armorv1.StreamRequest {
		ev := event(1, true)
		edit(ev)
		return asBatch(ev)
	}
	big := func(n uint64, size int) *armorv1.Event {
		ev := event(n, true)
		ev.Body = bytes.Repeat([]byte{'x'}, size)
		return ev
	}
	for name, tc := range map[string]struct {
		send []*armorv1.StreamRequest
		code codes.Code
		want string
	}{
		"no hello":         {[]*armorv1.StreamRequest{asBatch(event(1, true))}, codes.FailedPrecondition, "must be a Hello"},
		"nothing":          {[]*armorv1.StreamRequest{{}}, codes.FailedPrecondition, "must be a Hello"},
		"second hello":     {[]*armorv1.StreamRequest{asHello(good()), asHello(good())}, codes.FailedPrecondition, "only batches"},
		"empty message":    {[]*armorv1.StreamRequest{asHello(good()), {}}, codes.FailedPrecondition, "only batches"},
		"id empty":         {[]*armorv1.StreamRequest{with(func(h *armorv1.Hello) { h.AgentId = "" })}, codes.InvalidArgument, "agent id"},
		"id is a wildcard": {[]*armorv1.StreamRequest{with(func(h *armorv1.Hello) { h.AgentId = "a.>" })}, codes.InvalidArgument, "agent id"},
		"id too long":      {[]*armorv1.StreamRequest{with(func(h *armorv1.Hello) { h.AgentId = strings.Repeat("a", 65) })}, codes.InvalidArgument, "agent id"},
		"name":             {[]*armorv1.StreamRequest{with(func(h *armorv1.Hello) { h.AgentName = "a\nb" })}, codes.InvalidArgument, "agent name"},
		"no spool":         {[]*armorv1.StreamRequest{with(func(h *armorv1.Hello) { h.SpoolId = "" })}, codes.InvalidArgument, "spool id"},
		"first after last": {[]*armorv1.StreamRequest{with(func(h *armorv1.Hello) { h.FirstSequence = 11 })}, codes.InvalidArgument, "after the last"},
		"last too high":    {[]*armorv1.StreamRequest{with(func(h *armorv1.Hello) { h.LastSequence = 1 << 63 })}, codes.InvalidArgument, "over the limit"},
		"ip":               {[]*armorv1.StreamRequest{with(func(h *armorv1.Hello) { h.Ip = "nowhere" })}, codes.InvalidArgument, "no address"},
		"version":          {[]*armorv1.StreamRequest{with(func(h *armorv1.Hello) { h.Version = strings.Repeat("1", 200) })}, codes.InvalidArgument, "version"},
		"empty batch":      {[]*armorv1.StreamRequest{asHello(good()), asBatch()}, codes.InvalidArgument, "without events"},
		"sequence 0":       {[]*armorv1.StreamRequest{asHello(good()), asBatch(event(0, true))}, codes.InvalidArgument, "sequence 0"},
		"sequence huge":    {[]*armorv1.StreamRequest{asHello(good()), edited(func(e *armorv1.Event) { e.Sequence = 1<<64 - 1 })}, codes.InvalidArgument, "sequence"},
		"gap at start":     {[]*armorv1.StreamRequest{asHello(good()), asBatch(event(2, true))}, codes.InvalidArgument, "expected 1 or lower, got 2"},
		"gap inside":       {[]*armorv1.StreamRequest{asHello(good()), asBatch(event(1, true), event(3, true))}, codes.InvalidArgument, "3 comes after 1"},
		"twice the same":   {[]*armorv1.StreamRequest{asHello(good()), asBatch(event(1, true), event(1, true))}, codes.InvalidArgument, "1 comes after 1"},
		"too many":         {[]*armorv1.StreamRequest{asHello(good()), asBatch(events(1, 1002)...)}, codes.InvalidArgument, "at most 1000"},
		"too large":        {[]*armorv1.StreamRequest{asHello(good()), asBatch(big(1, 1<<20), big(2, 1<<20))}, codes.InvalidArgument, "at most 2097152"},
		"body too large":   {[]*armorv1.StreamRequest{asHello(good()), asBatch(big(1, 1<<20+1))}, codes.InvalidArgument, "body of 1048577"},
		"message too huge": {[]*armorv1.StreamRequest{asHello(good()), asBatch(big(1, 10<<20))}, codes.ResourceExhausted, "larger than max"},
		"time":             {[]*armorv1.StreamRequest{asHello(good()), edited(func(e *armorv1.Event) { e.Time = &timestamppb.Timestamp{Nanos: -5} })}, codes.InvalidArgument, "time"},
		"location":         {[]*armorv1.StreamRequest{asHello(good()), edited(func(e *armorv1.Event) { e.Location = strings.Repeat("/", 9000) })}, codes.InvalidArgument, "location"},
		"source id":        {[]*armorv1.StreamRequest{asHello(good()), edited(func(e *armorv1.Event) { e.SourceId = make([]byte, 2000) })}, codes.InvalidArgument, "source id"},
		"labels": {[]*armorv1.StreamRequest{asHello(good()), edited(func(e *armorv1.Event) {
			e.Labels = map[string]string{"a": strings.Repeat("x", 70_000)}
		})}, codes.InvalidArgument, "labels"},
	} {
		t.Run(name, func(t *testing.T) {
			l := r.open(r.local())
			for _, req := range tc.send {
				if err := l.stream.Send(req); err != nil {
					break // ended already: Recv says why
				}
			}
			err := l.ends()
			if status.Code(err) != tc.code || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("ended with %v, want %s with %q", err, tc.code, tc.want)
			}
		})
	}
	// And everyone else is served.
	l := r.hello(helloOf("001", 1, 300))
	l.batch(events(1, 301)...)
	l.receipts(300)
	r.ledger(1, 301)
}

func TestAgentMaySendOnlyAsItself(t *testing.T) {
	r := newRig(t, rigOptions{})
	for name, tc := range map[string]struct {
		caller rpc.Identity
		agent  string
		code   codes.Code
	}{
		"own id":   {rpc.Identity{Role: rpc.RoleAgent, ID: "001"}, "001", codes.OK},
		"other id": {rpc.Identity{Role: rpc.RoleAgent, ID: "002"}, "001", codes.PermissionDenied},
		"operator": {rpc.Identity{Role: rpc.RoleOperator, ID: "eve"}, "eve", codes.PermissionDenied},
		"service":  {rpc.Identity{Role: rpc.RoleService, ID: "indexer"}, "indexer", codes.PermissionDenied},
		"token":    {rpc.Identity{Role: rpc.RoleLocal}, "any-id", codes.OK},
	} {
		t.Run(name, func(t *testing.T) {
			l := r.open(r.dial(tc.caller))
			if err := l.stream.Send(asHello(helloOf(tc.agent, 1, 1))); err != nil {
				t.Log(err) // Recv says why
			}
			_, err := l.stream.Recv()
			if status.Code(err) != tc.code {
				t.Errorf("got %v, want %s", err, tc.code)
			}
		})
	}
}

func TestAgentThatNeverReadsStallsNobody(t *testing.T) {
	r := newRig(t, rigOptions{})
	deaf := r.hello(helloOf("deaf", 1, 1_000_000))
	const rounds = 300
	go func() {
		// A duplicate batch gets a receipt each, which nobody reads.
		for range rounds {
			if deaf.stream.Send(asBatch(events(1, 51)...)) != nil {
				return
			}
		}
	}()
	for i := range 5 {
		l := r.hello(helloOf(fmt.Sprintf("agent-%d", i), 1, 1000))
		own := events(1, 1001)
		for _, ev := range own {
			ev.SourceId = append(ev.SourceId, fmt.Sprint(" of agent ", i)...)
		}
		l.batch(own...)
		l.receipts(1000)
	}
	r.eventually("the deaf agent's events are taken", func() bool { return r.manager.pipeline.Counts().Accepted == 5*1000+rounds*50 })
	if got, want := len(r.stored()), 5*attacks(1, 1001)+attacks(1, 51); got != want {
		t.Errorf("%d alerts, want %d", got, want)
	}
	r.conserved()
}

func TestAgentThatSaysNothingHoldsNothing(t *testing.T) {
	r := newRig(t, rigOptions{})
	conn := r.local()
	for range 50 {
		r.open(conn)
	}
	l := r.hello(helloOf("001", 1, 3))
	l.batch(events(1, 4)...)
	l.receipts(3)
	if n := r.manager.pipeline.Sessions(); n != 1 {
		t.Errorf("%d sessions, want 1", n)
	}
	r.stop()
}

func TestGarbageOnTheWire(t *testing.T) {
	r := newRig(t, rigOptions{})
	conn := r.local()
	desc := &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
	stream, err := conn.NewStream(within(t), desc, "/armor.v1.IngestService/Stream", grpc.ForceCodec(raw{}))
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.SendMsg([]byte("\xff\xff\xff\xff no protobuf")); err != nil {
		t.Fatal(err)
	}
	var out []byte
	if err := stream.RecvMsg(&out); status.Code(err) != codes.Internal {
		t.Errorf("got %v, want INTERNAL", err)
	}
	l := r.hello(helloOf("001", 1, 3))
	l.batch(events(1, 4)...)
	l.receipts(3)
}

// raw is a codec that sends bytes as they are.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error)      { return v.([]byte), nil }
func (raw) Unmarshal(data []byte, v any) error { *v.(*[]byte) = data; return nil }
func (raw) Name() string                       { return "proto" }
