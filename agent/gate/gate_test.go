package gate

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/agent/notice"
	"armor/agent/spool"
	"armor/agent/spool/spooltest"
	armorv1 "armor/proto/armor/v1"
)

type rig struct {
	t     *testing.T
	dir   string
	spool *spool.Spool
	gate  *Gate
	board *notice.Board
	n     int
}

func newRig(t *testing.T, drop bool) *rig {
	r := &rig{t: t, dir: t.TempDir()}
	r.open(drop)
	return r
}

// open is also a restart.
func (r *rig) open(drop bool) {
	r.t.Helper()
	if r.spool != nil {
		if err := r.spool.Close(); err != nil {
			r.t.Fatal(err)
		}
	}
	s, _, err := spool.Open(spool.Options{Dir: r.dir, MaxBytes: 64 << 10, SegmentBytes: 8 << 10})
	if err != nil {
		r.t.Fatal(err)
	}
	r.spool = s
	r.gate = New(Config{Name: "lf", Type: "logfile", Path: "/x", Drop: drop, NoteLast: true}, s, slog.New(slog.DiscardHandler))
	r.board = notice.NewBoard(&notice.Agent{ID: "a1", Name: "web"}, s)
}

// add gives the gate an event of 1,000 bytes, and the position after it.
func (r *rig) add(ctx context.Context) error {
	r.n++
	ev := &armorv1.Event{SourceId: fmt.Append(nil, r.n), Location: "/x/a.log", ReadTime: timestamppb.Now(), Body: fmt.Appendf(nil, "%d %s", r.n, strings.Repeat("x", 1000))}
	return r.gate.Append(ctx, []*armorv1.Event{ev}, spool.Position{Input: "lf", Key: "a.log", Data: fmt.Append(nil, r.n)})
}

func (r *rig) position() string { return string(r.gate.Positions("lf")["a.log"]) }

// fill adds until the spool has taken all that it can, and some more; it returns the number of the last event that was taken.
func (r *rig) fill() (taken int) {
	r.t.Helper()
	for r.gate.Dropped()[Full] < 5 {
		if err := r.add(r.t.Context()); err != nil {
			r.t.Fatal(err)
		}
	}
	return r.n - 5
}

// told takes what the spool holds: the losses that are told, and the numbers of the other events.
func (r *rig) drain() (losses []Loss, numbers []string) {
	r.t.Helper()
	for _, ev := range spooltest.Drain(r.t, r.spool) {
		if ev.GetLocation() != notice.Location {
			number, _, _ := strings.Cut(string(ev.GetBody()), " ")
			numbers = append(numbers, number)
			continue
		}
		var told struct{ Armor Loss }
		if err := json.Unmarshal(ev.GetBody(), &told); err != nil {
			r.t.Fatal(err)
		}
		losses = append(losses, told.Armor)
	}
	return losses, numbers
}

func TestDrops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, true)
		taken := r.fill()
		if r.position() != fmt.Sprint(taken) {
			t.Errorf("position %s with %d taken", r.position(), taken)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.add(ctx); err == nil {
			t.Error("taken after the end")
		}
		r.n--         // it is read again
		for range 3 { // at most one a minute
			if err := r.gate.Tell(t.Context(), r.board, false); err != nil {
				t.Fatal(err)
			}
			if err := r.add(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if r.position() != fmt.Sprint(taken+5) {
			t.Errorf("position %s after the loss was told", r.position())
		}
		losses, numbers := r.drain()
		if len(losses) != 1 || losses[0].Events != 5 || len(numbers) != taken || losses[0].First.Location != "/x/a.log" || losses[0].Last.Time.IsZero() {
			t.Fatalf("%+v, %d events", losses, len(numbers))
		}
		// Three more are dropped and not told. With the next event that is taken, that is known for good.
		if err := r.add(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.open(true)
		if r.position() != fmt.Sprint(r.n) {
			t.Errorf("position %s of %d", r.position(), r.n)
		}
		for range 2 {
			if err := r.gate.Tell(t.Context(), r.board, true); err != nil {
				t.Fatal(err)
			}
		}
		losses, numbers = r.drain()
		if len(losses) != 1 || losses[0].Events != 3 || !slices.Equal(numbers, []string{fmt.Sprint(r.n)}) {
			t.Errorf("after a restart: %+v, %q", losses, numbers)
		}
		r.open(true)
		if err := r.gate.Tell(t.Context(), r.board, true); err != nil {
			t.Fatal(err)
		}
		if losses, _ := r.drain(); len(losses) > 0 {
			t.Errorf("told again: %+v", losses)
		}
		r.spool.Close()
	})
}

// TestKilledWhileDropping: neither the loss nor how far the input is has become known, so that the input reads the same again.
func TestKilledWhileDropping(t *testing.T) {
	r := newRig(t, true)
	taken := r.fill()
	r.open(true)
	if r.position() != fmt.Sprint(taken) {
		t.Errorf("position %s with %d taken", r.position(), taken)
	}
	if err := r.gate.Tell(t.Context(), r.board, true); err != nil {
		t.Fatal(err)
	}
	if losses, numbers := r.drain(); len(losses) > 0 || len(numbers) != taken {
		t.Errorf("%+v, %d events", losses, len(numbers))
	}
	r.spool.Close()
}

// TestWaits: an input that does not drop waits for room, and when it gave an event last is known after a restart.
func TestWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, false)
		done := make(chan error, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		began := time.Now()
		go func() {
			var err error
			for err == nil {
				err = r.add(ctx)
			}
			done <- err
		}()
		if err := <-done; time.Since(began) < time.Hour || len(r.gate.Dropped()) > 0 {
			t.Errorf("%v after %v, dropped %v", err, time.Since(began), r.gate.Dropped())
		}
		here, _ := r.gate.Last()
		r.open(false)
		if now, before := r.gate.Last(); !now.IsZero() || before.IsZero() || here.Sub(before) > noteEvery {
			t.Errorf("last %v, before the restart %v", here, before)
		}
		r.spool.Close()
	})
}
