package uplink

import (
	"os"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	armorv1 "armor/proto/armor/v1"
)

// held counts what a leak would hold: goroutines and open files; the second is 0 where the system does not tell.
func held(t *testing.T) (goroutines, files int) {
	t.Helper()
	synctest.Wait()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Logf("open files are not counted: %v", err)
	}
	return runtime.NumGoroutine(), len(entries)
}

// TestManySessionsStayFlat: sessions that end in every way, with replays on their way, leave no goroutine and no file behind.
func TestManySessionsStayFlat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2000, func(r *rig) {
			r.up.cfg.Report = func() *armorv1.AgentReport { return &armorv1.AgentReport{} }
		})
		var goroutines, files int
		for n := range 200 {
			r.add(100*n+1, 100*n+100)
			time.Sleep(time.Minute)
			if n == 20 {
				goroutines, files = held(t)
			}
			r.m.say <- order("x")
			switch n % 3 {
			case 0:
				_ = r.latest().Close()
			case 1:
				time.Sleep(time.Millisecond)
				_ = r.latest().Close()
			default:
				if err := r.spool.Renew("a test"); err != nil {
					t.Fatal(err)
				}
				r.m.mu.Lock()
				clear(r.m.seen)
				r.m.mu.Unlock()
			}
		}
		time.Sleep(time.Minute)
		nowGoroutines, nowFiles := held(t)
		if nowGoroutines > goroutines+3 || nowFiles > files+3 {
			t.Errorf("after 200 sessions %d goroutines and %d open files, after 20 %d and %d", nowGoroutines, nowFiles, goroutines, files)
		}
		if st := r.up.Status(); st.Sessions < 150 || st.Violations > 0 {
			t.Errorf("%+v", st)
		}
	})
}
