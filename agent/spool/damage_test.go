package spool

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// damagedSpool has several segments; the last one is of about 16 KiB. Events up to 20 have their receipt.
func damagedSpool(t testing.TB) (disk *memDisk, id, last string, inLast int) {
	t.Helper()
	disk = newMemDisk()
	s, _ := open(t, disk, 1<<20, 16<<10)
	total := 0
	for len(disk.names(".seg")) < 4 || len(disk.files[disk.names(".seg")[3]].data) < 14<<10 {
		add(t, s, events(total+1, total+5, 700), at(total+5))
		total += 5
	}
	if err := s.Free(s.ID(), 20); err != nil {
		t.Fatal(err)
	}
	names := disk.names(".seg")
	last = names[len(names)-1]
	return disk, s.ID(), last, int(s.segments[len(s.segments)-1].count)
}

// checkDamaged opens a disk whose last segment is damaged: it must give a run of events from 21 on, with all those of the other
// segments, report what is missing, and go on without ever giving a number twice.
func checkDamaged(t testing.TB, disk *memDisk, id string, total, inLast int, twice bool) (lost uint64) {
	t.Helper()
	s, rec := open(t, disk, 1<<20, 16<<10)
	defer s.Close()
	got := numbers(drain(t, s))
	if len(got) < total-inLast-20 || !slices.Equal(got, upTo(21, 20+len(got))) {
		t.Fatalf("got %d events %v", len(got), got)
	}
	for _, gap := range rec.Gaps {
		lost += gap.Last - gap.First + 1
		if gap.Reason == "" || gap.SpoolID != id {
			t.Fatalf("gap %+v", gap)
		}
	}
	if lost != uint64(total-20-len(got)) {
		t.Fatalf("%d events, %d reported as lost, of %d", len(got), lost, total-20)
	}
	if lost > 0 == (s.ID() == id) {
		t.Fatalf("%d lost, id was %s, is %s", lost, id, s.ID())
	}
	add(t, s, events(1000, 1001, 10), at(1001))
	list := drain(t, s)
	if n := list[len(list)-1].Sequence; s.ID() == id && n != uint64(total+2) || s.ID() != id && n != uint64(len(list)) {
		t.Fatalf("sequence %d", n)
	}
	conserved(t, s)
	if !twice {
		return lost
	}
	// Once reported, it is known: the next start finds the same events and says nothing.
	again, rec2 := open(t, disk.kill(), 1<<20, 16<<10)
	defer again.Close()
	if len(rec2.Gaps) > 0 || rec2.Renewed != "" || again.ID() != s.ID() {
		t.Fatalf("second start: %+v", rec2)
	}
	if got2 := numbers(drain(t, again)); !slices.Equal(got2, append(got, 1000, 1001)) {
		t.Fatalf("second start: %v", got2)
	}
	// The damaged file is kept once its good part is finished.
	if lost > 0 && again.Stats().Lost == 0 {
		if err := again.Free(again.ID(), uint64(len(got)+2)); err != nil {
			t.Fatal(err)
		}
		if names := strings.Join(again.fs.(*memDisk).names(""), " "); !strings.Contains(names, "damaged/") && strings.Contains(rec.Gaps[0].Reason, "damaged") {
			t.Fatalf("nothing kept: %s", names)
		}
	}
	return lost
}

func TestTruncatedAtEveryByte(t *testing.T) {
	disk, id, last, inLast := damagedSpool(t)
	t.Parallel()
	total := totalOf(t, disk)
	size := len(disk.files[last].data)
	for cut := range size {
		d := disk.kill()
		d.files[last].data = d.files[last].data[:cut]
		if lost := checkDamaged(t, d, id, total, inLast, cut%16 == 0); lost == 0 && cut < size-100 {
			t.Fatalf("cut at %d: nothing reported", cut)
		}
	}
}

func TestEveryBitFlipped(t *testing.T) {
	disk, id, last, inLast := damagedSpool(t)
	t.Parallel()
	total := totalOf(t, disk)
	size := len(disk.files[last].data)
	step := 1
	if os.Getenv("ARMOR_TORTURE") == "" {
		step = 37 // bits of every fifth byte; all of them in the long run
	}
	for bit := 0; bit < size*8; bit += step {
		d := disk.kill()
		d.files[last].data[bit/8] ^= 1 << (bit % 8)
		checkDamaged(t, d, id, total, inLast, bit%3 == 0)
	}
}

func totalOf(t testing.TB, disk *memDisk) int {
	t.Helper()
	s, _ := open(t, disk.kill(), 1<<20, 16<<10)
	defer s.Close()
	_, _, last := s.Bounds()
	return int(last)
}

func TestDamageInTheMiddle(t *testing.T) {
	disk, id, _, _ := damagedSpool(t)
	total := totalOf(t, disk)
	names := disk.names(".seg")
	middle := disk.files[names[1]].data
	middle[len(middle)/2] ^= 1
	s, rec := open(t, disk, 1<<20, 16<<10)
	if len(rec.Gaps) != 1 || rec.Renewed == "" || s.ID() == id {
		t.Fatalf("%+v", rec)
	}
	got := numbers(drain(t, s))
	gap := rec.Gaps[0]
	want := append(upTo(21, int(gap.First)-1), upTo(int(gap.Last)+1, total)...)
	if !slices.Equal(got, want) {
		t.Errorf("got %v with gap %+v", got, gap)
	}
	conserved(t, s)
}

func TestDamageFoundWhileReading(t *testing.T) {
	disk, id, _, _ := damagedSpool(t)
	s, _ := open(t, disk, 1<<20, 16<<10)
	id0 := id
	_, _, total := s.Bounds()
	for range 2 { // a finished segment, then the one that is written to
		names := disk.names(".seg")
		data := disk.files[names[len(names)-2]].data
		if s.ID() != id0 {
			data = disk.files[names[len(names)-1]].data
		}
		data[len(data)/2] ^= 4
		r, _ := s.NewReader(s.ID(), 0)
		var err error
		for err == nil {
			_, err = r.Next(t.Context(), 100, 1<<20)
		}
		if !errors.Is(err, ErrRenewed) || s.ID() == id {
			t.Fatalf("error %v, id %s", err, s.ID())
		}
		id = s.ID()
	}
	st := s.Stats()
	add(t, s, events(1000, 1000, 10))
	got := numbers(drain(t, s))
	if st.Lost == 0 || len(got) != int(total)-20-int(st.Lost)+1 || got[len(got)-1] != 1000 {
		t.Errorf("%d lost, got %v", st.Lost, got)
	}
	conserved(t, s)
	again, rec := open(t, disk.kill(), 1<<20, 16<<10)
	if got2 := numbers(drain(t, again)); !slices.Equal(got, got2) || rec.Renewed != "" {
		t.Errorf("after a restart: %v, %+v", got2, rec)
	}
}

func TestOtherFilesDamaged(t *testing.T) {
	for _, name := range []string{"identity", "marks", "positions.log"} {
		for _, damage := range []string{"removed", "emptied", "random"} {
			disk, _, _, _ := damagedSpool(t)
			total := totalOf(t, disk)
			file := dir + "/" + name
			switch damage {
			case "removed":
				delete(disk.files, file)
			case "emptied":
				disk.files[file].data = nil
			case "random":
				for i := range disk.files[file].data {
					disk.files[file].data[i] = byte(rand.Uint32())
				}
			}
			s, rec := open(t, disk, 1<<20, 16<<10)
			got := numbers(drain(t, s))
			if !slices.Equal(got, upTo(21, total)) && !slices.Equal(got, upTo(1, total)) {
				t.Errorf("%s %s: got %v", name, damage, got)
			}
			if name != "positions.log" && rec.Renewed == "" {
				t.Errorf("%s %s: %+v", name, damage, rec)
			}
			if got := string(s.Positions("test")["file"]); got != string(at(total).Data) {
				t.Errorf("%s %s: position %q", name, damage, got)
			}
			conserved(t, s)
		}
	}
}

// TestRenew is for a spool that was put back from a copy: the manager knows sequences that it never gave out.
func TestRenew(t *testing.T) {
	disk, id, _, _ := damagedSpool(t)
	s, _ := open(t, disk, 1<<20, 16<<10)
	r, _ := s.NewReader(id, 0)
	if err := s.Renew("the manager has finished sequence 99999"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(t.Context(), 1, 1); !errors.Is(err, ErrRenewed) {
		t.Errorf("old reader: %v", err)
	}
	list := drain(t, s)
	if list[0].Sequence != 1 || numbers(list)[0] != 21 || s.ID() == id {
		t.Errorf("first sequence %d of event %d", list[0].Sequence, numbers(list)[0])
	}
	conserved(t, s)
}

// TestDiskFails makes each kind of operation fail, with and without an end; the writer waits, says why, and goes on by itself.
func TestDiskFails(t *testing.T) {
	for _, op := range []string{"write", "sync", "open", "syncdir", "truncate+write", "remove", "rename"} {
		for _, errno := range []error{syscall.ENOSPC, syscall.EIO} {
			t.Run(op+"/"+errno.Error(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					disk := newMemDisk()
					s, _ := open(t, disk, 1<<20, 4<<10)
					add(t, s, events(1, 7, 500), at(7))
					broken := true
					disk.fail = func(got, _ string) error {
						if broken && strings.Contains("+"+op+"+", "+"+got+"+") {
							return errno
						}
						return nil
					}
					done := make(chan error)
					go func() {
						var err error
						for n := 8; n <= 20 && err == nil; n++ {
							err = s.Append(context.Background(), events(n, n, 500), at(n))
							if err == nil {
								err = s.Free(s.ID(), uint64(n-5))
							}
						}
						done <- err
					}()
					time.Sleep(time.Minute)
					if st := s.Stats(); op != "rename" && !errors.Is(st.Failure, errno) {
						t.Errorf("failure %v", st.Failure)
					}
					disk.mu.Lock()
					broken = false
					disk.mu.Unlock()
					if err := <-done; err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Minute)
					if st := s.Stats(); st.Failure != nil {
						t.Errorf("still failing: %v", st.Failure)
					}
					for _, s := range []*Spool{s, reopen(t, disk.kill()), reopen(t, disk.powerLoss())} {
						got := numbers(drain(t, s))
						if got[len(got)-1] != 20 || !slices.Equal(got, upTo(got[0], 20)) || got[0] > 16 {
							t.Errorf("got %v", got)
						}
						if string(s.Positions("test")["file"]) != "20" {
							t.Errorf("position %q", s.Positions("test"))
						}
						conserved(t, s)
						s.Close()
					}
				})
			})
		}
	}
}

func reopen(t testing.TB, disk *memDisk) *Spool {
	t.Helper()
	s, rec := open(t, disk, 1<<20, 4<<10)
	if len(rec.Gaps) > 0 || rec.Renewed != "" {
		t.Errorf("%+v", rec)
	}
	return s
}

// FuzzSegment opens spools whose last segment holds arbitrary bytes. Whatever they are, the events before them are there.
// Run it with -fuzzminimizetime 1x: what a spool does differs a little from run to run, which keeps the minimiser busy.
func FuzzSegment(f *testing.F) {
	disk, _, last, _ := damagedSpool(f)
	whole := disk.files[last].data
	f.Add(whole)
	f.Add(whole[:100])
	f.Add([]byte(segmentMagic))
	f.Add(bytes.Repeat([]byte{0}, 500))
	f.Fuzz(func(t *testing.T, data []byte) {
		d := disk.kill()
		d.files[last].data = data
		s, _ := open(t, d, 1<<20, 16<<10)
		defer s.Close()
		got := numbers(drain(t, s))
		if len(got) == 0 || got[0] != 21 {
			t.Fatalf("got %v", got)
		}
		add(t, s, events(1, 1, 10))
		conserved(t, s)
	})
}
