package spool

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	armorv1 "armor/proto/armor/v1"
)

func openKeeping(t testing.TB, disk FS, maxBytes int64, keep time.Duration) *Spool {
	t.Helper()
	s, rec, err := Open(Options{Dir: dir, MaxBytes: maxBytes, SegmentBytes: 4 << 10, FS: disk, Keep: keep})
	if err != nil || len(rec.Gaps) > 0 || rec.Renewed != "" {
		t.Fatalf("%v %+v", err, rec)
	}
	return s
}

// replayed reads a replay to its end.
func replayed(t testing.TB, r *Replay) (list []*armorv1.Event) {
	t.Helper()
	for {
		batch, err := r.Next(7, 64<<10)
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := batch.Events()
		if err != nil {
			t.Fatal(err)
		}
		for i, ev := range got {
			if ev.GetSequence() != batch.First+uint64(i) || len(got) != batch.Len() {
				t.Fatalf("sequence %d in the batch from %d", ev.GetSequence(), batch.First)
			}
		}
		list = append(list, got...)
	}
}

func replay(t testing.TB, s *Spool, since time.Time) []*armorv1.Event {
	t.Helper()
	r, err := s.NewReplay(s.ID(), since)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	total, err := r.Count(func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	list := replayed(t, r)
	if int(total) != len(list) {
		t.Errorf("%d counted, %d came", total, len(list))
	}
	return list
}

// TestFinishedEventsAreKept for as long as they are to be, over a restart too, and can be read again as often as anybody likes.
func TestFinishedEventsAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemDisk()
		s := openKeeping(t, disk, 1<<20, 10*time.Minute)
		for n := range 40 {
			add(t, s, events(n+1, n+1, 1000), at(n+1))
		}
		if err := s.Free(s.ID(), 30); err != nil {
			t.Fatal(err)
		}
		killed := disk.kill()
		for round := range 2 {
			if round > 0 {
				s = openKeeping(t, killed, 1<<20, 10*time.Minute)
			}
			for range 2 {
				list := replay(t, s, time.Time{})
				if !slices.Equal(numbers(list), upTo(1, 30)) || list[29].GetSequence() != 30 {
					t.Errorf("again: %v", numbers(list))
				}
			}
			if st := s.Stats(); st.Kept != 30 || st.KeptBytes == 0 || st.Spooled != 10 {
				t.Errorf("%+v", st)
			}
			if got := numbers(drain(t, s)); !slices.Equal(got, upTo(31, 40)) {
				t.Errorf("what waits: %v", got)
			}
			conserved(t, s)
			time.Sleep(9 * time.Minute)
			if st := s.Stats(); st.Kept != 30 {
				t.Errorf("after 9 minutes: %+v", st)
			}
			time.Sleep(2 * time.Minute)
			if st := s.Stats(); st.KeptBytes != 0 || st.Kept > 4 { // some share a file with what waits
				t.Errorf("after 11 minutes: %+v", st)
			}
			if got := string(s.Positions("test")["file"]); got != "40" {
				t.Errorf("position %q", got)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		none := openKeeping(t, disk.kill(), 1<<20, 0)
		if list := replay(t, none, time.Time{}); len(list) > 0 {
			t.Errorf("%d events of a spool that keeps none", len(list))
		}
		none.Close()
	})
}

// TestKeptEventsMakeRoom: new events never wait for kept ones, and a replay passes over what went.
func TestKeptEventsMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openKeeping(t, newMemDisk(), 32<<10, time.Hour)
		var r *Replay
		for n := 1; n <= 200; n++ {
			add(t, s, events(n, n, 1000))
			if err := s.Free(s.ID(), uint64(n)); err != nil {
				t.Fatal(err)
			}
			if st := s.Stats(); st.Bytes > 32<<10 || st.Full {
				t.Fatalf("%+v", st)
			}
			if n == 20 {
				var err error
				if r, err = s.NewReplay(s.ID(), time.Time{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		list := replayed(t, r)
		missing, why := r.Missing()
		if len(list) != 0 || missing != 20 || why == nil {
			t.Errorf("%d came, %d missing, %v", len(list), missing, why)
		}
		r.Close()
		got := numbers(replay(t, s, time.Time{}))
		if len(got) < 16 || !slices.Equal(got, upTo(201-len(got), 200)) {
			t.Errorf("kept: %v", got)
		}
		s.Close()
	})
}

// TestKeptEventsStayDuringAReplay that lasts longer than they are kept.
func TestKeptEventsStayDuringAReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openKeeping(t, newMemDisk(), 1<<20, time.Minute)
		for n := 1; n <= 50; n++ {
			add(t, s, events(n, n, 1000))
		}
		if err := s.Free(s.ID(), 50); err != nil {
			t.Fatal(err)
		}
		r, err := s.NewReplay(s.ID(), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if got := numbers(replayed(t, r)); !slices.Equal(got, upTo(1, 50)) {
			t.Errorf("%v", got)
		}
		r.Close()
		if st := s.Stats(); st.KeptBytes > 0 {
			t.Errorf("%+v", st)
		}
		s.Close()
	})
}

// TestReplaySince chooses by the time of reading, whatever order that has.
func TestReplaySince(t *testing.T) {
	s := openKeeping(t, newMemDisk(), 1<<20, time.Hour)
	defer s.Close()
	var want []int
	start := time.Unix(1_700_000_000, 500)
	for n := 1; n <= 60; n++ {
		list := events(n, n, 500)
		after := n*7%60 - 20
		list[0].ReadTime = timestamppb.New(start.Add(time.Duration(after) * time.Second))
		if after >= 0 && n <= 50 {
			want = append(want, n)
		}
		add(t, s, list)
	}
	if err := s.Free(s.ID(), 50); err != nil {
		t.Fatal(err)
	}
	if got := numbers(replay(t, s, start)); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	r, err := s.NewReplay(s.ID(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := s.Renew("a test"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(1, 1); !errors.Is(err, ErrRenewed) {
		t.Errorf("of a spool with a new id: %v", err)
	}
	if list := replay(t, s, time.Time{}); len(list) > 0 {
		t.Errorf("%d events without a sequence", len(list))
	}
}

// TestDamagedKeptEvents are passed over and counted.
func TestDamagedKeptEvents(t *testing.T) {
	disk := newMemDisk()
	s := openKeeping(t, disk, 1<<20, time.Hour)
	defer s.Close()
	for n := 1; n <= 30; n++ {
		add(t, s, events(n, n, 1000))
	}
	if err := s.Free(s.ID(), 30); err != nil {
		t.Fatal(err)
	}
	names := disk.names(".seg")
	data := disk.files[names[2]].data
	data[len(data)/2] ^= 1
	delete(disk.files, names[4])
	r, err := s.NewReplay(s.ID(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	list := replayed(t, r)
	if missing, why := r.Missing(); missing == 0 || int(missing)+len(list) != 30 || why == nil {
		t.Errorf("%d came, %d missing: %v", len(list), missing, why)
	}
	conserved(t, s)
}

// TestOffer: an input that cannot wait is told at once, and a report about the spool is taken when it is full for others.
func TestOffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newMemDisk()
		s := openKeeping(t, disk, 64<<10, 0)
		n := 0
		for {
			n++
			err := s.Offer(t.Context(), events(n, n, 1000), at(n))
			if errors.Is(err, ErrFull) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if n < 40 || !s.Stats().Full {
			t.Errorf("full at %d, %+v", n, s.Stats())
		}
		waiting := make(chan error, 1)
		go func() { waiting <- s.Append(t.Context(), events(n+1, n+1, 1000)) }()
		synctest.Wait()
		if err := s.Report(t.Context(), events(0, 0, 100)); err != nil {
			t.Fatal(err)
		}
		if err := s.Offer(t.Context(), events(n, n, 1000)); !errors.Is(err, ErrFull) {
			t.Errorf("full: %v", err)
		}
		if got := string(s.Positions("test")["file"]); got != string(at(n-1).Data) {
			t.Errorf("position %s", got)
		}
		if err := s.Free(s.ID(), 10); err != nil {
			t.Fatal(err)
		}
		if err := <-waiting; err != nil {
			t.Fatal(err)
		}
		if got := numbers(drain(t, s)); !slices.Equal(got, append(upTo(11, n-1), 0, n+1)) {
			t.Errorf("%v", got)
		}
		failing := errors.New("it burns")
		disk.fail = func(op, _ string) error {
			if op == "write" {
				return failing
			}
			return nil
		}
		if err := s.Offer(t.Context(), events(n, n, 10)); !errors.Is(err, failing) {
			t.Errorf("a disk that fails: %v", err)
		}
		disk.mu.Lock()
		disk.fail = nil
		disk.mu.Unlock()
		conserved(t, s)
		s.Close()
	})
}

// TestDiscard gives up what has waited too long; who reads it is told.
func TestDiscard(t *testing.T) {
	disk := newMemDisk()
	s := openKeeping(t, disk, 1<<20, 0)
	start := time.Unix(1_700_000_000, 0)
	for n := 1; n <= 30; n++ {
		list := events(n, n, 500)
		list[0].ReadTime = timestamppb.New(start.Add(time.Duration(n) * time.Second))
		add(t, s, list)
	}
	if oldest, ok := s.Oldest(); !ok || !oldest.Equal(start.Add(time.Second)) {
		t.Errorf("oldest %v %v", oldest, ok)
	}
	r, err := s.NewReader(s.ID(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, found, err := s.Aged(t.Context(), start, nil); found || err != nil {
		t.Errorf("%v %v", found, err)
	}
	aged, found, err := s.Aged(t.Context(), start.Add(13*time.Second), func(ev *armorv1.Event) bool { return string(ev.SourceId) == "source 5" })
	if err != nil || !found || aged.First != 1 || aged.Last != 12 || aged.Events != 11 || len(aged.Own) != 1 || !aged.LastTime.Equal(start.Add(12*time.Second)) || aged.FirstLocation != "/var/log/x" {
		t.Fatalf("%+v %v %v", aged, found, err)
	}
	if err := s.Discard(aged.SpoolID, aged.Last); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(t.Context(), 10, 1000); !errors.Is(err, ErrDiscarded) {
		t.Errorf("the reader: %v", err)
	}
	conserved(t, s)
	if st := s.Stats(); st.Discarded != 12 || st.Receipted != 0 {
		t.Errorf("%+v", st)
	}
	again := openKeeping(t, disk.kill(), 1<<20, 0)
	defer again.Close()
	for _, s := range []*Spool{s, again} {
		if got := numbers(drain(t, s)); !slices.Equal(got, upTo(13, 30)) {
			t.Errorf("%v", got)
		}
	}
	if err := s.Free(s.ID(), 30); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Oldest(); ok {
		t.Error("an oldest event of an empty spool")
	}
	s.Close()
}

// TestGapsAreToldOnce: they are kept until somebody says that they are known.
func TestGapsAreToldOnce(t *testing.T) {
	disk, id, _, _ := damagedSpool(t)
	middle := disk.files[disk.names(".seg")[1]].data
	middle[len(middle)/2] ^= 1
	s, rec := open(t, disk, 1<<20, 16<<10)
	for range 2 {
		gaps := s.Untold()
		if len(gaps) != 1 || gaps[0].SpoolID != id || gaps[0].First != rec.Gaps[0].First || gaps[0].Last != rec.Gaps[0].Last || gaps[0].Running {
			t.Fatalf("%+v, found %+v", gaps, rec.Gaps)
		}
		disk = disk.kill()
		s, _ = open(t, disk, 1<<20, 16<<10)
	}
	names := disk.names(".seg")
	data := disk.files[names[len(names)-1]].data
	data[len(data)/2] ^= 4
	r, _ := s.NewReader(s.ID(), 0)
	for {
		if _, err := r.Next(context.Background(), 100, 1<<20); errors.Is(err, ErrRenewed) {
			break
		}
	}
	gaps := s.Untold()
	if len(gaps) != 2 || !gaps[1].Running || gaps[1].Last < gaps[1].First {
		t.Fatalf("%+v", gaps)
	}
	if err := s.Told(1); err != nil {
		t.Fatal(err)
	}
	lost := gaps[0].Last - gaps[0].First + 1 + gaps[1].Last - gaps[1].First + 1
	again, _ := open(t, disk.kill(), 1<<20, 16<<10)
	if left := again.Untold(); len(left) != 1 || !left[0].Found.Equal(gaps[1].Found) || again.Stats().LostEver != lost {
		t.Errorf("%+v, %+v", left, again.Stats())
	}
	conserved(t, s)
}
