package spool

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestNthCallFails makes one call of the disk after the other fail, once, and then all from it on for a minute. The spool goes on by
// itself, and what it accepted is there once, whatever happened.
func TestNthCallFails(t *testing.T) {
	for _, errno := range []error{syscall.EIO, syscall.ENOSPC} {
		for _, lasting := range []bool{false, true} {
			t.Run(fmt.Sprint(errno, ", lasting ", lasting), func(t *testing.T) {
				for nth, reached := 1, true; reached; nth++ {
					synctest.Test(t, func(t *testing.T) { reached = failNth(t, nth, errno, lasting) })
				}
			})
		}
	}
}

func failNth(t *testing.T, nth int, errno error, lasting bool) (reached bool) {
	disk := newMemDisk()
	s, _, err := Open(Options{Dir: dir, MaxBytes: 1 << 20, SegmentBytes: 4 << 10, FS: disk, Keep: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	var healed time.Time
	disk.fail = func(string, string) error {
		calls++
		switch {
		case calls == nth:
			healed = time.Now().Add(time.Minute)
			return errno
		case calls > nth && lasting && time.Now().Before(healed):
			return errno
		}
		return nil
	}
	for n := 1; n <= 24; n += 2 {
		add(t, s, events(n, n+1, 700), at(n+1))
		if n > 8 {
			if err := s.Free(s.ID(), uint64(n-8)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
	}
	time.Sleep(2 * time.Minute)
	disk.mu.Lock()
	disk.fail = nil
	disk.mu.Unlock()
	if st := s.Stats(); st.Failure != nil || st.Spooled != 24-15 {
		t.Fatalf("call %d: %+v", nth, st)
	}
	for _, s := range []*Spool{s, reopen(t, disk.kill()), reopen(t, disk.powerLoss())} {
		got := numbers(drain(t, s))
		if !slices.Equal(got, upTo(got[0], 24)) || got[0] > 16 || string(s.Positions("test")["file"]) != "24" {
			t.Fatalf("call %d: got %v, position %q", nth, got, s.Positions("test"))
		}
		conserved(t, s)
		_ = s.Close()
	}
	return calls >= nth
}
