package logfile

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// holder is the file that had a name last.
type holder struct {
	t      *tail
	absent time.Time // since when no file has the name
}

// findReplaced notices that a name has passed to another file since the last look, or to none.
func (in *Input) findReplaced() {
	empty := in.empty
	in.empty = map[string]int64{}
	for path, since := range empty {
		in.findBetween(path, since, nil)
	}
	now := map[string]*tail{}
	for _, t := range in.tails {
		if t.matched {
			now[t.path] = t
		}
	}
	for path, h := range in.holders {
		if now[path] == h.t {
			h.absent = time.Time{}
			continue
		}
		in.findBetween(path, h.t.mtime, nil)
		if now[path] != nil || !h.absent.IsZero() && time.Since(h.absent) > time.Hour {
			delete(in.holders, path)
		} else if h.absent.IsZero() {
			h.absent = time.Now()
		}
	}
	for path, t := range now {
		if in.holders[path] == nil {
			in.holders[path] = &holder{t: t}
		}
	}
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
		copied = copied || like(&t.progress) || t.offset == 0 && related(t.path, path) && alike(t.file, f)
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

// copies says whether f begins like the file that has the name now: a copy that is being made.
func (in *Input) copies(path string, f *os.File) bool {
	for _, t := range in.tails {
		if t.matched && t.path == path && alike(t.file, f) {
			return true
		}
	}
	return false
}

// alike says whether b begins like a and is no longer, as a copy that has just been made.
func alike(a, b *os.File) bool {
	var bufA, bufB [headBytes]byte
	n, _ := a.ReadAt(bufA[:], 0)
	m, _ := b.ReadAt(bufB[:], 0)
	return m > 0 && m <= n && bytes.Equal(bufA[:m], bufB[:m])
}

// copyTime is how long after a copy is complete log rotation may take to truncate the original.
const copyTime = 10 * time.Second

// deferral is a file that is not read yet.
type deferral struct {
	size  int64
	since time.Time // of that size
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
		// Times of files are as coarse as the clock's ticks: what was written at since may have been written after it.
		if err != nil || info.ModTime().UnixNano() < since || in.compressed(name, f) {
			_ = f.Close()
			continue
		}
		if info.Size() == 0 {
			if time.Since(info.ModTime()) < time.Minute {
				in.empty[path] = since // a copy that has just been begun looks like this: the next look tells
			}
			_ = f.Close()
			continue
		}
		start := make([]byte, min(len(held), headBytes))
		n, _ := f.ReadAt(start, 0)
		begun = begun || n > 0 && n == len(start) && bytes.HasPrefix(held, start)
		id, _ := nodeOf(info)
		if named, _ := filepath.Match(in.cfg.Glob, name); named || in.nodes[id] != nil || in.copies(path, f) {
			_ = f.Close() // found by itself, or when the original is truncated
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
		in.holders[p.path] = &holder{t: &tail{progress: p}}
		if !in.findNode(key, p, entries) {
			in.log.Info("a file that was read before is gone", "file", p.path, "read", p.offset)
			in.batch.Touch(&tail{key: key, input: in.cfg.Name, forgotten: true})
		}
	}
}
