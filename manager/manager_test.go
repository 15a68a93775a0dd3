package manager

import (
	"bytes"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"armor/internal/alertstream"
	"armor/internal/alertstream/embedded"
	"armor/manager/pipeline"
	armorv1 "armor/proto/armor/v1"
)

func helloOf(agent string, first, last uint64) *armorv1.Hello {
	return &armorv1.Hello{AgentId: agent, AgentName: "web-1", SpoolId: "spool-1", FirstSequence: first, LastSequence: last, Version: "1.0", Ip: "192.0.2.7"}
}

func TestEventBecomesAnAlertWithEverythingInIt(t *testing.T) {
	r := newRig(t, rigOptions{})
	l := r.hello(helloOf("001", 1, 2))
	if diff := cmp.Diff(&armorv1.Welcome{Window: 8000, ManagerName: "manager-1"}, l.welcome, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	odd := event(2, true)
	odd.Body, odd.Labels = []byte("tiny attack \xff\x00 end"), map[string]string{"env": "prod"}
	l.batch(event(1, false), odd)
	l.receipts(2)
	got := r.stored()
	if len(got) != 1 {
		t.Fatalf("%d alerts, want 1", len(got))
	}
	want := &armorv1.Alert{
		Id: pipeline.AlertID(odd, "001", "spool-1"), Time: odd.Time, ReadTime: odd.ReadTime,
		Rule: &armorv1.AlertRule{
			Id: 100001, Level: 5, Description: "Attack", Groups: []string{"test"}, FiredTimes: 1,
			Compliance: []*armorv1.Compliance{{Standard: "pci_dss", Requirements: []string{"10.6.1"}}},
		},
		Agent: &armorv1.AlertAgent{Id: "001", Name: "web-1", Ip: "192.0.2.7", Labels: odd.Labels}, ManagerName: "manager-1",
		Decoder: &armorv1.AlertDecoder{Name: "tiny"}, Predecoder: &armorv1.Predecoder{}, Location: "/var/log/test.log",
		FullLog: odd.Body, Context: &armorv1.AlertContext{}, SpoolId: "spool-1", Sequence: 2,
	}
	if diff := cmp.Diff(want, got[0], protocmp.Transform(), protocmp.IgnoreFields(&armorv1.Alert{}, "detected_time")); diff != "" {
		t.Error(diff)
	}
	if !got[0].GetDetectedTime().IsValid() {
		t.Error("no detected time")
	}
	if !bytes.Equal(got[0].GetFullLog(), odd.Body) {
		t.Error("the log is not exact")
	}
	r.conserved()
	counters := r.manager.Status().GetCounters()
	maps.DeleteFunc(counters, func(name string, _ uint64) bool { return strings.HasPrefix(name, "journal_") || name == "snapshots" })
	if diff := cmp.Diff(map[string]uint64{"accepted": 2, "alerted": 1, "silent": 1, "duplicate": 0, "failed": 0}, counters); diff != "" {
		t.Error(diff)
	}
}

func TestReceiptOnlyAfterJetStreamHasTheAlert(t *testing.T) {
	dir := t.TempDir()
	ns, err := embedded.Start(embedded.Config{Dir: dir, Listen: "127.0.0.1:0"}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	url := ns.ClientURL()
	r := newRig(t, rigOptions{url: url, nats: alertstream.Config{AckTimeout: time.Second}})
	l := r.hello(helloOf("001", 1, 3000))
	l.batch(events(1, 501)...)
	l.receipts(500)
	ns.Shutdown()
	r.eventually("the status says that NATS is gone", func() bool { return !r.manager.Status().GetReady() })
	l.batch(events(501, 1001)...)
	r.eventually("the events are evaluated", func() bool { return r.manager.pipeline.Counts().InFlight() == uint64(attacks(501, 1001)) })
	receipt := make(chan uint64)
	go func() {
		resp, err := l.stream.Recv()
		if err != nil {
			t.Error(err)
		}
		receipt <- resp.GetReceipt().GetSequence()
	}()
	select {
	case n := <-receipt:
		t.Fatalf("receipt %d while NATS was down", n)
	default:
	}
	ns, err = embedded.Start(embedded.Config{Dir: dir, Listen: url[len("nats://"):]}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ns.Shutdown)
	if n := <-receipt; n != 1000 {
		t.Errorf("receipt %d, want 1000", n)
	}
	r.eventually("the status is ready again", func() bool { return r.manager.Status().GetReady() })
	r.ledger(1, 1001)
}

func TestFullStreamHoldsTheAgentBack(t *testing.T) {
	r := newRig(t, rigOptions{
		nats:   alertstream.Config{MaxBytes: 1 << 20, Janitor: alertstream.JanitorConfig{Interval: 20 * time.Millisecond}},
		config: func(c *Config) { c.Pipeline = pipeline.Config{Window: 1000, PublishWindow: 50} },
	})
	l := r.hello(helloOf("001", 1, 9000))
	const batches, size = 40, 100
	sent := make(chan int, batches)
	go func() {
		for b := range uint64(batches) {
			evs := events(b*size+1, (b+1)*size+1)
			for _, ev := range evs {
				ev.Body = append(ev.Body, bytes.Repeat([]byte{'x'}, 4000)...)
			}
			l.batch(evs...)
			sent <- int(b)
		}
		close(sent)
	}()
	r.eventually("the reason in the status", func() bool {
		return strings.Contains(r.manager.Status().GetReason(), "is full, and waits until alerts in it are finished")
	})
	if c := r.manager.pipeline.Counts(); c.InFlight() > 1000+size || c.Accepted > batches*size/2 {
		t.Errorf("events are taken while nothing can be stored: %+v", c)
	}
	alerts := 0
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.receipts(batches * size)
	}()
	for finished := false; !finished; {
		alerts += len(r.stored())
		select {
		case <-done:
			finished = true
		default:
		}
	}
	alerts += len(r.stored())
	if want := attacks(1, batches*size+1); alerts != want {
		t.Errorf("%d alerts, want %d", alerts, want)
	}
	r.conserved()
}

func TestResentEventsAreNotEvaluatedAgain(t *testing.T) {
	r := newRig(t, rigOptions{})
	l := r.hello(helloOf("001", 1, 300))
	l.batch(events(1, 201)...)
	l.receipts(200)
	l.batch(events(1, 201)...) // all of it again
	l.receipts(200)
	l.batch(events(150, 301)...) // a part again
	l.receipts(300)
	if got := r.manager.pipeline.Counts().Duplicate; got != 200+51 {
		t.Errorf("%d duplicates, want 251", got)
	}
	r.ledger(1, 301)
}

func TestReplayIsEvaluatedAgainUnderTheSameIDs(t *testing.T) {
	r := newRig(t, rigOptions{})
	l := r.hello(helloOf("001", 1, 300))
	l.batch(events(1, 201)...)
	l.receipts(200)
	l.send(&armorv1.StreamRequest{Message: &armorv1.StreamRequest_Batch{Batch: &armorv1.EventBatch{Events: events(1, 101), Replay: true}}})
	l.receipts(200)
	c := r.manager.pipeline.Counts()
	if c.Duplicate != 0 || c.Alerted != uint64(attacks(1, 201)+attacks(1, 101)) {
		t.Errorf("%+v", c)
	}
	r.ledger(1, 201) // JetStream knows the ids
}

func TestReconnectedAgentGoesOnWhereItWas(t *testing.T) {
	dir := t.TempDir()
	first := newRig(t, rigOptions{natsDir: dir})
	l := first.hello(helloOf("001", 1, 500))
	l.batch(events(1, 301)...)
	l.receipts(300)
	l.cancel()
	again := first.hello(helloOf("001", 301, 500))
	if got := again.welcome.GetLastFinishedSequence(); got != 300 {
		t.Errorf("the same manager: last finished %d, want 300", got)
	}
	first.stop()
	first.stream.Close()
	first.nats.Shutdown()
	second := newRig(t, rigOptions{natsDir: dir})
	l = second.hello(helloOf("001", 1, 500)) // its receipts were lost
	if got := l.welcome.GetLastFinishedSequence(); got != 300 {
		t.Errorf("another manager: last finished %d, want 300", got)
	}
	l.batch(events(301, 501)...)
	l.receipts(500)
	second.ledger(1, 501)
}

func TestRewoundSpoolIsEvaluated(t *testing.T) {
	r := newRig(t, rigOptions{})
	l := r.hello(helloOf("001", 1, 300))
	l.batch(events(1, 301)...)
	l.receipts(300)
	l.cancel()
	// The spool was restored from a copy: it holds 101 to 150 and gives out 151 anew, for other events.
	l = r.hello(helloOf("001", 101, 150))
	if got := l.welcome.GetLastFinishedSequence(); got != 100 {
		t.Errorf("last finished %d, want 100", got)
	}
	renewed := events(101, 201)
	for _, ev := range renewed[50:] {
		ev.SourceId = append(ev.SourceId, " renewed"...)
	}
	l.batch(renewed...)
	l.receipts(200)
	if got, want := len(r.stored()), attacks(1, 301)+attacks(151, 201); got != want {
		t.Errorf("%d alerts, want %d", got, want)
	}
	r.conserved()
}

func TestSpoolThatBeginsLaterIsTakenFromThere(t *testing.T) {
	r := newRig(t, rigOptions{})
	l := r.hello(helloOf("001", 1001, 1300))
	if got := l.welcome.GetLastFinishedSequence(); got != 1000 {
		t.Errorf("last finished %d, want 1000", got)
	}
	l.batch(events(1001, 1301)...)
	l.receipts(1300)
	r.ledger(1001, 1301)
}

func TestNewSessionEndsTheOlderAndNothingIsTwice(t *testing.T) {
	r := newRig(t, rigOptions{})
	var links []*link
	next := uint64(1)
	for range 5 {
		l := r.hello(helloOf("001", 1, 5000))
		links = append(links, l)
		// What was not finished yet is sent again by the new session, while the manager may still be at it.
		from := l.welcome.GetLastFinishedSequence() + 1
		for ; from < next+900; from += 300 {
			l.batch(events(from, from+300)...)
		}
		next = from
	}
	for i, l := range links[:4] {
		if err := l.ends(); status.Code(err) != codes.Aborted {
			t.Errorf("session %d ended with %v, want ABORTED", i, err)
		}
	}
	links[4].receipts(next - 1)
	r.ledger(1, next)
	c := r.manager.pipeline.Counts()
	if c.Alerted != uint64(attacks(1, next)) {
		t.Errorf("an event was evaluated twice: %+v", c)
	}
}

func TestStopGivesLastReceiptsAndRecords(t *testing.T) {
	r := newRig(t, rigOptions{})
	l := r.hello(helloOf("001", 1, 1000))
	l.batch(events(1, 1001)...)
	r.eventually("the batch is there", func() bool { return r.manager.pipeline.Counts().Accepted == 1000 })
	go r.stop()
	last := uint64(0)
	for {
		resp, err := l.stream.Recv()
		if err != nil {
			if status.Code(err) != codes.Unavailable {
				t.Errorf("ended with %v, want UNAVAILABLE", err)
			}
			break
		}
		last = resp.GetReceipt().GetSequence()
	}
	if last != 1000 {
		t.Errorf("last receipt %d, want 1000", last)
	}
	r.stop()
	agents, err := r.stream.Agents(within(t))
	if err != nil {
		t.Fatal(err)
	}
	rec, _, err := agents.Get(within(t), "001")
	if err != nil || rec.GetLastFinishedSequence() != 1000 || rec.GetState() != armorv1.AgentState_AGENT_STATE_DISCONNECTED {
		t.Errorf("record %v, %v", rec, err)
	}
}

func TestEndOfStreamGetsItsReceipts(t *testing.T) {
	r := newRig(t, rigOptions{})
	l := r.hello(helloOf("001", 1, 1000))
	l.batch(events(1, 1001)...)
	if err := l.stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	l.receipts(1000)
	if err := l.ends(); err.Error() != "EOF" {
		t.Errorf("ended with %v", err)
	}
}

func TestLargestEventIsAlertedWithItsLogCut(t *testing.T) {
	r := newRig(t, rigOptions{})
	l := r.hello(helloOf("001", 1, 1))
	big := event(1, true)
	big.Body = append(big.Body, bytes.Repeat([]byte{0}, 1<<20-len(big.Body))...)
	l.batch(big)
	l.receipts(1)
	got := r.stored()
	if len(got) != 1 || !got[0].GetFullLogTruncated() || len(got[0].GetFullLog()) < 700_000 || !bytes.HasPrefix(big.Body, got[0].GetFullLog()) {
		t.Fatalf("%d alerts, or its log was not cut as it should be", len(got))
	}
	r.conserved()
}
