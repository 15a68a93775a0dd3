package spool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	armorv1 "armor/proto/armor/v1"
)

const dir = "spool"

// event n of a source; its body has the given length.
func event(n int, length int) *armorv1.Event {
	body := fmt.Appendf(nil, "event %d ", n)
	for len(body) < length {
		body = append(body, 'x')
	}
	return &armorv1.Event{SourceId: fmt.Appendf(nil, "source %d", n), Time: timestamppb.New(time.Unix(int64(n), 5)), Location: "/var/log/x", Body: body}
}

func events(first, last, length int) (list []*armorv1.Event) {
	for n := first; n <= last; n++ {
		list = append(list, event(n, length))
	}
	return list
}

func at(n int) Position {
	return Position{Input: "test", Key: "file", Data: fmt.Append(nil, n)}
}

func open(t testing.TB, disk FS, maxBytes, segmentBytes int64) (*Spool, Recovery) {
	t.Helper()
	s, rec, err := Open(Options{Dir: dir, MaxBytes: maxBytes, SegmentBytes: segmentBytes, FS: disk})
	if err != nil {
		t.Fatal(err)
	}
	return s, rec
}

func add(t testing.TB, s *Spool, list []*armorv1.Event, positions ...Position) {
	t.Helper()
	if err := s.Append(t.Context(), list, positions...); err != nil {
		t.Fatal(err)
	}
}

// drain reads all events that wait and checks that their sequences have no gap.
func drain(t testing.TB, s *Spool) (list []*armorv1.Event) {
	t.Helper()
	id, first, last := s.Bounds()
	r, err := s.NewReader(id, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for next := first; next <= last; {
		batch, err := r.Next(t.Context(), 100, 64<<10)
		if err != nil {
			t.Fatalf("reading sequence %d of %d to %d: %v", next, first, last, err)
		}
		got, err := batch.Events()
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != batch.Len() || batch.First != next {
			t.Fatalf("batch of %d from %d, want from %d", len(got), batch.First, next)
		}
		for _, ev := range got {
			if ev.Sequence != next {
				t.Fatalf("sequence %d, want %d", ev.Sequence, next)
			}
			next++
			list = append(list, ev)
		}
	}
	return list
}

func numbers(list []*armorv1.Event) (ns []int) {
	for _, ev := range list {
		n, err := strconv.Atoi(strings.Fields(string(ev.Body[:min(20, len(ev.Body))]))[1])
		if err != nil {
			panic(err)
		}
		ns = append(ns, n)
	}
	return ns
}

func upTo(first, last int) (ns []int) {
	for n := first; n <= last; n++ {
		ns = append(ns, n)
	}
	return ns
}

func conserved(t testing.TB, s *Spool) {
	t.Helper()
	st := s.Stats()
	if st.Recovered+st.Appended != st.Receipted+st.Spooled+st.Lost+st.Discarded {
		t.Fatalf("not conserved: %+v", st)
	}
}

func TestEventsComeBackAsTheyWere(t *testing.T) {
	s, rec := open(t, newMemDisk(), 0, 0)
	defer s.Close()
	if !rec.Created {
		t.Error("not reported as made")
	}
	want := events(1, 5, 40)
	want[1].Labels = map[string]string{"a": "b"}
	want[2].Body = []byte("\x00\xff\xfe")
	want[3].Truncated = true
	add(t, s, want)
	got := drain(t, s)
	for i, ev := range want {
		ev.Sequence = uint64(i + 1)
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}

func TestRestartGoesOn(t *testing.T) {
	disk := newMemDisk()
	s, _ := open(t, disk, 1<<20, 4<<10)
	id := s.ID()
	add(t, s, events(1, 100, 100), at(100))
	if err := s.Free(id, 30); err != nil {
		t.Fatal(err)
	}
	for round, disk := range []*memDisk{disk.kill(), disk.powerLoss()} {
		s, rec := open(t, disk, 1<<20, 4<<10)
		want := upTo(31, 100)
		if round == 1 {
			want = upTo(1, 100) // receipts are noted without a sync: the manager knows better
		}
		if got := numbers(drain(t, s)); !slices.Equal(got, want) {
			t.Fatalf("round %d: got %v", round, got)
		}
		if rec.Renewed != "" || len(rec.Gaps) > 0 || s.ID() != id {
			t.Errorf("round %d: %+v, id %s, was %s", round, rec, s.ID(), id)
		}
		if got := string(s.Positions("test")["file"]); got != "100" {
			t.Errorf("position %q", got)
		}
		conserved(t, s)
	}
}

func TestSequenceGoesOnInAnEmptySpool(t *testing.T) {
	disk := newMemDisk()
	s, _ := open(t, disk, 1<<20, 4<<10)
	id := s.ID()
	for n := range 10 {
		add(t, s, events(10*n+1, 10*n+10, 500), at(n))
	}
	if err := s.Free(id, 100); err != nil {
		t.Fatal(err)
	}
	disk = disk.kill()
	for _, name := range disk.names(".seg") {
		delete(disk.files, name) // even without its last segment
	}
	s, rec := open(t, disk, 1<<20, 4<<10)
	if rec.Renewed != "" || rec.Events != 0 {
		t.Errorf("%+v", rec)
	}
	if gotID, first, last := s.Bounds(); gotID != id || first != 101 || last != 100 {
		t.Errorf("bounds %s %d %d", gotID, first, last)
	}
	add(t, s, events(101, 102, 10))
	if got := drain(t, s); got[0].Sequence != 101 {
		t.Errorf("sequence %d", got[0].Sequence)
	}
}

func TestFreeRemovesWholeSegmentsAfterSync(t *testing.T) {
	disk := newMemDisk()
	s, _ := open(t, disk, 1<<20, 4<<10)
	for n := range 20 {
		add(t, s, events(n+1, n+1, 1000))
	}
	before := len(disk.names(".seg"))
	var ops []string
	disk.fail = func(op, name string) error {
		if op == "sync" || op == "remove" {
			ops = append(ops, op+" "+name)
		}
		return nil
	}
	if err := s.Free(s.ID(), 10); err != nil {
		t.Fatal(err)
	}
	if len(ops) < 2 || ops[0] != "sync spool/marks" {
		t.Errorf("operations %q", ops)
	}
	if after := len(disk.names(".seg")); after >= before {
		t.Errorf("%d segments before, %d after", before, after)
	}
	if err := s.Free(s.ID(), 21); err == nil {
		t.Error("a receipt for what was never given out is accepted")
	}
	if err := s.Free("another", 15); !errors.Is(err, ErrRenewed) {
		t.Errorf("receipt of another spool: %v", err)
	}
	if got := numbers(drain(t, s)); !slices.Equal(got, upTo(11, 20)) {
		t.Errorf("got %v", got)
	}
	conserved(t, s)
}

func TestFullSpoolBlocksTheWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := open(t, newMemDisk(), 16<<10, 4<<10)
		defer s.Close()
		written := 0
		done := make(chan error)
		go func() {
			for n := 1; n <= 100; n++ {
				if err := s.Append(t.Context(), events(n, n, 1000)); err != nil {
					done <- err
					return
				}
				written++
			}
			done <- nil
		}()
		synctest.Wait()
		if st := s.Stats(); !st.Full || st.Bytes > 16<<10 || written == 0 || written > 16 {
			t.Fatalf("%d written, %+v", written, st)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Append(ctx, events(1000, 1000, 1000)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("append with a deadline: %v", err)
		}
		r, _ := s.NewReader(s.ID(), 0)
		var got []int
		for len(got) < 100 {
			batch, err := r.Next(t.Context(), 3, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			list, _ := batch.Events()
			got = append(got, numbers(list)...)
			if err := s.Free(s.ID(), batch.Last); err != nil {
				t.Fatal(err)
			}
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, upTo(1, 100)) {
			t.Errorf("got %v", got)
		}
		if st := s.Stats(); st.Full {
			t.Errorf("still full: %+v", st)
		}
		conserved(t, s)
	})
}

func TestReaderWaitsForEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := open(t, newMemDisk(), 0, 0)
		r, _ := s.NewReader(s.ID(), 0)
		got := make(chan uint64)
		go func() {
			batch, err := r.Next(t.Context(), 10, 1000)
			if err != nil {
				t.Error(err)
			}
			got <- batch.Last
		}()
		synctest.Wait()
		add(t, s, events(1, 2, 10))
		if last := <-got; last != 2 {
			t.Errorf("last %d", last)
		}
		go func() {
			_, err := r.Next(t.Context(), 10, 1000)
			if !errors.Is(err, ErrClosed) {
				t.Error(err)
			}
			got <- 0
		}()
		synctest.Wait()
		s.Close()
		<-got
	})
}

func TestBatchLimits(t *testing.T) {
	s, _ := open(t, newMemDisk(), 64<<20, 8<<20)
	add(t, s, events(1, 10, 1000))
	add(t, s, events(11, 11, 1<<20))
	add(t, s, events(12, 15, 10))
	r, _ := s.NewReader(s.ID(), 0)
	var sizes []int
	for range 6 {
		batch, err := r.Next(t.Context(), 4, 3500)
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, batch.Len())
	}
	if want := []int{3, 3, 3, 1, 1, 4}; !slices.Equal(sizes, want) {
		t.Errorf("batches of %v, want %v", sizes, want)
	}
	if err := s.Append(t.Context(), events(16, 16, MaxEventBytes)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large an event: %v", err)
	}
}

func TestWritersShareASync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemDisk()
		s, _ := open(t, disk, 0, 0)
		syncs, gate := 0, make(chan struct{})
		disk.fail = func(op, _ string) error {
			if op == "sync" {
				syncs++
				disk.mu.Unlock()
				<-gate
				disk.mu.Lock()
			}
			return nil
		}
		var wg sync.WaitGroup
		for n := range 50 {
			wg.Go(func() { add(t, s, events(n, n, 10)) })
		}
		synctest.Wait()
		close(gate)
		wg.Wait()
		if syncs > 3 {
			t.Errorf("%d syncs for 50 writers", syncs)
		}
		if got := numbers(drain(t, s)); len(got) != 50 {
			t.Errorf("%d events", len(got))
		}
	})
}

func TestPositionsOutliveTheirSegments(t *testing.T) {
	disk := newMemDisk()
	s, _ := open(t, disk, 1<<20, 4<<10)
	for n := 1; n <= 200; n++ {
		key := Position{Input: "test", Key: fmt.Sprint("file ", n%50), Data: fmt.Append(nil, n)}
		add(t, s, events(n, n, 500), key, at(n))
		if err := s.Free(s.ID(), uint64(n)); err != nil {
			t.Fatal(err)
		}
	}
	add(t, s, nil, Position{Input: "test", Key: "file 7"})
	for _, disk := range []*memDisk{disk.kill(), disk.powerLoss()} {
		s, _ := open(t, disk, 1<<20, 4<<10)
		got := s.Positions("test")
		if len(got) != 50 || string(got["file 8"]) != "158" || got["file 7"] != nil || string(got["file"]) != "200" {
			t.Errorf("positions %d: %q", len(got), got)
		}
	}
}

// A copy of the folder is another spool: what it holds has new sequences. A spool that never knew its place learns it.
func TestCopyTakesANewID(t *testing.T) {
	disk := newMemDisk()
	at := func(place string, d *memDisk) (*Spool, Recovery) {
		t.Helper()
		s, rec, err := Open(Options{Dir: dir, MaxBytes: 1 << 20, SegmentBytes: 64 << 10, Place: place, FS: d})
		if err != nil {
			t.Fatal(err)
		}
		return s, rec
	}
	s, _ := at("", disk)
	id := s.ID()
	add(t, s, events(1, 10, 10))
	if err := s.Free(id, 4); err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{"here", "here", ""} {
		disk = disk.kill()
		again, rec := at(place, disk)
		if rec.Renewed != "" || again.ID() != id {
			t.Errorf("at %q: %+v", place, rec)
		}
	}
	disk = disk.kill()
	there, rec := at("there", disk)
	if _, first, last := there.Bounds(); rec.Renewed == "" || there.ID() == id || rec.Events != 6 || first != 1 || last != 6 {
		t.Errorf("a copy: %+v, sequences %d to %d", rec, first, last)
	}
	disk = disk.kill()
	if again, rec := at("there", disk); rec.Renewed != "" || again.ID() != there.ID() {
		t.Errorf("the copy again: %+v", rec)
	}
}
