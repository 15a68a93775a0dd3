// Package cloudtrail reads AWS CloudTrail log files from a local folder: every record of every file becomes one event, in the
// form that rules in the field know, whatever size the file has, however slowly it is written, and whenever the process dies; and
// a file that cannot be read whole is named, never marked as read.
package cloudtrail

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"

	"armor/agent/spool"
	"armor/agent/watch"
	armorv1 "armor/proto/armor/v1"
)

// Config is one folder.
type Config struct {
	// Name of the input, under which its positions are kept.
	Name string
	// Path of the folder, or of one file.
	Path string
	// OneShot ends Run when everything that is there has been read.
	OneShot bool
	// Labels of every event.
	Labels map[string]string
	// Records says what is left out, and how accounts are called.
	Records Records
	// Intake that the agent's CloudTrail inputs share. Nil: one of its own, without a window.
	Intake *Intake
	// Watcher wakes the input. Nil: notifications of the file system.
	Watcher watch.Watcher
	// Poll is how long a change may stay unseen without a notification. Zero: 2 s.
	Poll time.Duration
	// Retry is the pause before a file that cannot be read whole is tried again. Zero: 1 s, and 200 ms in OneShot.
	Retry time.Duration
}

// Attempts that a file, unchanged between them, has before it counts as damaged.
const attempts = 3

// unblock is how many times Retry pass before a file that the system does not let be read is tried again.
const unblock = 10

// forgetAfter is how long a file must be gone before its position goes too: a folder may be away for a while.
const forgetAfter = time.Hour

// Input reads one folder.
type Input struct {
	cfg    Config
	log    *slog.Logger
	watch  watch.Watcher
	intake *Intake
	origin *origin
	dec    *Decoder
	gz     *gzip.Reader

	mu       sync.Mutex
	files    map[string]*file
	stats    Stats
	problem  string
	clean    bool // the last pass left nothing to do
	finished bool // Run has read everything that was there, in OneShot
	checked  time.Time
	cost     time.Duration
}

// Stats are the counters of an input.
type Stats struct {
	// Records that became events.
	Records uint64
	// Cut are those of them that were longer than 1 MiB.
	Cut uint64
	// Repeated records were known already, Discarded ones are not wanted: they became no events.
	Repeated, Discarded uint64
	// Files read whole, files damaged, and other files in the folder that are left alone.
	Files, Damaged, Ignored int
}

// file is what is known of one file.
type file struct {
	found
	progress
	input string
	kept  kept[progress]

	tried    stamp // at the last attempt that failed
	attempts int
	retry    time.Time // not before
	reason   string    // why it cannot be read whole
	damaged  bool      // given up until it changes, or for a while if it may be readable then
	blocked  bool      // the system, not its content, is why it cannot be read: permissions, a disk
	gone     time.Time // since when it is not there
}

// Position implements subject.
func (f *file) Position() spool.Position {
	return spool.Position{Input: f.input, Key: f.rel, Data: f.kept.data(progress.encode)}
}

// advance implements subject.
func (f *file) advance(records, chain uint64) {
	f.records, f.chain = records, chain
	f.kept.set(f.progress)
}

// New prepares an input; Run reads.
func New(cfg Config, sink Sink, log *slog.Logger) *Input {
	if cfg.Poll == 0 {
		cfg.Poll = 2 * time.Second
	}
	if cfg.Retry == 0 {
		cfg.Retry = time.Second
		if cfg.OneShot {
			cfg.Retry = 200 * time.Millisecond
		}
	}
	if abs, err := filepath.Abs(cfg.Path); err == nil {
		cfg.Path = abs
	}
	if cfg.Intake == nil {
		cfg.Intake = NewIntake(IntakeConfig{}, sink, log)
	}
	in := &Input{
		cfg: cfg, log: log.With("input", "cloudtrail", "path", cfg.Path), watch: cfg.Watcher, intake: cfg.Intake,
		origin: newOrigin(cfg.Labels, cfg.Records), dec: NewDecoder(nil, false), files: map[string]*file{},
	}
	for rel, data := range sink.Positions(cfg.Name) {
		if p, ok := decodeProgress(data); ok {
			f := &file{input: cfg.Name, found: found{rel: rel, path: filepath.Join(cfg.Path, rel)}, progress: p}
			f.kept.set(p)
			in.files[rel] = f
		}
	}
	return in
}

// Run reads until ctx ends, or in OneShot until everything that is there has been read. Its error is that of ctx or of the sink.
func (in *Input) Run(ctx context.Context) error {
	if in.watch == nil {
		if in.cfg.OneShot {
			in.watch = watch.Poll()
		} else {
			in.watch = watch.New(in.log)
		}
	}
	defer in.watch.Close()
	for {
		again, err := in.pass(ctx)
		if err != nil {
			return err
		}
		if in.cfg.OneShot && !again {
			in.mu.Lock()
			in.finished = true
			in.mu.Unlock()
			return nil
		}
		wait := max(in.cfg.Poll, 20*in.cost) // only this goroutine writes it
		if again {
			wait = in.cfg.Retry
		}
		if err := in.watch.Wait(ctx, wait); err != nil {
			return err
		}
	}
}

// pass looks at the folder once and reads what is new. again says that a file is to be tried again soon.
func (in *Input) pass(ctx context.Context) (again bool, err error) {
	start := time.Now()
	s := look(in.cfg.Path)
	cost := time.Since(start)
	for _, dir := range s.folders {
		in.watch.Watch(dir)
	}
	in.note(s, cost)
	for i := range s.files {
		if err := ctx.Err(); err != nil {
			return false, context.Cause(ctx)
		}
		f := in.file(&s.files[i])
		if in.settled(f, s.files[i].stamp) {
			continue
		}
		if time.Now().Before(f.retry) && f.tried == s.files[i].stamp {
			again = true
			continue
		}
		whole, err := in.read(ctx, f, s.files[i])
		if err != nil {
			return false, err
		}
		again = again || !whole && !f.damaged
	}
	for _, f := range in.gone(s) {
		f.kept.forget()
		in.intake.touch(f)
	}
	if err := in.intake.flush(ctx); err != nil {
		return false, err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.clean = !again
	return again, nil
}

// file returns what is known of a file.
func (in *Input) file(c *found) *file {
	in.mu.Lock()
	defer in.mu.Unlock()
	f := in.files[c.rel]
	if f == nil {
		f = &file{input: in.cfg.Name}
		in.files[c.rel] = f
	}
	f.found.rel, f.found.path, f.found.lines = c.rel, c.path, c.lines
	f.gone = time.Time{}
	return f
}

// settled says that there is nothing to read in a file that looks like this.
func (in *Input) settled(f *file, now stamp) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return f.settled(now)
}

// settled says that there is nothing to read in a file that looks like now. Permissions can be granted without a change of the file.
func (f *file) settled(now stamp) bool {
	if f.damaged && f.tried == now {
		return !f.blocked || time.Now().Before(f.retry)
	}
	return f.done && f.progress.stamp == now
}

// note reports what a look at the folder found besides logs.
func (in *Input) note(s survey, cost time.Duration) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.cost = cost
	if s.ignored > in.stats.Ignored {
		level := slog.LevelInfo
		if len(s.files) == 0 { // nothing else is there: perhaps the wrong folder
			level = slog.LevelWarn
		}
		in.log.Log(context.Background(), level, "files that are no CloudTrail logs by their name are left alone", "files", s.ignored, "one of them", s.example)
	}
	in.stats.Ignored = s.ignored
	problem := ""
	if len(s.errors) > 0 {
		problem = s.errors[0].Error()
		if n := len(s.errors) - 1; n > 0 {
			problem += fmt.Sprintf(" (and %d more)", n)
		}
	}
	if problem != "" && problem != in.problem {
		in.log.Warn("part of the folder cannot be read; trying again", "error", problem)
	}
	if problem == "" && in.problem != "" {
		in.log.Info("the folder can be read again")
	}
	in.problem = problem
}

// gone drops the files that are gone for good, and returns them. While part of the folder cannot be read nobody knows.
func (in *Input) gone(s survey) (gone []*file) {
	if len(s.errors) > 0 {
		return nil
	}
	there := make(map[string]struct{}, len(s.files))
	for i := range s.files {
		there[s.files[i].rel] = struct{}{}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	now := time.Now()
	for rel, f := range in.files {
		if _, ok := there[rel]; ok {
			continue
		}
		if f.gone.IsZero() {
			f.gone = now
			if f.reason != "" {
				in.log.Warn("a file that could not be read whole is gone", "file", f.path, "reason", f.reason, "records read", f.records)
			}
		}
		if now.Sub(f.gone) >= forgetAfter {
			gone = append(gone, f)
			delete(in.files, rel)
		}
	}
	return gone
}

// largeFolder is how long a look at a folder takes that is not looked at for every question.
const largeFolder = 50 * time.Millisecond

// Idle is true when everything in the folder has been read and handed to the sink, damaged files aside. It looks at the folder to
// make sure, so it knows of files that nobody was notified of; at a folder of very many files not every time.
func (in *Input) Idle() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.finished || !in.clean {
		return in.finished
	}
	if in.cfg.OneShot || in.cost > largeFolder && time.Since(in.checked) < 10*in.cost {
		return true
	}
	s := look(in.cfg.Path)
	in.checked = time.Now()
	for i := range s.files {
		f := in.files[s.files[i].rel]
		if f == nil || !(f.damaged && f.tried == s.files[i].stamp || f.settled(s.files[i].stamp)) {
			in.clean = false
			return false
		}
	}
	return true
}

// Damaged lists the files that could not be read whole, with where and why, and what of the folder could not be read at all.
func (in *Input) Damaged() (list []string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, f := range in.files {
		if f.damaged {
			list = append(list, f.path+": "+f.reason)
		}
	}
	slices.Sort(list)
	if in.problem != "" {
		list = append(list, in.problem)
	}
	return list
}

// Problem says why the folder, or part of it, cannot be read at present; empty if it can.
func (in *Input) Problem() string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.problem
}

// Stats returns the counters.
func (in *Input) Stats() Stats {
	in.mu.Lock()
	defer in.mu.Unlock()
	stats := in.stats
	stats.Records, stats.Cut = in.origin.records.Load(), in.origin.cut.Load()
	stats.Repeated, stats.Discarded = in.origin.repeated.Load(), in.origin.discarded.Load()
	for _, f := range in.files {
		if f.done {
			stats.Files++
		}
		if f.damaged {
			stats.Damaged++
		}
	}
	return stats
}

// Report says how far the input is.
func (in *Input) Report(r *armorv1.InputReport) {
	in.origin.report(r)
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, f := range in.files {
		if f.done {
			r.Sources++
		} else if !f.damaged {
			r.Pending++
		}
	}
}

// Figures are the counters by name.
func (in *Input) Figures() map[string]float64 {
	st := in.Stats()
	return map[string]float64{
		"cloudtrail_records": float64(st.Records), "cloudtrail_records_cut": float64(st.Cut),
		"cloudtrail_records_repeated": float64(st.Repeated), "cloudtrail_records_discarded": float64(st.Discarded),
		"cloudtrail_files": float64(st.Files), "cloudtrail_files_damaged": float64(st.Damaged), "cloudtrail_files_ignored": float64(st.Ignored),
	}
}
