package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/internal/alertstream"
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

func engine(t testing.TB) *rules.Engine {
	t.Helper()
	rs, err := rules.Load(rules.Options{}, rules.Source{FS: fstest.MapFS{
		"decoders/tiny.xml": {Data: []byte(`<decoder name="tiny"><prematch>^tiny </prematch></decoder>`)},
		"rules/tiny.xml": {Data: []byte(`<group name="test,">
  <rule id="100001" level="5"><match>attack</match><description>Attack</description></rule>
  <rule id="100002" level="5"><match>secret</match><options>no_full_log</options><description>Secret</description></rule>
</group>`)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return rules.NewEngine(rs, rules.EngineOptions{})
}

// stream is a Publisher and DeadLetters in memory; hold keeps acknowledgements back.
type stream struct {
	mu      sync.Mutex
	alerts  []*armorv1.Alert
	held    []func(error)
	hold    bool
	refuse  func(*armorv1.Alert) error // Publish fails with it
	answer  func(*armorv1.Alert) error // done is called with it
	letters []letter
	bury    func() error
}

type letter struct {
	reason, detail string
	origin         alertstream.Origin
	event          *armorv1.Event
}

func (s *stream) Publish(_ context.Context, a *armorv1.Alert, done func(error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		if err := s.refuse(a); err != nil {
			return err
		}
	}
	var err error
	if s.answer != nil {
		err = s.answer(a)
	}
	s.alerts = append(s.alerts, proto.CloneOf(a)) // valid until Publish returns
	if s.hold {
		s.held = append(s.held, done)
	} else {
		go done(err)
	}
	return nil
}

func (s *stream) DeadEvent(_ context.Context, reason string, data []byte, origin alertstream.Origin, detail string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bury != nil {
		return s.bury()
	}
	ev := new(armorv1.Event)
	if err := proto.Unmarshal(data, ev); err != nil {
		return err
	}
	s.letters = append(s.letters, letter{reason, detail, origin, ev})
	return nil
}

// release acknowledges the alert i that was held.
func (s *stream) release(i int) {
	s.mu.Lock()
	done := s.held[i]
	s.mu.Unlock()
	done(nil)
}

func (s *stream) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.alerts)
}

func start(t testing.TB, cfg Config, s *stream, now func() time.Time) *Pipeline {
	t.Helper()
	p := New(cfg, Deps{Publisher: s, DeadLetters: s, ManagerName: "m", Now: now}, quiet)
	p.Use(engine(t))
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		p.Close(ctx)
	})
	return p
}

func enter(t testing.TB, p *Pipeline, agent string) *Session {
	t.Helper()
	s, _, err := p.Enter(Agent{ID: agent, Name: agent}, "spool", Held{First: 1, Last: 1 << 40}, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func events(from, to uint64, body func(uint64) string) *armorv1.EventBatch {
	b := &armorv1.EventBatch{}
	for n := from; n < to; n++ {
		b.Events = append(b.Events, &armorv1.Event{
			Sequence: n, SourceId: []byte(fmt.Sprint(n)), Location: "test", Body: []byte(body(n)), Time: timestamppb.New(time.Unix(int64(n), 0)),
		})
	}
	return b
}

func attack(n uint64) string { return fmt.Sprintf("tiny attack %d", n) }

func submit(t testing.TB, s *Session, b *armorv1.EventBatch) {
	t.Helper()
	if err := s.Submit(within(t), b, proto.Size(b)); err != nil {
		t.Fatal(err)
	}
}

func receipt(t testing.TB, s *Session) uint64 {
	t.Helper()
	n, err := s.NextReceipt(within(t))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// settle waits until the pipeline is idle and checks the conservation equation.
func settle(t testing.TB, p *Pipeline, s *Session) Counts {
	t.Helper()
	if !s.Drained(within(t)) {
		t.Fatal("the pipeline does not come to rest")
	}
	c := p.Counts()
	if c.Accepted != c.Alerted+c.Silent+c.Duplicate+c.Failed {
		t.Errorf("conservation: %+v", c)
	}
	return c
}

func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	until := time.After(deadline)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-until:
			t.Fatalf("waited in vain: %s", what)
		case <-tick.C:
		}
	}
}

func TestReceiptsAreCumulativeWhateverTheOrderOfAcknowledgements(t *testing.T) {
	s := &stream{hold: true}
	p := start(t, Config{Workers: 2}, s, nil)
	session := enter(t, p, "001")
	for from := uint64(1); from <= 5; from++ {
		submit(t, session, events(from, from+1, attack))
	}
	eventually(t, "all are published", func() bool { return s.count() == 5 })
	s.release(4)
	s.release(2)
	if n, due := session.ReceiptDue(); due {
		t.Fatalf("receipt %d though the first is open", n)
	}
	s.release(0)
	if n := receipt(t, session); n != 1 {
		t.Errorf("receipt %d, want 1", n)
	}
	s.release(1)
	if n := receipt(t, session); n != 3 {
		t.Errorf("receipt %d, want 3", n)
	}
	s.release(3)
	if n := receipt(t, session); n != 5 {
		t.Errorf("receipt %d, want 5", n)
	}
	if c := settle(t, p, session); c.Alerted != 5 {
		t.Errorf("%+v", c)
	}
}

func TestPanicOfTheEngineBecomesADeadLetter(t *testing.T) {
	s := &stream{}
	calls := 0
	p := start(t, Config{Workers: 1}, s, func() time.Time { // the clock is asked while the alert is made
		if calls++; calls == 3 {
			panic("the third event is poison")
		}
		return time.Unix(0, 0)
	})
	session := enter(t, p, "001")
	submit(t, session, events(1, 11, attack))
	if n := receipt(t, session); n != 10 {
		t.Errorf("receipt %d, want 10", n)
	}
	c := settle(t, p, session)
	if c.Failed != 1 || c.Alerted != 9 {
		t.Errorf("%+v", c)
	}
	if len(s.letters) != 1 || s.letters[0].reason != "engine_panic" || s.letters[0].event.GetSequence() != 3 || !strings.Contains(s.letters[0].detail, "the third event is poison") {
		t.Errorf("dead letters %+v", s.letters)
	}
}

func TestPanicWhileDecodingBecomesADeadLetter(t *testing.T) {
	s := &stream{}
	p := start(t, Config{Workers: 2}, s, nil)
	f := p.force.Load()
	f.slots.New = func() any { return &slot{} } // no working memory: decoding panics
	session := enter(t, p, "001")
	submit(t, session, events(1, 101, attack))
	receipt(t, session)
	if c := settle(t, p, session); c.Failed != 100 || len(s.letters) != 100 {
		t.Errorf("%+v, %d letters", c, len(s.letters))
	}
}

func TestUnpublishableAlertBecomesADeadLetter(t *testing.T) {
	permanent := &alertstream.PermanentError{Err: errors.New("never")}
	second := func(a *armorv1.Alert) error {
		if a.GetSequence() == 2 {
			return permanent
		}
		return nil
	}
	for name, s := range map[string]*stream{"at once": {refuse: second}, "later": {answer: second}} {
		t.Run(name, func(t *testing.T) {
			p := start(t, Config{}, s, nil)
			session := enter(t, p, "001")
			submit(t, session, events(1, 4, attack))
			if n := receipt(t, session); n != 3 {
				t.Errorf("receipt %d, want 3", n)
			}
			if c := settle(t, p, session); c.Failed != 1 || c.Alerted != 2 || len(s.letters) != 1 || s.letters[0].reason != "unpublishable_alert" {
				t.Errorf("%+v, letters %+v", c, s.letters)
			}
		})
	}
}

func TestEventWithoutDeadLetterIsNotReceipted(t *testing.T) {
	s := &stream{
		refuse: func(*armorv1.Alert) error { return &alertstream.PermanentError{Err: errors.New("never")} },
		bury:   func() error { return alertstream.ErrClosed },
	}
	p := start(t, Config{}, s, nil)
	session := enter(t, p, "001")
	submit(t, session, events(1, 2, attack))
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if n, err := session.NextReceipt(ctx); err == nil {
		t.Errorf("receipt %d for an event that is nowhere", n)
	}
}

func TestWindowHoldsTheAgentBack(t *testing.T) {
	s := &stream{hold: true}
	p := start(t, Config{Window: 1000}, s, nil)
	session := enter(t, p, "001")
	submit(t, session, events(1, 901, attack))
	eventually(t, "all are published", func() bool { return s.count() == 900 })
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	b := events(901, 1101, attack)
	if err := session.Submit(ctx, b, proto.Size(b)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a batch over the window: %v", err)
	}
	taken := make(chan error)
	go func() { taken <- session.Submit(within(t), b, proto.Size(b)) }()
	for i := range 900 {
		s.release(i)
	}
	if err := <-taken; err != nil {
		t.Fatal(err)
	}
	eventually(t, "the rest is published", func() bool { return s.count() == 1100 })
	for i := range 200 {
		s.release(900 + i)
	}
	settle(t, p, session)
}

func TestOneAgentDoesNotWaitForAnother(t *testing.T) {
	s := &stream{hold: true}
	p := start(t, Config{Window: 1000}, s, nil)
	stuck := enter(t, p, "001")
	submit(t, stuck, events(1, 1001, attack))
	eventually(t, "all are published", func() bool { return s.count() == 1000 })
	other := enter(t, p, "002")
	submit(t, other, events(1, 101, func(uint64) string { return "tiny quiet" }))
	if n := receipt(t, other); n != 100 {
		t.Errorf("receipt %d, want 100", n)
	}
}

func TestReplacedSessionSubmitsNothing(t *testing.T) {
	s := &stream{}
	p := start(t, Config{}, s, nil)
	old := enter(t, p, "001")
	submit(t, old, events(1, 101, attack))
	other, finished, err := p.Enter(Agent{ID: "001"}, "another spool", Held{First: 1, Last: 10}, 0, nil)
	if err != nil || finished != 0 {
		t.Fatalf("finished %d, %v", finished, err)
	}
	<-old.Replaced()
	b := events(101, 201, attack)
	if err := old.Submit(within(t), b, proto.Size(b)); !errors.Is(err, ErrReplaced) {
		t.Errorf("the old session: %v", err)
	}
	if _, err := old.NextReceipt(within(t)); !errors.Is(err, ErrReplaced) {
		t.Errorf("the old session: %v", err)
	}
	if err := old.Explain(ErrReplaced); !errors.Is(err, ErrTwin) {
		t.Errorf("another spool: %v", err)
	}
	again, _, err := p.Enter(Agent{ID: "001"}, "another spool", Held{First: 1, Last: 10}, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Explain(ErrReplaced); !errors.Is(err, ErrReplaced) || errors.Is(err, ErrTwin) {
		t.Errorf("the same spool: %v", err)
	}
	if old.Leave() || other.Leave() || !again.Leave() {
		t.Error("Leave does not know the current session")
	}
}

func TestFullLogIsExactUnlessTheRuleForbids(t *testing.T) {
	s := &stream{}
	p := start(t, Config{}, s, nil)
	session := enter(t, p, "001")
	bodies := []string{"tiny attack \x00\xff", "tiny secret"}
	submit(t, session, events(1, 3, func(n uint64) string { return bodies[n-1] }))
	receipt(t, session)
	if got := string(s.alerts[0].GetFullLog()); got != bodies[0] {
		t.Errorf("full log %q, want %q", got, bodies[0])
	}
	if got := s.alerts[1].GetFullLog(); got != nil {
		t.Errorf("full log %q in spite of no_full_log", got)
	}
}

func TestCloseTakesNothingMore(t *testing.T) {
	s := &stream{hold: true}
	p := start(t, Config{}, s, nil)
	session := enter(t, p, "001")
	submit(t, session, events(1, 11, attack))
	eventually(t, "all are published", func() bool { return s.count() == 10 })
	closed := make(chan struct{})
	go func() {
		p.Close(within(t))
		close(closed)
	}()
	eventually(t, "the pipeline is closing", p.isClosing)
	b := events(11, 21, attack)
	if err := session.Submit(within(t), b, proto.Size(b)); !errors.Is(err, ErrClosing) {
		t.Errorf("Submit: %v", err)
	}
	if _, _, err := p.Enter(Agent{ID: "002"}, "spool", Held{}, 0, nil); !errors.Is(err, ErrClosing) {
		t.Errorf("Enter: %v", err)
	}
	for {
		s.mu.Lock()
		open := s.held
		s.held = nil
		s.mu.Unlock()
		for _, done := range open {
			done(nil)
		}
		select {
		case <-closed:
			return
		case <-time.After(time.Millisecond):
		}
	}
}

func TestAlertID(t *testing.T) {
	// The first 128 bits of SHA-256("abc").
	if got := AlertID(&armorv1.Event{SourceId: []byte("abc")}, "1", "s"); got != "ba7816bf8f01cfea414140de5dae2223" {
		t.Errorf("got %s", got)
	}
	ids := map[string]bool{}
	for _, tc := range []struct {
		agent, spool string
		sequence     uint64
	}{{"1", "s", 1}, {"1", "s", 2}, {"1", "t", 1}, {"2", "s", 1}, {"1", "s1", 1}} {
		ids[AlertID(&armorv1.Event{Sequence: tc.sequence}, tc.agent, tc.spool)] = true
	}
	if len(ids) != 5 {
		t.Errorf("%d different ids, want 5", len(ids))
	}
}

func BenchmarkPipeline(b *testing.B) {
	for name, body := range map[string]func(uint64) string{
		"silent": func(uint64) string {
			return "tiny quiet line of usual length, from a service that has nothing to report"
		},
		"alerts": attack,
	} {
		b.Run(name, func(b *testing.B) {
			s := &discard{}
			p := New(Config{}, Deps{Publisher: s, DeadLetters: s, ManagerName: "m"}, quiet)
			p.Use(engine(b))
			session := enter(b, p, "001")
			// The same thousand events again and again, as a replay: else making them would be measured.
			all := events(1, 1001, body)
			size := proto.Size(all)
			b.ReportAllocs()
			b.ResetTimer()
			for left := b.N; left > 0; left -= 1000 {
				batch := &armorv1.EventBatch{Events: slices.Clone(all.GetEvents()[:min(left, 1000)]), Replay: true}
				if err := session.Submit(context.Background(), batch, size); err != nil {
					b.Fatal(err)
				}
			}
			session.Drained(context.Background())
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			p.Close(context.Background())
		})
	}
}

// discard stores everything at once.
type discard struct{}

func (*discard) Publish(_ context.Context, a *armorv1.Alert, done func(error)) error {
	if _, _, err := alertstream.Encode(a); err != nil {
		return err
	}
	done(nil)
	return nil
}

func (*discard) DeadEvent(context.Context, string, []byte, alertstream.Origin, string) error {
	return nil
}
