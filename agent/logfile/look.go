package logfile

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
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
		for _, p := range in.replaced {
			in.findBetween(p.path, p.mtime, nil)
		}
		in.replaced = nil
		in.batch.Touch(&tail{input: in.cfg.Name})
		if len(paths) == 0 {
			in.log.Warn("no file matches; waiting for one")
		}
	}
	in.findReplaced()
	return problems
}

// findReplaced notices that a name has passed to another file since the last look, or to none.
func (in *Input) findReplaced() {
	holders := map[string]*tail{}
	for _, t := range in.tails {
		if t.matched {
			holders[t.path] = t
		}
	}
	for path, before := range in.holders {
		if holders[path] != before {
			in.findBetween(path, before.mtime, nil)
		}
	}
	in.holders = holders
}

// findBetween follows the files that had a name for a while since it was last looked at, and have a rotated one now. Nothing of
// them was read, not even if the glob does not name them any more. begun says that one of them begins with held.
func (in *Input) findBetween(path string, since int64, held []byte) (begun bool) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || since == 0 {
		return false
	}
	for _, entry := range entries {
		name := filepath.Join(filepath.Dir(path), entry.Name())
		if !related(path, name) || !entry.Type().IsRegular() {
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			continue
		}
		info, err := f.Stat()
		if err != nil || info.ModTime().UnixNano() <= since || in.compressed(name, f) {
			_ = f.Close()
			continue
		}
		start := make([]byte, min(len(held), headBytes))
		n, _ := f.ReadAt(start, 0)
		begun = begun || n > 0 && n == len(start) && bytes.HasPrefix(held, start)
		id, _ := nodeOf(info)
		if named, _ := filepath.Match(in.cfg.Glob, name); named || in.nodes[id] != nil {
			_ = f.Close() // found by itself
			continue
		}
		in.log.Info("a file that was rotated away before it was seen is read", "file", name)
		t := in.copyOf(f)
		if t == nil {
			t = &tail{progress: progress{location: path, generation: newGeneration()}}
		}
		t.key = newKey()
		in.follow(t, f, id, name, false)
	}
	return begun
}

// copyOf recognises a copy of a file that is followed; it is read from where that was left.
func (in *Input) copyOf(f *os.File) *tail {
	for _, t := range in.tails {
		if t.offset == 0 {
			continue
		}
		t.Position() // brings the prints up to date
		if l, ok := t.progress.matches(f); ok {
			return &tail{progress: t.progress, lines: l}
		}
	}
	return nil
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
		in.replaced = append(in.replaced, p)
		return &tail{key: key, progress: progress{location: path, generation: newGeneration()}}
	}
	return nil
}

// defers says that a new file may be a copy that log rotation makes of a file, which will then be truncated. It is looked at
// again; if nothing happens it is a file of its own.
func (in *Input) defers(path string, f *os.File, info os.FileInfo) bool {
	like := func(p *progress) bool {
		if p.offset == 0 || !related(p.path, path) && !related(p.location, path) {
			return false
		}
		head := make([]byte, p.headLen)
		n, _ := f.ReadAt(head, 0)
		return n == len(head) && print8(head) == p.headPrint
	}
	copied := false
	for _, t := range in.tails {
		t.Position() // brings the prints up to date
		copied = copied || like(&t.progress)
	}
	for _, p := range in.stored {
		copied = copied || like(&p)
	}
	d, known := in.deferred[path]
	if !copied || in.cfg.OneShot && !in.fresh {
		delete(in.deferred, path)
		return false
	}
	if !known || d.size != info.Size() {
		in.deferred[path] = deferral{size: info.Size(), since: time.Now()}
		return true
	}
	if time.Since(d.since) < copyTime {
		return true
	}
	delete(in.deferred, path)
	return false
}

// copyTime is how long after a copy is complete log rotation may take to truncate the original.
const copyTime = 10 * time.Second

// deferral is a file that is not read yet.
type deferral struct {
	size  int64
	since time.Time // of that size
}

// findCopy looks in the folder of a truncated file for the copy that log rotation made of it, and follows that from where the
// file was left.
func (in *Input) findCopy(p *progress) bool {
	if p.offset == 0 {
		return false
	}
	dir := filepath.Dir(p.path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if !related(p.path, path) && !related(p.location, path) || !entry.Type().IsRegular() {
			continue
		}
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		info, err := f.Stat()
		l, same := p.matches(f)
		if err != nil || !same {
			_ = f.Close()
			continue
		}
		id, _ := nodeOf(info)
		if in.nodes[id] != nil {
			_ = f.Close() // found as a copy before
			return true
		}
		in.log.Info("the rest of a truncated file is read from its copy", "file", p.path, "copy", path, "offset", p.offset)
		delete(in.deferred, path)
		in.follow(&tail{key: newKey(), progress: *p, lines: l}, f, id, path, false)
		return true
	}
	return false
}

// findRotated looks for files that were read before the start and that the glob does not name any more. What was written to them
// while nobody looked is read too.
func (in *Input) findRotated() {
	for key, p := range in.stored {
		entries, err := os.ReadDir(filepath.Dir(p.path))
		if err != nil {
			continue // the folder may come back; the position is kept
		}
		delete(in.stored, key)
		in.replaced = append(in.replaced, p)
		if !in.findNode(key, p, entries) {
			in.log.Info("a file that was read before is gone", "file", p.path, "read", p.offset)
			in.batch.Touch(&tail{key: key, input: in.cfg.Name, forgotten: true})
		}
	}
}

// findNode follows the file of a position under whatever name it has now.
func (in *Input) findNode(key string, p progress, entries []fs.DirEntry) bool {
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		id, _ := nodeOf(info)
		if id != p.node || in.nodes[id] != nil {
			continue
		}
		path := filepath.Join(filepath.Dir(p.path), entry.Name())
		f, err := os.Open(path)
		if err != nil {
			return false
		}
		l, ok := p.matches(f)
		if !ok {
			_ = f.Close()
			return false
		}
		in.follow(&tail{key: key, progress: p, lines: l}, f, id, path, false)
		return true
	}
	return false
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
		if !in.ignored[path] {
			in.ignored[path] = true
			in.log.Info("a compressed file is left alone", "file", path)
		}
		return true
	}
	return false
}

func asPathError(err error) (*fs.PathError, bool) { return errors.AsType[*fs.PathError](err) }
