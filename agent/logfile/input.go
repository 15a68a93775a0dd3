// Package logfile follows log files: every line that is written to a file that a glob names becomes one event, once, however the
// file is rotated, truncated, copied or deleted, and whenever the process dies.
package logfile

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"armor/agent/batch"
	"armor/agent/timestamp"
	"armor/agent/watch"
	armorv1 "armor/proto/armor/v1"
)

// Config is one glob.
type Config struct {
	// Name of the input, under which its positions are kept.
	Name string
	// AgentID makes the source ids of the lines.
	AgentID string
	// Glob names the files, in the form of filepath.Match.
	Glob string
	// JSON says that lines are JSON objects; otherwise they are syslog or other text.
	JSON bool
	// FromEnd leaves out what stands in the files that are there at the very first start. Files that come later are read from
	// their beginning.
	FromEnd bool
	// OneShot ends Run when everything that is there has been read; a last line without an end counts as a line.
	OneShot bool
	// Timestamp finds out when lines happened. Nil: nobody knows, the time of reading stands.
	Timestamp *timestamp.Parser
	// Labels of every event.
	Labels map[string]string
	// Watcher wakes the input. Nil: notifications of the file system.
	Watcher watch.Watcher
	// Poll is how long a change may stay unseen without a notification. Zero: 1 s.
	Poll time.Duration
	// Linger is how long a file that was rotated away or deleted must be quiet before the beginning of a line at its end counts
	// as a line. Zero: 5 s.
	Linger time.Duration
}

// Files that were rotated away are followed, as long as they exist, until nothing was written to them for so long.
const keepRotated = 24 * time.Hour

// Input follows the files of one glob.
type Input struct {
	cfg   Config
	sink  batch.Sink
	log   *slog.Logger
	watch watch.Watcher
	batch *batch.Batch[*tail]
	buf   []byte

	tails    []*tail
	failures []error             // of this pass: what cannot be read
	stored   map[string]progress // of files that were read before the start and are not found yet
	deferred map[string]deferral // by path: what may be a copy
	holders  map[string]*holder  // by path, at the last look
	empty    map[string]int64    // by path: when it had been written to last, before a related file was found empty
	nodes    map[node]*tail
	started  bool // at some time before
	fresh    bool // the first look of this run is still to come

	mu       sync.Mutex
	settled  map[string]place // by path: what has been read whole
	ignored  map[string]bool  // files that are left alone, once told
	stats    Stats
	problems []string
	clean    bool
	finished bool
}

// place is a file and how much of it was read.
type place struct {
	node  node
	size  int64
	mtime int64
}

// Stats are the counters of an input.
type Stats struct {
	// Lines that became events, and those of them that were longer than 1 MiB.
	Lines, Cut uint64
	// Untimed lines do not say when they happened, although they should.
	Untimed uint64
	// Files that are followed.
	Files int
	// Truncations are files found truncated or replaced in place.
	Truncations uint64
}

// New prepares an input; Run reads.
func New(cfg Config, sink batch.Sink, log *slog.Logger) *Input {
	if cfg.Poll == 0 {
		cfg.Poll = time.Second
	}
	if cfg.Linger == 0 {
		cfg.Linger = 5 * time.Second
	}
	if abs, err := filepath.Abs(cfg.Glob); err == nil {
		cfg.Glob = abs
	}
	format := armorv1.EventFormat_EVENT_FORMAT_SYSLOG
	if cfg.JSON {
		format = armorv1.EventFormat_EVENT_FORMAT_JSON
	}
	in := &Input{
		cfg: cfg, sink: sink, log: log.With("input", "logfile", "path", cfg.Glob), watch: cfg.Watcher, fresh: true,
		batch: batch.New[*tail](format, cfg.Labels), buf: make([]byte, 256<<10), stored: map[string]progress{}, ignored: map[string]bool{},
		nodes: map[node]*tail{}, deferred: map[string]deferral{}, holders: map[string]*holder{}, empty: map[string]int64{},
	}
	for key, data := range sink.Positions(cfg.Name) {
		in.started = true
		if p, ok := decodeProgress(data); ok && key != "" {
			in.stored[key] = p
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
	defer in.closeAll()
	for {
		if err := in.pass(ctx); err != nil {
			return err
		}
		if in.cfg.OneShot && len(in.deferred) > 0 {
			continue // what has not become of a truncated file by now is a file of its own
		}
		if in.cfg.OneShot {
			in.mu.Lock()
			in.finished = true
			in.mu.Unlock()
			return nil
		}
		if err := in.watch.Wait(ctx, in.cfg.Poll); err != nil {
			return err
		}
	}
}

func (in *Input) closeAll() {
	for _, t := range in.tails {
		_ = t.file.Close()
	}
}

// pass looks for files once and reads all of them to their ends.
func (in *Input) pass(ctx context.Context) error {
	in.failures = in.look()
	for _, t := range slices.Clone(in.tails) {
		if err := in.check(ctx, t); err != nil {
			return err
		}
	}
	for again := true; again; {
		again = false
		for _, t := range slices.Clone(in.tails) {
			more, err := in.turn(ctx, t)
			if err != nil {
				return err
			}
			again = again || more
		}
	}
	if err := in.retire(ctx); err != nil {
		return err
	}
	if err := in.batch.Flush(ctx, in.sink); err != nil {
		return err
	}
	in.note(in.failures)
	return nil
}

// turn reads a part of a file, so that a large one does not hold up the others. more says that it is not at its end.
func (in *Input) turn(ctx context.Context, t *tail) (more bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, context.Cause(ctx)
	}
	if !t.dirty && t.size == t.at() {
		return false, nil
	}
	for range 4 {
		more, truncated, err := in.readChunk(ctx, t)
		if _, ok := asPathError(err); ok {
			in.failures = append(in.failures, err)
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if truncated {
			return true, in.truncated(ctx, t)
		}
		if !more {
			t.dirty = false
			return false, nil
		}
	}
	return true, nil
}

// truncated deals with a file that does not hold any more what was read. Lines that were written between the last look and the
// truncation stand in the copy that log rotation has made, if it has made one.
func (in *Input) truncated(ctx context.Context, t *tail) error {
	in.log.Info("a file was truncated or replaced; it is read from its beginning", "file", t.path, "offset", t.offset)
	in.mu.Lock()
	in.stats.Truncations++
	in.mu.Unlock()
	t.Position() // brings the prints up to date
	copied := in.findCopy(&t.progress)
	copied = in.findBetween(t.location, t.mtime, t.held) && t.offset == 0 || copied
	if !copied {
		if err := in.flushHeld(ctx, t); err != nil {
			return err
		}
	}
	t.restart()
	t.mtime = t.now
	in.batch.Touch(t)
	return nil
}

// retire hands on the last half line of files that are gone, and stops following those that are gone for good.
func (in *Input) retire(ctx context.Context) error {
	now := time.Now()
	kept := in.tails[:0:0]
	for _, t := range in.tails {
		if in.cfg.OneShot || !t.matched && now.Sub(t.changed) >= in.cfg.Linger {
			if err := in.flushHeld(ctx, t); err != nil {
				return err
			}
		}
		gone := false
		if !t.matched && now.Sub(t.changed) >= in.cfg.Linger {
			info, err := t.file.Stat()
			links := uint64(1)
			if err == nil {
				_, links = nodeOf(info)
			}
			gone = err != nil || links == 0 && now.Sub(t.changed) >= 12*in.cfg.Linger || now.Sub(t.changed) >= keepRotated
		}
		if !gone {
			kept = append(kept, t)
			continue
		}
		in.log.Debug("a file is not followed any more", "file", t.path, "read", t.offset)
		_ = t.file.Close()
		if in.nodes[t.node] == t {
			delete(in.nodes, t.node)
		}
		t.forgotten = true
		in.batch.Touch(t)
	}
	in.tails = kept
	return nil
}

// note publishes the state after a pass.
func (in *Input) note(problems []error) {
	settled := make(map[string]place, len(in.tails))
	for _, t := range in.tails {
		if t.matched {
			settled[t.path] = place{t.node, t.at(), t.now}
		}
	}
	texts := make([]string, len(problems))
	for i, err := range problems {
		texts[i] = err.Error()
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if !slices.Equal(texts, in.problems) {
		if len(texts) > 0 {
			in.log.Warn("files cannot be read; trying again", "files", len(texts), "error", texts[0])
		} else {
			in.log.Info("all files can be read again")
		}
	}
	in.problems, in.settled, in.stats.Files = texts, settled, len(in.tails)
	in.clean = true
}

func (in *Input) counted(cut, timed bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.stats.Lines++
	if !timed {
		in.stats.Untimed++
	}
	if cut {
		in.stats.Cut++
	}
}
