package spool

import (
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// memDisk is a file system in memory that can lose power, fail, and be damaged.
type memDisk struct {
	mu      sync.Mutex
	files   map[string]*memFile
	durable map[string]*memFile // names as of the last SyncDir
	fail    func(op, name string) error
}

type memFile struct {
	data   []byte
	synced []byte
}

func newMemDisk() *memDisk {
	return &memDisk{files: map[string]*memFile{}, durable: map[string]*memFile{}}
}

// kill is the disk after the death of the process: everything that was written is there.
func (d *memDisk) kill() *memDisk {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := newMemDisk()
	for name, f := range d.files {
		c := &memFile{data: slices.Clone(f.data), synced: slices.Clone(f.data)}
		n.files[name], n.durable[name] = c, c
	}
	return n
}

// powerLoss is the disk after a loss of power: what was not synced is gone.
func (d *memDisk) powerLoss() *memDisk {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := newMemDisk()
	for name, f := range d.durable {
		c := &memFile{data: slices.Clone(f.synced), synced: slices.Clone(f.synced)}
		n.files[name], n.durable[name] = c, c
	}
	return n
}

func (d *memDisk) check(op, name string) error {
	if d.fail == nil {
		return nil
	}
	return d.fail(op, name)
}

func (d *memDisk) names(suffix string) (names []string) {
	for name := range d.files {
		if strings.HasSuffix(name, suffix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (d *memDisk) OpenFile(name string, flag int, _ fs.FileMode) (File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.check("open", name); err != nil {
		return nil, err
	}
	f := d.files[name]
	if f == nil {
		if flag&os.O_CREATE == 0 {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		f = &memFile{}
		d.files[name] = f
	}
	if flag&os.O_TRUNC != 0 {
		f.data = nil
	}
	return &memHandle{d, f, name}, nil
}

type memHandle struct {
	disk *memDisk
	file *memFile
	name string
}

func (h *memHandle) ReadAt(p []byte, off int64) (int, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.disk.check("read", h.name); err != nil {
		return 0, err
	}
	if off >= int64(len(h.file.data)) {
		return 0, io.EOF
	}
	n := copy(p, h.file.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (h *memHandle) WriteAt(p []byte, off int64) (int, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	err := h.disk.check("write", h.name)
	if err != nil {
		p = p[:len(p)/2] // as a full disk does
	}
	if need := off + int64(len(p)); need > int64(len(h.file.data)) {
		h.file.data = append(h.file.data, make([]byte, need-int64(len(h.file.data)))...)
	}
	return copy(h.file.data[off:], p), err
}

func (h *memHandle) Truncate(size int64) error {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.disk.check("truncate", h.name); err != nil {
		return err
	}
	if size <= int64(len(h.file.data)) {
		h.file.data = h.file.data[:size]
	}
	return nil
}

func (h *memHandle) Sync() error {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.disk.check("sync", h.name); err != nil {
		return err
	}
	h.file.synced = slices.Clone(h.file.data)
	return nil
}

func (h *memHandle) Size() (int64, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	return int64(len(h.file.data)), nil
}

func (h *memHandle) Close() error { return nil }

func (d *memDisk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.check("rename", from); err != nil {
		return err
	}
	f := d.files[from]
	if f == nil {
		return fs.ErrNotExist
	}
	delete(d.files, from)
	d.files[to] = f
	return nil
}

func (d *memDisk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.check("remove", name); err != nil {
		return err
	}
	if d.files[name] == nil {
		return fs.ErrNotExist
	}
	delete(d.files, name)
	return nil
}

func (d *memDisk) MkdirAll(string, fs.FileMode) error { return nil }

func (d *memDisk) SyncDir(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.check("syncdir", name); err != nil {
		return err
	}
	d.durable = maps.Clone(d.files)
	return nil
}

func (d *memDisk) ReadDir(name string) (entries []fs.DirEntry, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, file := range slices.Sorted(maps.Keys(d.files)) {
		if path.Dir(file) == name {
			entries = append(entries, fs.FileInfoToDirEntry(memInfo(path.Base(file))))
		}
	}
	return entries, nil
}

type memInfo string

func (i memInfo) Name() string     { return string(i) }
func (memInfo) Size() int64        { return 0 }
func (memInfo) Mode() fs.FileMode  { return 0o600 }
func (memInfo) ModTime() time.Time { return time.Time{} }
func (memInfo) IsDir() bool        { return false }
func (memInfo) Sys() any           { return nil }
