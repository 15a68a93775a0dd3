package logfile

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// look finds the files of the glob, opens the new ones and finds out what became of the others. It returns what cannot be read.
func (in *Input) look() (problems []error) {
	in.watchFolders()
	for _, t := range in.tails {
		t.matched = false
	}
	paths, err := filepath.Glob(in.cfg.Glob)
	if err != nil {
		return []error{err} // checked with the configuration
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				problems = append(problems, err)
			}
			continue
		}
		if !info.Mode().IsRegular() {
			in.leave(path, "it is no regular file", slog.LevelWarn)
			continue
		}
		id, _ := nodeOf(info)
		if t := in.nodes[id]; t != nil {
			if !t.matched { // a second name of the same file is no second file
				t.path, t.matched = path, true
			}
			continue
		}
		if err := in.open(path, id); err != nil {
			problems = append(problems, err)
		}
	}
	if in.fresh {
		in.fresh = false
		in.findRotated()
		in.batch.Touch(&tail{input: in.cfg.Name})
		if len(paths) == 0 {
			in.log.Warn("no file matches; waiting for one")
		}
	}
	in.findReplaced()
	return problems
}

// watchFolders asks for notifications of the folders that files may be in.
func (in *Input) watchFolders() {
	dirs, err := filepath.Glob(filepath.Dir(in.cfg.Glob))
	if err != nil {
		return
	}
	for _, dir := range dirs {
		in.watch.Watch(dir)
	}
}

// follow begins to read a file.
func (in *Input) follow(t *tail, f *os.File, id node, path string, matched bool) {
	t.file, t.node, t.path, t.input, t.matched, t.changed = f, id, path, in.cfg.Name, matched, time.Now()
	t.size = -1
	in.tails = append(in.tails, t)
	in.nodes[id] = t
	in.batch.Touch(t)
}

// open follows a file that the glob names, unless it is none to follow.
func (in *Input) open(path string, id node) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	if now, _ := nodeOf(info); now != id || !info.Mode().IsRegular() {
		return f.Close() // replaced in between: the next look tells
	}
	if in.compressed(path, f) {
		return f.Close()
	}
	t := in.resume(path, id, f)
	if in.nodes[id] != nil || t == nil && in.defers(path, f, info) {
		return f.Close()
	}
	if t == nil {
		t = &tail{key: newKey(), progress: progress{location: path, generation: newGeneration()}}
		if in.cfg.FromEnd && !in.started && in.fresh {
			t.skipToEnd(f, info.Size())
		}
	}
	in.follow(t, f, id, path, true)
	return nil
}

// resume recognises a file that was read before the start, by its inode; nil if it was not.
func (in *Input) resume(path string, id node, f *os.File) *tail {
	for key, p := range in.stored {
		if p.node != id {
			continue
		}
		delete(in.stored, key)
		if l, ok := p.matches(f); ok {
			return &tail{key: key, progress: p, lines: l}
		}
		// Truncated, or another file with the same inode. The rest of the old one may stand in a copy.
		in.log.Info("a file is not the one that was read before; it is read from its beginning", "file", path)
		in.findCopy(&p)
		in.holders[p.path] = &holder{t: &tail{progress: p}}
		return &tail{key: key, progress: progress{location: path, generation: newGeneration()}}
	}
	return nil
}

// check looks whether a file has become another one since the last look.
func (in *Input) check(ctx context.Context, t *tail) error {
	info, err := t.file.Stat()
	if err != nil {
		in.failures = append(in.failures, err)
		return nil
	}
	if info.Size() == t.size && info.ModTime().UnixNano() == t.now {
		return nil
	}
	t.size, t.now, t.dirty = info.Size(), info.ModTime().UnixNano(), true
	same, err := t.same()
	if err != nil {
		in.failures = append(in.failures, err)
		return nil
	}
	if !same {
		return in.truncated(ctx, t)
	}
	if t.offset == 0 && t.mtime > 0 {
		in.findBetween(t.path, t.mtime, nil) // it may have been filled, copied and truncated: there is nothing to tell it by
	}
	t.mtime = t.now
	return nil
}

// skipToEnd leaves out all whole lines that stand in the file.
func (t *tail) skipToEnd(f *os.File, size int64) {
	buf := make([]byte, min(size, 1<<20))
	n, _ := f.ReadAt(buf, size-int64(len(buf)))
	buf = buf[:n]
	end := len(buf)
	for end > 0 && buf[end-1] != '\n' {
		end--
	}
	if end == 0 && size > int64(len(buf)) {
		end = len(buf) // in the middle of a very long line
	}
	t.offset = size - int64(len(buf)-end)
	head := make([]byte, min(t.offset, headBytes))
	n, _ = f.ReadAt(head, 0)
	t.head = head[:n]
	t.last.add(buf[:end])
}

// compressed says whether a file is one that log rotation has compressed: what it holds was read before that.
func (in *Input) compressed(path string, f *os.File) bool {
	var magic [6]byte
	n, _ := f.ReadAt(magic[:], 0)
	for _, sign := range []string{"\x1f\x8b\x08", "BZh", "\x28\xb5\x2f\xfd", "\xfd7zXZ\x00"} {
		if !strings.HasPrefix(string(magic[:n]), sign) {
			continue
		}
		in.leave(path, "it is compressed", slog.LevelInfo)
		return true
	}
	return false
}

// leave says once that a file is left alone, and why.
func (in *Input) leave(path, why string, level slog.Level) {
	if in.ignored[path] {
		return
	}
	in.ignored[path] = true
	in.log.Log(context.Background(), level, "a file is left alone", "file", path, "reason", why)
}

func asPathError(err error) (*fs.PathError, bool) { return errors.AsType[*fs.PathError](err) }
