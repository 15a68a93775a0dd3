package logfile

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A writer as services have them: it keeps its file open until it is told that the log was rotated, and then opens it anew.
type writer struct {
	t      *testing.T
	path   string
	reopen chan chan struct{}
	n      atomic.Int64 // lines written
	mu     sync.Mutex   // held for each line: a rotation that has to stop the writer takes it
	f      *os.File
}

func startWriter(t *testing.T, path string) *writer {
	w := &writer{t: t, path: path, reopen: make(chan chan struct{})}
	w.open()
	return w
}

func (w *writer) open() {
	f, err := os.OpenFile(w.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		w.t.Error(err)
		return
	}
	w.f = f
}

func (w *writer) run(ctx context.Context, pause func() time.Duration) {
	for {
		select {
		case <-ctx.Done():
			_ = w.f.Close()
			return
		case done := <-w.reopen:
			_ = w.f.Close()
			w.open()
			close(done)
		default:
		}
		w.mu.Lock()
		n := w.n.Add(1)
		line := fmt.Sprintf("line %d %s\n", n, strings.Repeat("x", int(n%97)))
		half := int(n) % len(line)
		_, err := w.f.WriteString(line[:half])
		if err == nil {
			_, err = w.f.WriteString(line[half:])
		}
		w.mu.Unlock()
		if err != nil {
			w.t.Error(err)
		}
		time.Sleep(pause())
	}
}

// hup tells the writer to open the file anew, and waits until it has.
func (w *writer) hup() {
	done := make(chan struct{})
	w.reopen <- done
	<-done
}

// rotations are the ways in which a log is rotated. Those that name the file away let the writer go on in it until it hears of it.
var rotations = map[string]func(r *rig, w *writer, n int){
	"rename": func(r *rig, w *writer, n int) {
		r.must(os.Rename(w.path, fmt.Sprintf("%s.%d", w.path, n)))
		time.Sleep(time.Duration(rand.IntN(3)) * time.Millisecond)
		w.hup()
	},
	"gzip": func(r *rig, w *writer, n int) {
		old := fmt.Sprintf("%s.%d", w.path, n)
		r.must(os.Rename(w.path, old))
		w.hup()
		r.settle(w) // as log rotation does with delaycompress: what is compressed has been read
		data, err := os.ReadFile(old)
		r.must(err)
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, err = z.Write(data)
		r.must(err)
		r.must(z.Close())
		r.must(os.WriteFile(old+".gz", packed.Bytes(), 0o600))
		r.must(os.Remove(old))
	},
	"delete": func(r *rig, w *writer, _ int) { // the inode is free for the new file as soon as nobody has the old one open
		r.settle(w)
		w.mu.Lock()
		r.must(os.Remove(w.path))
		w.mu.Unlock()
		w.hup()
	},
	// A target that is switched in and out between two looks has a name that nobody knows; so the present one is looked at first.
	"symlink": func(r *rig, w *writer, n int) {
		r.settle(w)
		next := fmt.Sprintf("%s-target-%d", r.path("store"), n)
		r.must(os.WriteFile(next, nil, 0o600))
		r.must(os.Symlink(next, w.path+".new"))
		r.must(os.Rename(w.path+".new", w.path))
		time.Sleep(time.Duration(rand.IntN(3)) * time.Millisecond)
		w.hup()
	},
	// copytruncate loses by its nature what is written between the end of the copying and the truncation; the writer is held for
	// that moment. What it writes before and after is read once.
	"copytruncate": func(r *rig, w *writer, n int) {
		w.mu.Lock()
		defer w.mu.Unlock()
		data, err := os.ReadFile(w.path)
		r.must(err)
		r.must(os.WriteFile(fmt.Sprintf("%s.%d", w.path, n), data, 0o600))
		r.must(os.Truncate(w.path, 0))
	},
}

// settle holds the writer until the input has read everything.
func (r *rig) settle(w *writer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for deadline := time.Now().Add(10 * time.Second); !r.in.Idle() && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
}

// TestRotationTorture rotates in every way while a writer writes, with notifications of the file system as in production: every
// line comes once. The number of rotations of each kind is 1,000 in the long run.
func TestRotationTorture(t *testing.T) {
	count, restarts := 25, 3
	if os.Getenv("ARMOR_TORTURE") != "" {
		count, restarts = 1000, 20
	}
	for kind, rotate := range rotations {
		t.Run(kind, func(t *testing.T) {
			r := newRig(t)
			r.real = true
			r.must(os.Mkdir(r.path("store"), 0o700))
			path := r.path("app.log")
			if kind == "symlink" {
				r.must(os.WriteFile(r.path("store-target-0"), nil, 0o600))
				r.must(os.Symlink(r.path("store-target-0"), path))
			}
			cfg := Config{Glob: path, Poll: 20 * time.Millisecond, Linger: 200 * time.Millisecond}
			w := startWriter(t, path)
			r.start(cfg)
			r.settle(w) // what was rotated away before the first look of all, nobody knows of
			ctx, stop := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			wg.Go(func() {
				w.run(ctx, func() time.Duration { return time.Duration(rand.IntN(300)) * time.Microsecond })
			})
			var got []string
			for n := 1; n <= count; n++ {
				time.Sleep(time.Duration(rand.IntN(25)) * time.Millisecond)
				rotate(r, w, n)
				if n%max(count/restarts, 1) == 0 {
					r.settle(w)
					r.stop()
					got = append(got, r.lines()...)
					r.start(cfg)
				}
				if n > 20 { // as log rotation does: only so many are kept
					_ = os.Remove(fmt.Sprintf("%s.%d", path, n-20))
					_ = os.Remove(fmt.Sprintf("%s.%d.gz", path, n-20))
					_ = os.Remove(fmt.Sprintf("%s-target-%d", r.path("store"), n-20))
				}
			}
			stop()
			wg.Wait()
			time.Sleep(2 * cfg.Linger)
			r.settle(w)
			r.stop()
			got = append(got, r.lines()...)
			count := map[string]int{}
			for _, line := range got {
				fields := strings.Fields(line)
				count[strings.Join(fields[:min(2, len(fields))], " ")]++
			}
			var lost, twice, torn []int64
			for n := int64(1); n <= w.n.Load(); n++ {
				switch c := count[fmt.Sprint("line ", n)]; {
				case c == 0:
					lost = append(lost, n)
				case c > 1:
					twice = append(twice, n)
				}
			}
			for _, line := range got {
				var n int64
				var rest string
				_, _ = fmt.Sscanf(line, "line %d %s", &n, &rest)
				if want := int(n % 97); len(rest) != want {
					torn = append(torn, n)
				}
			}
			slices.Sort(torn)
			if len(lost)+len(twice)+len(torn) > 0 || len(count) != int(w.n.Load()) {
				t.Errorf("of %d lines: lost %v, twice %v, torn %v", w.n.Load(), lost, twice, torn)
			}
		})
	}
}
