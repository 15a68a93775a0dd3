package logfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"armor/agent/batch"
	"armor/agent/spool"
	"armor/agent/spool/spooltest"
	"armor/agent/timestamp"
	"armor/agent/watch"
	armorv1 "armor/proto/armor/v1"
)

// rig is an input with a real spool behind it.
type rig struct {
	t     *testing.T
	dir   string
	data  string
	spool *spool.Spool
	log   bytes.Buffer
	in    *Input
	stop  func()
	seen  map[string]bool // source ids
	tick  time.Duration
	real  bool // notifications of the file system

	began, offset time.Time // in the test's time and in the clock's
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, dir: t.TempDir(), data: t.TempDir(), seen: map[string]bool{}}
	r.open()
	return r
}

func (r *rig) open() {
	s, rec, err := spool.Open(spool.Options{Dir: r.data})
	if err != nil || len(rec.Gaps) > 0 {
		r.t.Fatal(err, rec)
	}
	r.spool = s
}

func (r *rig) input(cfg Config) *Input {
	cfg.Name, cfg.AgentID = "lf", "a1"
	if !r.real {
		cfg.Watcher = watch.Poll()
	}
	if cfg.Glob == "" {
		cfg.Glob = filepath.Join(r.dir, "*.log")
	}
	return New(cfg, r.spool, slog.New(slog.NewTextHandler(&r.log, nil)))
}

// start runs an input until the function it sets as stop is called.
func (r *rig) start(cfg Config) {
	ctx, cancel := context.WithCancel(context.Background())
	r.in = r.input(cfg)
	done := make(chan error)
	go func() { done <- r.in.Run(ctx) }()
	r.stop = func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			r.t.Error(err)
		}
		r.spool.Close()
		r.open()
	}
}

func (r *rig) once(cfg Config) *Input {
	r.t.Helper()
	cfg.OneShot = true
	in := r.input(cfg)
	if err := in.Run(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	if !in.Idle() {
		r.t.Error("not idle")
	}
	return in
}

// events takes what the spool holds.
func (r *rig) events() []*armorv1.Event {
	r.t.Helper()
	return spooltest.Drain(r.t, r.spool)
}

// lines takes the bodies, and leaves out what has the source id of an event that came before.
func (r *rig) lines() (out []string) {
	r.t.Helper()
	for _, ev := range r.events() {
		if !r.seen[string(ev.SourceId)] {
			out = append(out, string(ev.Body))
		}
		r.seen[string(ev.SourceId)] = true
	}
	return out
}

func (r *rig) path(name string) string { return filepath.Join(r.dir, name) }

func (r *rig) write(name, text string) {
	r.t.Helper()
	f, err := os.OpenFile(r.path(name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		r.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		r.t.Fatal(err)
	}
	r.stamp(name)
}

// stamp gives a file the time of the test, which passes faster than the clock.
func (r *rig) stamp(name string) {
	r.t.Helper()
	r.tick++
	if r.began.IsZero() {
		info, err := os.Stat(r.dir)
		r.must(err)
		r.began, r.offset = time.Now(), info.ModTime()
	}
	now := r.offset.Add(time.Since(r.began) + r.tick)
	r.must(os.Chtimes(r.path(name), now, now))
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// expect waits and checks what came, in order within a file.
func (r *rig) expect(what string, want ...string) {
	r.t.Helper()
	time.Sleep(3 * time.Second)
	if got := r.lines(); !slices.Equal(got, want) {
		r.t.Fatalf("%s: got %q, want %q\n%s", what, got, want, r.log.String())
	}
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", 5<<20)
	exact := strings.Repeat("y", batch.MaxBody)
	r := newRig(t)
	r.write("a.log", "one\r\n\n\r\n  two \nNUL \x00 and \xff\xfe\n"+long+"\n"+exact+"\r\nlast without end")
	in := r.once(Config{})
	list := r.events()
	want := []string{"one", "  two ", "NUL \x00 and \xff\xfe", long[:batch.MaxBody], exact, "last without end"}
	if len(list) != len(want) {
		t.Fatalf("%d events", len(list))
	}
	for i, ev := range list {
		if string(ev.Body) != want[i] || ev.Truncated != (i == 3) || ev.Location != r.path("a.log") || len(ev.SourceId) != 16 {
			t.Errorf("event %d: %.50q, truncated %v, location %s", i, ev.Body, ev.Truncated, ev.Location)
		}
		if ev.Format != armorv1.EventFormat_EVENT_FORMAT_SYSLOG {
			t.Error(ev.Format)
		}
	}
	if st := in.Stats(); st.Lines != 6 || st.Cut != 1 {
		t.Errorf("%+v", st)
	}
	r.once(Config{})
	if got := r.lines(); len(got) > 0 {
		t.Errorf("again: %.100q", got)
	}
}

// TestTimestamp: lines say when they happened; those that do not have the time of reading, and are counted.
func TestTimestamp(t *testing.T) {
	clock, err := timestamp.New(timestamp.Config{Layout: "rfc3339"})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t)
	r.write("a.log", "2024-05-06T07:08:09Z one\ntwo\n"+"2024-05-06T07:08:10Z three\n")
	in := r.once(Config{Timestamp: clock})
	list := r.events()
	for i, want := range []string{"2024-05-06T07:08:09Z", "", "2024-05-06T07:08:10Z"} {
		at, read := list[i].GetTime().AsTime(), list[i].GetReadTime().AsTime()
		if want == "" && !at.Equal(read) || want != "" && (at.Format(time.RFC3339) != want || time.Since(read) > time.Hour) {
			t.Errorf("line %d: %v, read %v", i, at, read)
		}
	}
	if n := in.Stats().Untimed; n != 1 {
		t.Errorf("%d without a time", n)
	}
}

func TestFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.write("a.log", "1\n2\n")
		r.start(Config{})
		r.expect("what is there", "1", "2")
		r.write("a.log", "3\nhal")
		if r.in.Idle() {
			t.Error("idle with an unread line")
		}
		r.expect("a half line is held", "3")
		if !r.in.Idle() {
			t.Error("not idle")
		}
		r.write("a.log", "f\n")
		r.expect("and completed", "half")

		r.write("b.log", "b1\n")
		r.expect("the glob gains a file", "b1")
		r.must(os.Remove(r.path("b.log")))
		r.expect("and loses it")
		r.write("b.log", "b1\n")
		r.expect("a new one under the same name", "b1")

		// Rename, with a writer that still has the old file.
		old, err := os.OpenFile(r.path("a.log"), os.O_APPEND|os.O_WRONLY, 0)
		r.must(err)
		r.must(os.Rename(r.path("a.log"), r.path("a.log.1")))
		_, err = old.WriteString("4\n5 without end")
		r.must(err)
		r.write("a.log", "6\n")
		time.Sleep(10 * time.Second)
		got := r.lines()
		slices.Sort(got)
		if !slices.Equal(got, []string{"4", "5 without end", "6"}) {
			t.Fatalf("rename: %q", got)
		}
		time.Sleep(time.Hour)
		_, err = old.WriteString("late\n")
		r.must(err)
		r.must(old.Close())
		r.expect("written to the old file an hour later", "late")

		// Deleted while it is read.
		doomed, err := os.OpenFile(r.path("b.log"), os.O_APPEND|os.O_WRONLY, 0)
		r.must(err)
		r.must(os.Remove(r.path("b.log")))
		_, err = doomed.WriteString("b2\nb3")
		r.must(err)
		r.must(doomed.Close())
		time.Sleep(10 * time.Second)
		r.expect("deleted", "b2", "b3")
		time.Sleep(10 * time.Minute)
		r.expect("nothing")
		if n := r.in.Stats().Files; n != 2 { // a.log and a.log.1
			t.Errorf("%d files are followed", n)
		}
		r.stop()
	})
}

func TestTruncation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.write("a.log", "first line\nsecond line\n")
		r.start(Config{})
		r.expect("start", "first line", "second line")
		r.must(os.Truncate(r.path("a.log"), 0))
		r.write("a.log", "third\n")
		r.expect("truncated, shorter", "third")
		r.must(os.WriteFile(r.path("a.log"), []byte("first line\nsecond line\n"), 0o600))
		r.expect("truncated, and longer than it was", "first line", "second line")
		r.must(os.WriteFile(r.path("a.log"), []byte("other line\nanother one\n"), 0o600))
		r.expect("truncated, and as long as it was", "other line", "another one")
		r.must(os.WriteFile(r.path("a.log"), nil, 0o600))
		r.expect("emptied")
		r.must(os.WriteFile(r.path("a.log"), []byte("other line\n"), 0o600))
		r.expect("the same line as before is a new one", "other line")
		r.write("a.log", "half a line")
		r.expect("held")
		r.must(os.WriteFile(r.path("a.log"), []byte("x\n"), 0o600))
		r.expect("truncated with a half line", "half a line", "x")
		if n := r.in.Stats().Truncations; n < 5 {
			t.Errorf("%d truncations", n)
		}
		r.stop()
	})
}

// TestCopytruncate: lines written between the last look and the truncation stand in the copy only. It makes no difference whether
// the glob names the copy, whether it is looked at before the truncation, and whether the agent runs meanwhile.
func TestCopytruncate(t *testing.T) {
	for _, glob := range []string{"a.log", "a*"} {
		for _, between := range []time.Duration{0, 3 * time.Second} {
			for _, down := range []bool{false, true} {
				t.Run(fmt.Sprint(glob, between, down), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						r := newRig(t)
						cfg := Config{Glob: r.path(glob)}
						r.write("a.log", "1\n2\n")
						r.start(cfg)
						r.expect("start", "1", "2")
						if down {
							r.stop()
						}
						r.write("a.log", "3\n4\n")
						data, err := os.ReadFile(r.path("a.log"))
						r.must(err)
						r.must(os.WriteFile(r.path("a.log.1"), data, 0o600))
						time.Sleep(between)
						r.must(os.Truncate(r.path("a.log"), 0))
						r.write("a.log", "5\n")
						if down {
							r.start(cfg)
						}
						time.Sleep(20 * time.Second)
						got := r.lines()
						slices.Sort(got)
						if !slices.Equal(got, []string{"3", "4", "5"}) {
							t.Errorf("got %q\n%s", got, r.log.String())
						}
						r.stop()
						r.start(cfg)
						r.expect("nothing new after a restart")
						if !r.in.Idle() {
							t.Error("not idle")
						}
						r.stop()
					})
				})
			}
		}
	}
}

// TestLookalikes: files with the same content are still files of their own.
func TestLookalikes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.write("a.log", "banner\n")
		r.start(Config{})
		r.expect("first", "banner")
		r.write("b.log", "banner\n")
		r.expect("another name", "banner")
		r.write("a.1.log", "banner\n")
		time.Sleep(20 * time.Second)
		r.expect("the name of a copy", "banner")
		r.stop()
	})
}

func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.write("a.log", "1\n2\nhal")
		r.start(Config{})
		r.expect("start", "1", "2")
		r.stop()
		r.write("a.log", "f\n3\n")
		r.start(Config{})
		r.expect("written while nobody looked", "half", "3")
		r.stop()
		r.must(os.Rename(r.path("a.log"), r.path("a.log.1"))) // the glob does not name it
		r.write("a.log.1", "4\n")
		r.write("a.log", "5\n")
		r.start(Config{})
		time.Sleep(3 * time.Second)
		got := r.lines()
		slices.Sort(got)
		if !slices.Equal(got, []string{"4", "5"}) {
			t.Errorf("renamed while nobody looked: %q", got)
		}
		r.stop()
		r.must(os.Remove(r.path("a.log")))
		r.must(os.Remove(r.path("a.log.1")))
		r.write("a.log", "6\n") // as likely as not with an inode of before
		r.start(Config{})
		r.expect("replaced while nobody looked", "6")
		r.stop()
		if n := len(r.spool.Positions("lf")); n != 2 {
			t.Errorf("%d positions", n)
		}
	})
}

func TestStartAtEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.write("a.log", "1\n2\nhal")
		r.start(Config{FromEnd: true})
		r.expect("start")
		r.write("a.log", "f\n3\n")
		r.write("b.log", "4\n")
		r.expect("new lines, and a new file from its beginning", "half", "3", "4")
		r.stop()
		r.write("a.log", "5\n")
		r.write("c.log", "6\n")
		r.start(Config{FromEnd: true})
		r.expect("after a restart", "5", "6")
		r.stop()
	})
}

func TestOneFileTwoNames(t *testing.T) {
	r := newRig(t)
	r.write("a.log", "1\n")
	r.must(os.Symlink(r.path("a.log"), r.path("b.log")))
	r.must(os.Link(r.path("a.log"), r.path("c.log")))
	r.must(os.Mkdir(r.path("d.log"), 0o755))
	r.must(os.WriteFile(r.path("e.log"), []byte("\x1f\x8b\x08 compressed\n"), 0o600))
	r.once(Config{})
	if got := r.lines(); !slices.Equal(got, []string{"1"}) {
		t.Errorf("%q", got)
	}
	if !strings.Contains(r.log.String(), "it is compressed") {
		t.Error("not said")
	}
}

// stopSink ends the world after some batches.
type stopSink struct {
	*spool.Spool
	left int
}

func (s *stopSink) Append(ctx context.Context, events []*armorv1.Event, positions ...spool.Position) error {
	if s.left--; s.left < 0 {
		return errors.New("stopped")
	}
	return s.Spool.Append(ctx, events, positions...)
}

// TestStopped: whatever batch is the last one, the next start goes on behind it.
// What a glob names besides files is left alone, and said once.
func TestNoRegularFile(t *testing.T) {
	r := newRig(t)
	if err := os.Mkdir(filepath.Join(r.dir, "folder.log"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(r.dir, "pipe.log"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.once(Config{})
	for _, name := range []string{"folder.log", "pipe.log"} {
		if n := strings.Count(r.log.String(), name+` reason="it is no regular file"`); n != 1 {
			t.Errorf("%s is told %d times", name, n)
		}
	}
}

func TestStopped(t *testing.T) {
	r := newRig(t)
	var want []string
	var text strings.Builder
	for n := range 30_000 {
		line := fmt.Sprintf("%d %s", n, strings.Repeat("z", rand.IntN(200)))
		want = append(want, line)
		text.WriteString(line + "\n")
	}
	r.write("a.log", text.String())
	for stops := 0; ; stops++ {
		in := New(Config{Name: "lf", AgentID: "a1", Glob: r.path("*.log"), OneShot: true, Watcher: watch.Poll()}, &stopSink{r.spool, rand.IntN(5)}, slog.New(slog.DiscardHandler))
		if in.Run(t.Context()) == nil {
			break
		}
		r.spool.Close()
		r.open()
	}
	var got []string
	for _, ev := range r.events() {
		got = append(got, string(ev.Body))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d lines, want %d", len(got), len(want))
	}
}

// TestRotatedAtRandom writes, rotates in every way, restarts, and checks the ledger: each line once.
func TestRotatedAtRandom(t *testing.T) {
	seeds := uint64(8)
	if os.Getenv("ARMOR_TORTURE") != "" {
		seeds = 120
	}
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			r := newRig(t)
			cfg := Config{Glob: r.path("app.log")}
			if seed%2 == 1 {
				cfg.Glob = r.path("app.log*")
			}
			r.write("app.log", "line 1\n")
			r.start(cfg)
			time.Sleep(time.Second)
			n, rotations := 1, 0
			for range 200 {
				switch random.IntN(8) {
				case 0:
					rotations++
					r.must(os.Rename(r.path("app.log"), r.path(fmt.Sprint("app.log.", rotations))))
				case 1:
					rotations++
					data, err := os.ReadFile(r.path("app.log"))
					if err != nil {
						break
					}
					r.must(os.WriteFile(r.path(fmt.Sprint("app.log.", rotations)), data, 0o600))
					r.stamp(fmt.Sprint("app.log.", rotations))
					r.must(os.Truncate(r.path("app.log"), 0))
					r.stamp("app.log")
				case 2:
					r.stop()
					r.start(cfg)
				}
				if random.IntN(3) > 0 {
					time.Sleep(time.Duration(random.IntN(2500)) * time.Millisecond)
				}
				synctest.Wait() // a look that has begun ends: it does not see half of a rotation
				text := ""
				for range random.IntN(30) {
					n++
					text += fmt.Sprintf("line %d\n", n)
				}
				half := random.IntN(len(text) + 1)
				r.write("app.log", text[:half])
				if random.IntN(2) > 0 {
					time.Sleep(1100 * time.Millisecond)
				}
				synctest.Wait()
				r.write("app.log", text[half:])
			}
			time.Sleep(time.Minute)
			r.stop()
			got := r.lines()
			count := map[string]int{}
			for _, line := range got {
				count[line]++
			}
			for k := 1; k <= n; k++ {
				if c := count[fmt.Sprint("line ", k)]; c != 1 {
					t.Errorf("seed %d: line %d came %d times", seed, k, c)
				}
			}
			if len(got) != n {
				t.Errorf("seed %d: %d lines, want %d", seed, len(got), n)
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	dir := b.TempDir()
	line := "Jan  2 03:04:05 host sshd[1234]: Failed password for invalid user admin from 192.0.2.10 port 40000 ssh2 and some more\n"
	const n = 100_000
	if err := os.WriteFile(filepath.Join(dir, "a.log"), []byte(strings.Repeat(line, n)), 0o600); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, _, err := spool.Open(spool.Options{Dir: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		in := New(Config{Name: "lf", Glob: filepath.Join(dir, "*.log"), OneShot: true}, s, slog.New(slog.DiscardHandler))
		if err := in.Run(b.Context()); err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "lines/s")
}
