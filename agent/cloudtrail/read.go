package cloudtrail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/klauspost/compress/gzip"
)

// read reads a file from where it was left. whole says that it was read to its end. The error is that of the sink or of ctx.
func (in *Input) read(ctx context.Context, f *file, now found) (whole bool, err error) {
	fh, err := os.Open(now.path)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil // gone since; the next look tells
	}
	if err != nil {
		in.failed(f, now.stamp, err.Error(), true)
		return false, nil
	}
	defer fh.Close()
	for {
		src := &source{file: fh}
		reason, mismatch, err := in.decode(ctx, f, src)
		if err != nil {
			return false, err
		}
		if mismatch {
			// Not the file that was begun: read it from its beginning. What it repeats is recognised by its records' ids.
			f.records, f.chain = 0, 0
			continue
		}
		if reason != "" {
			in.failed(f, now.stamp, reason, src.failed)
			return false, nil
		}
		in.mu.Lock()
		if f.damaged {
			in.log.Info("a damaged file has been read whole now", "file", f.path)
		}
		f.done, f.progress.stamp = true, now.stamp
		f.damaged, f.blocked, f.reason, f.attempts = false, false, "", 0
		in.mu.Unlock()
		f.kept.set(f.progress)
		in.intake.touch(f)
		return true, nil
	}
}

// source is a file that remembers whether the system could read it.
type source struct {
	file   *os.File
	failed bool
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.file.Read(p)
	s.failed = s.failed || err != nil && err != io.EOF
	return n, err
}

// decode adds the records behind those that were read before to the batch. reason says why the file could not be read whole;
// mismatch that it does not begin with what was read before.
func (in *Input) decode(ctx context.Context, f *file, fh *source) (reason string, mismatch bool, err error) {
	if _, err := fh.file.Seek(0, io.SeekStart); err != nil {
		return err.Error(), false, nil
	}
	var src io.Reader = fh
	var magic [2]byte
	if n, _ := fh.file.ReadAt(magic[:], 0); n == 2 && magic == [2]byte{0x1f, 0x8b} {
		if in.gz == nil {
			in.gz = new(gzip.Reader)
		}
		if err := in.gz.Reset(fh); err != nil {
			return "gzip: " + err.Error(), false, nil
		}
		src = in.gz
	}
	in.dec.Reset(src, f.lines)
	fr := newFrame(f.rel, "", in.cfg.Records.AccountAliases)
	e := element{frame: &fr, location: f.path, read: time.Now()}
	var n, chain uint64
	wrong, first := 0, ""
	skip, want := f.records, f.chain
	if f.done {
		in.mu.Lock()
		f.done = false // it has changed
		in.mu.Unlock()
	}
	for {
		rec, err := in.dec.Next()
		if _, ok := errors.AsType[*RecordError](err); ok {
			if wrong++; wrong == 1 {
				first = err.Error()
			}
			rec, err = nil, nil
			chain = link(chain, &[32]byte{})
		} else if err == nil {
			chain = link(chain, &rec.Sum)
		}
		if err == io.EOF && n < skip {
			return "", true, nil
		}
		if err == io.EOF && wrong > 0 {
			return fmt.Sprintf("%d of %d elements are no records, the first at %s", wrong, n, first), false, nil
		}
		if err == io.EOF {
			return "", false, nil
		}
		if err != nil {
			return fmt.Sprintf("%v; %d records before that are read", err, max(n, skip)), false, nil
		}
		n++
		if n == skip && chain != want {
			return "", true, nil
		}
		if n <= skip {
			continue
		}
		e.record, e.number, e.chain = rec, n, chain
		if err := in.intake.add(ctx, in.origin, f, &e); err != nil {
			return "", false, err
		}
	}
}

// failed notes that a file could not be read whole. If it stays the same over several attempts it counts as damaged; blocked says
// that the system is the reason, which can go away without a change of the file.
func (in *Input) failed(f *file, now stamp, reason string, blocked bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	known := f.damaged && f.blocked && blocked && f.tried == now && f.reason == reason
	if !known && (f.tried != now || f.damaged) {
		f.attempts = 0
	}
	f.attempts++
	f.tried, f.reason, f.done, f.blocked = now, reason, false, blocked
	f.progress.stamp = now
	f.kept.set(f.progress)
	f.damaged = f.attempts >= attempts
	f.retry = time.Now().Add(in.cfg.Retry)
	switch {
	case !f.damaged:
	case blocked:
		f.retry = time.Now().Add(unblock * in.cfg.Retry)
		if !known {
			in.log.Error("a file cannot be read; trying again", "file", f.path, "reason", reason, "records read", f.records)
		}
	default:
		in.log.Error("a file is damaged; it is tried again when it changes", "file", f.path, "reason", reason, "records read", f.records)
	}
}
