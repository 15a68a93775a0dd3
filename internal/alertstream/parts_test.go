package alertstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	armorv1 "armor/proto/armor/v1"
)

func TestDeadLetterKeepsBytesAndReason(t *testing.T) {
	c := connected(t)
	small := []byte("\x00\xffraw")
	large := bytes.Repeat([]byte("0123456789"), 160_000) // 1.6 MB: more than a message takes
	if err := c.DeadLetter(within(t), "mapping error", small, "line one\nline two "+strings.Repeat("x", 5000)); err != nil {
		t.Fatal(err)
	}
	if err := c.DeadLetter(within(t), "mapping error", small, "again"); err != nil {
		t.Fatal(err)
	}
	if err := c.DeadLetter(within(t), "engine_panic", large, "big"); err != nil {
		t.Fatal(err)
	}
	letters, err := c.Letters(within(t))
	if err != nil || len(letters) != 2 || letters[0].Reason != "engine_panic" || letters[0].Messages != 3 || letters[1].Messages != 1 ||
		!strings.HasPrefix(letters[1].Detail, "line one line two x") || letters[1].Last.IsZero() {
		t.Errorf("%+v, %v", letters, err)
	}
	s, err := c.js.Stream(within(t), DeadLetterStream)
	if err != nil {
		t.Fatal(err)
	}
	var whole []byte
	for seq := uint64(1); seq <= 4; seq++ {
		m, err := s.GetMsg(within(t), seq)
		if err != nil {
			t.Fatal(err)
		}
		if seq == 1 {
			if m.Subject != "armor.deadletters.mapping_error" || !bytes.Equal(m.Data, small) || m.Header.Get(HeaderReason) != "mapping error" {
				t.Errorf("got %s %q %v", m.Subject, m.Data, m.Header)
			}
			if d := m.Header.Get(HeaderDetail); !strings.HasPrefix(d, "line one line two x") || len(d) > detailBytes {
				t.Errorf("detail %q", d)
			}
			continue
		}
		if want := fmt.Sprintf("%d/3", seq-1); m.Header.Get(HeaderPart) != want {
			t.Errorf("part %q, want %q", m.Header.Get(HeaderPart), want)
		}
		whole = append(whole, m.Data...)
	}
	if !bytes.Equal(whole, large) {
		t.Error("the parts are not the whole")
	}
	if n := messages(t, c, DeadLetterStream); n != 4 {
		t.Errorf("%d dead letters, want 4: the second writing of one is no second one", n)
	}
}

func TestDeadLetterWaitsForTheStream(t *testing.T) {
	c := connected(t)
	if err := c.js.DeleteStream(within(t), DeadLetterStream); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if err := c.DeadLetter(ctx, "x", []byte("x"), ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	written := make(chan error)
	go func() { written <- c.DeadLetter(within(t), "x", []byte("x"), "") }()
	if err := c.ensure(within(t)); err != nil {
		t.Fatal(err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}

func TestWatchShowsWhatItsFilterWantsAndCountsTheRest(t *testing.T) {
	c := connected(t)
	all, err := c.Watch(within(t), WatchFilter{}, 5)
	if err != nil {
		t.Fatal(err)
	}
	high, err := c.Watch(within(t), WatchFilter{MinLevel: 5, RuleID: 80309, AgentID: "002"}, 100)
	if err != nil {
		t.Fatal(err)
	}
	p := c.NewPublisher(100)
	o := &outcome{}
	const total = 20
	for n := range total {
		a := alertN(n)
		if n%2 == 1 {
			a.Rule.Level = 5
		}
		if n >= 10 {
			a.Rule.Id = 80309
		}
		if n%4 == 1 {
			a.Agent.Id = "002"
		}
		for round := range 2 { // the second time it is a duplicate, which nobody is to see
			if err := p.Publish(context.Background(), a, o.done(fmt.Sprint(a.Id, round))); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, want := range []uint64{13, 17} {
		a, missed, err := high.Next(within(t))
		if err != nil || a.GetSequence() != want || missed != 0 {
			t.Errorf("alert %d, %d missed, %v; want %d", a.GetSequence(), missed, err, want)
		}
	}
	eventually(t, "the slow watch to miss 15", func() bool {
		all.mu.Lock()
		defer all.mu.Unlock()
		return all.missed == total-5
	})
	a, missed, err := all.Next(within(t))
	if err != nil || a.GetSequence() != 0 || missed != total-5 {
		t.Errorf("alert %d, %d missed, %v", a.GetSequence(), missed, err)
	}
	all.Close()
	for range 5 {
		if _, _, err = all.Next(within(t)); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestAgentsRecordsAndConflicts(t *testing.T) {
	c := connected(t)
	agents, err := c.Agents(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if a, rev, err := agents.Get(within(t), "nobody"); a != nil || rev != 0 || err != nil {
		t.Errorf("unknown agent: %v %d %v", a, rev, err)
	}
	if list, err := agents.List(within(t)); err != nil || len(list) != 0 {
		t.Errorf("empty list: %v %v", list, err)
	}
	rec := &armorv1.Agent{Id: "web-1", Name: "web", SpoolId: "s", LastFinishedSequence: 7}
	rev, err := agents.Put(within(t), rec, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := agents.Put(within(t), rec, 0); !errors.Is(err, ErrConflict) {
		t.Errorf("made twice: %v", err)
	}
	rec.LastFinishedSequence = 8
	next, err := agents.Put(within(t), rec, rev)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := agents.Put(within(t), rec, rev); !errors.Is(err, ErrConflict) {
		t.Errorf("written over: %v", err)
	}
	got, gotRev, err := agents.Get(within(t), "web-1")
	if err != nil || gotRev != next {
		t.Fatalf("revision %d, %v; want %d", gotRev, err, next)
	}
	if diff := cmp.Diff(rec, got, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	if _, err := agents.Put(within(t), &armorv1.Agent{Id: "000"}, 0); err != nil {
		t.Fatal(err)
	}
	list, err := agents.List(within(t))
	if err != nil || len(list) != 2 || list[0].GetId() != "000" {
		t.Errorf("list %v, %v", list, err)
	}
	if err := agents.Delete(within(t), "web-1"); err != nil {
		t.Fatal(err)
	}
	if list, err = agents.List(within(t)); err != nil || len(list) != 1 {
		t.Errorf("list %v, %v", list, err)
	}
	if a, _, err := agents.Get(within(t), "web-1"); a != nil || err != nil {
		t.Errorf("after Delete: %v %v", a, err)
	}
	if _, err := agents.Put(within(t), rec, 0); err != nil {
		t.Errorf("made again after Delete: %v", err)
	}
}

func TestEncodeKeepsAlertsWithinTheLimit(t *testing.T) {
	fill := func(n int) []byte { return bytes.Repeat([]byte{'x'}, n) }
	for name, tc := range map[string]struct {
		log, data, earlier int
		wantCut            string
		wantLog            int // at least
	}{
		"fits":     {700_000, 0, 0, "", 700_000},
		"log":      {1 << 20, 100_000, 0, "full_log", 600_000},
		"earlier":  {500_000, 500_000, 3, "previous_output", keepLog},
		"data":     {1 << 20, 1 << 20, 0, "data", 780_000},
		"all":      {1 << 20, 1 << 20, 20, "data", 780_000},
		"only log": {2 << 20, 0, 0, "full_log", 780_000},
	} {
		t.Run(name, func(t *testing.T) {
			a := alertN(1)
			a.FullLog, a.Data = fill(tc.log), fill(tc.data)
			for range tc.earlier {
				a.PreviousOutput = append(a.PreviousOutput, fill(100_000))
			}
			before := proto.CloneOf(a)
			data, cut, err := Encode(a)
			if err != nil {
				t.Fatal(err)
			}
			if cut != tc.wantCut || len(data) > MaxAlertSize {
				t.Errorf("cut %q, %d bytes; want %q", cut, len(data), tc.wantCut)
			}
			got, err := Decode(data)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.GetFullLog()) < tc.wantLog || got.GetFullLogTruncated() != (cut != "") {
				t.Errorf("%d bytes of log, truncated %v", len(got.GetFullLog()), got.GetFullLogTruncated())
			}
			if !proto.Equal(before, a) {
				t.Error("Encode changed its alert")
			}
		})
	}
	huge := alertN(1)
	huge.Agent.Labels = map[string]string{"x": string(fill(1 << 20))}
	if _, _, err := Encode(huge); !IsPermanent(err) {
		t.Errorf("an alert that cannot be cut: %v", err)
	}
}

func TestSubjectIsOneOfTheStreams(t *testing.T) {
	for agent, want := range map[string]string{"001": "001", "web-1_a": "web-1_a", "": "_", "a.b *>\n": "a_b____"} {
		a := alertN(1)
		a.Agent.Id = agent
		if got := Subject(a); got != "armor.alerts.2.80301."+want {
			t.Errorf("agent %q: subject %s", agent, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	data, _, err := Encode(alertN(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := Decode(data)
		if err != nil {
			return
		}
		again, _, err := Encode(a)
		if err != nil {
			t.Fatalf("what was decoded cannot be encoded: %v", err)
		}
		b, err := Decode(again)
		if err != nil || len(data) <= MaxAlertSize && !proto.Equal(a, b) {
			t.Fatalf("decoding what was encoded: %v", err)
		}
	})
}
