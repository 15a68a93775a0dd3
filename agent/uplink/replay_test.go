package uplink

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	armorv1 "armor/proto/armor/v1"
)

func order(id string) *armorv1.StreamResponse {
	return &armorv1.StreamResponse{Message: &armorv1.StreamResponse_Replay{Replay: &armorv1.ReplayOrder{Id: id}}}
}

// sequences from first to last.
func sequences(first, last uint64) (list []uint64) {
	for n := first; n <= last; n++ {
		list = append(list, n)
	}
	return list
}

// TestReplay: what is finished is sent again on order, under its old sequences, while new events go on.
func TestReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		held := false
		r := newRig(t, 5000, func(r *rig) {
			r.m.act = func(m *manager, id string, last uint64) (uint64, error) {
				if held {
					return 0, nil
				}
				m.finished[id] = last
				return last, nil
			}
		})
		time.Sleep(time.Second)
		r.m.say <- order("none")
		time.Sleep(time.Second)
		r.add(1, 20_000)
		time.Sleep(time.Minute)
		r.m.mu.Lock()
		held = true
		r.m.mu.Unlock()
		r.add(20_001, 40_000)
		time.Sleep(time.Minute)
		r.m.mu.Lock()
		held = false
		r.m.mu.Unlock()
		r.m.say <- order("first")
		r.m.say <- &armorv1.StreamResponse{Message: &armorv1.StreamResponse_Receipt{Receipt: &armorv1.Receipt{Sequence: 24_000}}}
		time.Sleep(time.Minute)
		r.complete(40_000)
		r.m.mu.Lock()
		defer r.m.mu.Unlock()
		n := uint64(len(r.m.replayed)) // the receipt was there before the order was carried out, or was not
		if !slices.Equal(r.m.replayed, sequences(1, n)) || n < 20_000 || n > 24_000 {
			t.Errorf("%d replayed", len(r.m.replayed))
		}
		first, last := r.m.progress[0], r.m.progress[len(r.m.progress)-1]
		if first.GetId() != "none" || first.GetTotal() != 0 || first.GetDone() || !r.m.progress[1].GetDone() || r.m.progress[1].GetError() != "" {
			t.Errorf("of nothing: %v", r.m.progress[:2])
		}
		if last.GetId() != "first" || !last.GetDone() || last.GetSent() != n || last.GetTotal() != n || last.GetError() != "" {
			t.Errorf("at its end: %v", last)
		}
		if r.m.between == 0 {
			t.Error("new events waited for the replay")
		}
		if st := r.up.Status(); st.Sent != 40_000 || st.Replayed != n || st.Violations != 0 {
			t.Errorf("%+v", st)
		}
	})
}

// TestReplayEnds with its session, and begins anew only on a new order; a spool with a new id cannot replay what is of the old one.
func TestReplayEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 5000, nil)
		r.add(1, 10_000)
		time.Sleep(time.Minute)
		r.m.say <- order("cut")
		_ = r.latest().Close()
		time.Sleep(time.Minute)
		r.m.mu.Lock()
		for _, p := range r.m.progress {
			if p.GetDone() {
				t.Errorf("ended: %v", p)
			}
		}
		r.m.progress, r.m.replayed = nil, nil
		r.m.mu.Unlock()
		time.Sleep(time.Minute)
		r.m.mu.Lock()
		if len(r.m.replayed) > 0 {
			t.Error("it went on without an order")
		}
		r.m.mu.Unlock()
		since := &armorv1.ReplayOrder{Id: "since", Since: timestamppb.New(time.Now())}
		r.m.say <- &armorv1.StreamResponse{Message: &armorv1.StreamResponse_Replay{Replay: since}}
		r.m.say <- order("again")
		time.Sleep(time.Minute)
		r.m.mu.Lock()
		last := r.m.progress[len(r.m.progress)-1]
		if !slices.Equal(r.m.replayed, sequences(1, 10_000)) || last.GetId() != "again" || !last.GetDone() || r.m.progress[0].GetId() != "since" {
			t.Errorf("%d replayed, %v", len(r.m.replayed), r.m.progress)
		}
		r.m.progress, r.m.replayed = nil, nil
		r.m.mu.Unlock()
		if err := r.spool.Renew("a test"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		r.m.say <- order("renewed")
		time.Sleep(time.Second)
		r.m.mu.Lock()
		defer r.m.mu.Unlock()
		if last := r.m.progress[len(r.m.progress)-1]; !last.GetDone() || last.GetTotal() != 0 || len(r.m.replayed) > 0 {
			t.Errorf("after a new id: %v", r.m.progress)
		}
	})
}

// TestReports come after the Welcome, at intervals, and soon after something began, but not more often than once a second.
func TestReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := uint64(0)
		r := newRig(t, 100, func(r *rig) {
			r.up.cfg.Report = func() *armorv1.AgentReport {
				n++
				return &armorv1.AgentReport{SpooledEvents: n}
			}
		})
		begin := time.Now()
		time.Sleep(25 * time.Second)
		for range 10 {
			r.up.News()
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(5 * time.Second)
		r.m.mu.Lock()
		defer r.m.mu.Unlock()
		var at []int
		for i, said := range r.m.said {
			at = append(at, int(said.Sub(begin)/time.Second))
			if r.m.reports[i].GetSpooledEvents() != uint64(i+1) {
				t.Errorf("report %d: %v", i, r.m.reports[i])
			}
		}
		if want := []int{0, 10, 20, 25, 26}; !slices.Equal(at, want) {
			t.Errorf("reports at %v s, want %v", at, want)
		}
	})
}

// TestWindowChanges by a receipt: it opens for an agent that waits, and closes.
func TestWindowChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 100, func(r *rig) {
			r.m.act = func(*manager, string, uint64) (uint64, error) { return 0, nil } // no receipts
		})
		r.add(1, 5000)
		time.Sleep(time.Second)
		ahead := func(want uint64) {
			t.Helper()
			r.m.mu.Lock()
			defer r.m.mu.Unlock()
			if r.m.ahead != want {
				t.Errorf("%d on the way, want %d", r.m.ahead, want)
			}
		}
		ahead(100)
		say := func(sequence uint64, window uint32) {
			r.m.say <- &armorv1.StreamResponse{Message: &armorv1.StreamResponse_Receipt{Receipt: &armorv1.Receipt{Sequence: sequence, Window: window}}}
			time.Sleep(time.Second)
		}
		say(0, 1000)
		ahead(1000)
		say(500, 200) // 500 are still on the way
		ahead(1000)
		say(1000, 0)
		ahead(1200)
		if st := r.up.Status(); st.Violations != 0 || st.Sessions != 1 {
			t.Errorf("%+v", st)
		}
	})
}

// TestDiscardedOnTheWay: what is given up leaves no gap behind that a manager would refuse.
func TestDiscardedOnTheWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away := true
		r := newRig(t, 50, func(r *rig) {
			r.m.act = func(m *manager, id string, last uint64) (uint64, error) {
				if away {
					return 0, status.Error(codes.Unavailable, "away")
				}
				m.finished[id] = last
				return last, nil
			}
			r.m.welcome = func(h *armorv1.Hello) (*armorv1.StreamResponse, error) {
				finished := r.m.finished[h.GetSpoolId()]
				if h.GetFirstSequence() > 0 {
					finished = max(finished, h.GetFirstSequence()-1)
				}
				return &armorv1.StreamResponse{Message: &armorv1.StreamResponse_Welcome{Welcome: &armorv1.Welcome{LastFinishedSequence: finished, Window: 50}}}, nil
			}
		})
		r.add(1, 300)
		time.Sleep(time.Minute)
		if err := r.spool.Discard(r.spool.ID(), 200); err != nil {
			t.Fatal(err)
		}
		r.m.mu.Lock()
		away = false
		clear(r.m.seen)
		for n := range 200 { // so that the ledger's places are right
			r.m.seen[r.spool.ID()] = append(r.m.seen[r.spool.ID()], fmt.Sprint("event ", n+1))
		}
		r.m.mu.Unlock()
		time.Sleep(10 * time.Minute)
		st := r.spool.Stats()
		if st.Spooled != 0 || st.Receipted != 100 || st.Discarded != 200 || r.up.Status().Violations != 0 || strings.Contains(r.log.String(), "level=ERROR") {
			t.Errorf("%+v, %+v\n%s", st, r.up.Status(), r.log.String())
		}
	})
}
