package spool

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	armorv1 "armor/proto/armor/v1"
)

// TestKilledAtEveryOperation stops the world at each operation of the disk in turn, by the death of the process and by a loss of
// power. What Append had accepted is there, once, in order; positions and events agree.
func TestKilledAtEveryOperation(t *testing.T) {
	for _, keep := range []time.Duration{0, time.Hour} {
		for limit, finished := 1, false; !finished; limit++ {
			synctest.Test(t, func(t *testing.T) { finished = stopAt(t, limit, keep) })
		}
	}
}

// stopAt writes until the disk has done limit operations, and checks what is on it. It returns true if all was written before.
func stopAt(t *testing.T, limit int, keep time.Duration) (finished bool) {
	disk := newMemDisk()
	ops := 0
	disk.fail = func(string, string) error {
		if ops++; ops >= limit {
			return errors.New("stopped")
		}
		return nil
	}
	accepted, receipted := 0, 0
	s, _, err := Open(Options{Dir: dir, MaxBytes: 1 << 20, SegmentBytes: 4 << 10, FS: disk, Keep: keep})
	if err == nil {
		for n := 1; n <= 30; n += 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			err := s.Append(ctx, events(n, n+2, 400), at(n+2))
			cancel()
			if err != nil {
				break
			}
			accepted = n + 2
			if n > 9 {
				receipted = n - 6
				_ = s.Free(s.ID(), uint64(receipted))
			}
		}
		finished = accepted == 30 && ops < limit
		_ = s.Close()
	}
	disk.fail = nil
	for kind, d := range map[string]*memDisk{"killed": disk.kill(), "power lost": disk.powerLoss()} {
		s, rec := open(t, d, 1<<20, 4<<10)
		if len(rec.Gaps) > 0 {
			t.Fatalf("%s at %d: %+v", kind, limit, rec)
		}
		got := numbers(drain(t, s))
		position, _ := strconv.Atoi(string(s.Positions("test")["file"]))
		wrong := position < accepted
		if len(got) > 0 {
			wrong = wrong || got[0] > receipted+1 || !slices.Equal(got, upTo(got[0], position))
		} else {
			wrong = wrong || receipted != position
		}
		if wrong {
			t.Fatalf("%s at operation %d: accepted %d, receipted %d, position %d, got %v", kind, limit, accepted, receipted, position, got)
		}
		conserved(t, s)
		_ = s.Close()
	}
	return finished
}

// TestSIGKILL kills a process that writes, ten times, and checks what it leaves each time.
func TestSIGKILL(t *testing.T) {
	if dir := os.Getenv("SPOOL_TEST_WRITER"); dir != "" {
		writeUntilKilled(dir)
		return
	}
	dir := t.TempDir()
	next := uint64(1)
	for round := range 10 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSIGKILL$")
		cmd.Env = append(os.Environ(), "SPOOL_TEST_WRITER="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// Every accepted batch prints its last number; the kill comes after some of them.
		var line [8]byte
		var accepted uint64
		for range 5 + rand.IntN(60) {
			if _, err := out.Read(line[:]); err != nil {
				t.Fatal(err)
			}
			accepted = max(accepted, binary.LittleEndian.Uint64(line[:]))
		}
		if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		var rest bytes.Buffer
		_, _ = rest.ReadFrom(out)
		_ = cmd.Wait()
		s, rec, err := Open(Options{Dir: dir, MaxBytes: 64 << 20, SegmentBytes: 64 << 10})
		if err != nil {
			t.Fatal(err)
		}
		if len(rec.Gaps) > 0 || rec.Renewed != "" || len(rec.Warnings) > 0 {
			t.Fatalf("round %d: %+v", round, rec)
		}
		list := drain(t, s)
		for _, ev := range list {
			if n := binary.BigEndian.Uint64(ev.Body); n != next || ev.Sequence != n {
				t.Fatalf("round %d: event %d with sequence %d, want %d", round, n, ev.Sequence, next)
			}
			next++
		}
		if next <= accepted {
			t.Fatalf("round %d: %d accepted, the last is %d", round, accepted, next-1)
		}
		if got := binary.BigEndian.Uint64(s.Positions("writer")["n"]); got != next-1 {
			t.Fatalf("round %d: position %d, last event %d", round, got, next-1)
		}
		if err := s.Free(s.ID(), next-1); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// writeUntilKilled goes on from its position, with several writers at once.
func writeUntilKilled(dir string) {
	s, _, err := Open(Options{Dir: dir, MaxBytes: 64 << 20, SegmentBytes: 64 << 10})
	if err != nil {
		panic(err)
	}
	var n uint64
	if data := s.Positions("writer")["n"]; data != nil {
		n = binary.BigEndian.Uint64(data)
	}
	for {
		var list []*armorv1.Event
		for range rand.IntN(50) {
			n++
			list = append(list, &armorv1.Event{Body: append(binary.BigEndian.AppendUint64(nil, n), make([]byte, rand.IntN(500))...)})
		}
		if err := s.Append(context.Background(), list, Position{"writer", "n", binary.BigEndian.AppendUint64(nil, n)}); err != nil {
			panic(err)
		}
		if _, err := os.Stdout.Write(binary.LittleEndian.AppendUint64(nil, n)); err != nil {
			return
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{100, 1000} {
		b.Run(fmt.Sprintf("batches of 1000, %d bytes", size), func(b *testing.B) {
			s, _, err := Open(Options{Dir: b.TempDir(), MaxBytes: 8 << 30})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			list := events(1, 1000, size)
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Append(b.Context(), list); err != nil {
					b.Fatal(err)
				}
				_, _, last := s.Bounds()
				_ = s.Free(s.ID(), last)
			}
			b.ReportMetric(float64(1000*b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkThrough writes with several writers and reads what they write.
func BenchmarkThrough(b *testing.B) {
	s, _, err := Open(Options{Dir: b.TempDir(), MaxBytes: 1 << 30})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	var left atomic.Int64
	left.Store(int64(b.N))
	for range 4 {
		go func() {
			list := events(1, 1000, 1000)
			for left.Add(-1) >= 0 {
				if err := s.Append(b.Context(), list); err != nil {
					b.Error(err)
				}
			}
		}()
	}
	r, err := s.NewReader(s.ID(), 0)
	if err != nil {
		b.Fatal(err)
	}
	for read := 0; read < 1000*b.N; {
		batch, err := r.Next(b.Context(), 1000, 2<<20)
		if err != nil {
			b.Fatal(err)
		}
		read += batch.Len()
		_ = s.Free(s.ID(), batch.Last)
	}
	b.ReportMetric(float64(1000*b.N)/b.Elapsed().Seconds(), "events/s")
}
