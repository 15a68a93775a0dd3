package logfile

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"armor/agent/batch"
	"armor/agent/spool"
)

// tail is one file that is read, for as long as it exists, under whatever name.
type tail struct {
	progress
	lines
	input     string
	key       string // of the position
	forgotten bool

	file    *os.File
	size    int64     // at the last look
	now     int64     // mtime then
	matched bool      // found by the glob at the last look
	changed time.Time // when it was last seen to change
	dirty   bool      // it has changed since it was read to its end
}

// Position implements batch.Subject.
func (t *tail) Position() spool.Position {
	switch {
	case t.key == "":
		return spool.Position{Input: t.input, Data: []byte{progressVersion}} // the input has been started once
	case t.forgotten:
		return spool.Position{Input: t.input, Key: t.key}
	}
	t.headLen, t.headPrint, t.tailPrint = len(t.head), print8(t.head), print8(t.last.bytes())
	return spool.Position{Input: t.input, Key: t.key, Data: t.progress.encode()}
}

// at is where the next byte to read is.
func (t *tail) at() int64 { return t.offset + t.heldLen }

// same says whether the file still holds the bytes before the offset, as far as they are remembered.
func (t *tail) same() (bool, error) {
	var buf [headBytes]byte
	for _, part := range []struct {
		off  int64
		want []byte
	}{{0, t.head}, {t.offset - int64(t.last.n), t.last.bytes()}, {t.at() - int64(t.heldLast.n), t.heldLast.bytes()}} {
		got := buf[:len(part.want)]
		if n, err := t.file.ReadAt(got, part.off); n < len(got) {
			if err == nil || errors.Is(err, io.EOF) {
				return false, nil
			}
			return false, err
		}
		if !bytes.Equal(got, part.want) {
			return false, nil
		}
	}
	return true, nil
}

// matches says whether a file holds, before an offset, what a position says, and returns these bytes.
func (p *progress) matches(f *os.File) (l lines, ok bool) {
	head := make([]byte, p.headLen)
	last := make([]byte, min(p.offset, tailBytes))
	if n, _ := f.ReadAt(head, 0); n < len(head) {
		return lines{}, false
	}
	if n, _ := f.ReadAt(last, p.offset-int64(len(last))); n < len(last) {
		return lines{}, false
	}
	if print8(head) != p.headPrint || print8(last) != p.tailPrint {
		return lines{}, false
	}
	l.head = head
	l.last.add(last)
	return l, true
}

// restart makes the file a new one, to be read from its beginning.
func (t *tail) restart() {
	t.generation = newGeneration()
	t.offset = 0
	t.drop()
	t.head, t.last.n = nil, 0
}

// read reads one chunk. more says that there may be another; truncated that the file does not hold any more what was read.
func (in *Input) readChunk(ctx context.Context, t *tail) (more, truncated bool, err error) {
	n, err := t.file.ReadAt(in.buf, t.at())
	if err != nil && !errors.Is(err, io.EOF) {
		return false, false, err
	}
	// Only now: what was read before a truncation must not count as what stands there after it.
	same, err := t.same()
	if err != nil {
		return false, false, err
	}
	if !same {
		return false, true, nil
	}
	if n == 0 {
		return false, false, nil
	}
	if err := in.cut(ctx, t, in.buf[:n]); err != nil {
		return false, false, err
	}
	return n == len(in.buf), false, nil
}

// cut makes events of the lines in a chunk and holds the rest.
func (in *Input) cut(ctx context.Context, t *tail, chunk []byte) error {
	now := time.Now()
	t.changed = now
	passed := chunk // from where the offset has not been moved yet
	for {
		line, rest := next(chunk)
		if line == nil {
			break
		}
		if t.heldLen > 0 {
			t.hold(line, maxHeld)
			if err := in.emit(ctx, t, t.held, t.heldLen, now); err != nil {
				return err
			}
			t.offset += t.heldLen
			t.release()
			passed = rest
		} else {
			// The offset and what is remembered of the bytes before it move together, before the batch may go.
			text := trim(line)
			if len(text) > 0 && !in.batch.Fits(len(text)+16) {
				t.pass(passed[:len(passed)-len(chunk)])
				passed = chunk
				in.batch.Touch(t)
				if err := in.batch.Flush(ctx, in.sink); err != nil {
					return err
				}
			}
			in.add(t, text, false, now)
			t.offset += int64(len(line))
		}
		chunk = rest
	}
	t.pass(passed[:len(passed)-len(chunk)])
	in.batch.Touch(t)
	if len(chunk) > 0 {
		t.hold(chunk, maxHeld)
	}
	return nil
}

// maxHeld is how much of a line is kept: its body, and the end of the line.
const maxHeld = batch.MaxBody + 2

// emit makes an event of a line that was held; length is that of the whole line.
func (in *Input) emit(ctx context.Context, t *tail, line []byte, length int64, now time.Time) error {
	whole := length == int64(len(line))
	if whole {
		line = trim(line)
	}
	if !in.batch.Fits(len(line) + 16) {
		if err := in.batch.Flush(ctx, in.sink); err != nil {
			return err
		}
	}
	in.add(t, line, !whole, now)
	return nil
}

// add makes an event of a line without its end. Empty lines are none.
func (in *Input) add(t *tail, text []byte, cut bool, now time.Time) {
	if len(text) == 0 {
		return
	}
	if len(text) > batch.MaxBody {
		text, cut = text[:batch.MaxBody], true
	}
	at, timed := now, true
	if in.cfg.Timestamp != nil {
		if at, timed = in.cfg.Timestamp.Time(text, now); !timed {
			at = now
		}
	}
	ev := in.batch.Add(at, now)
	id := sourceID(in.cfg.AgentID, t.generation, t.offset, text)
	ev.SourceId = in.batch.Keep(id[:])
	ev.Body = in.batch.Keep(text)
	ev.Location = t.location
	ev.Truncated = cut
	in.counted(cut, timed)
}

// flushHeld hands on the beginning of a line whose end will not come.
func (in *Input) flushHeld(ctx context.Context, t *tail) error {
	if t.heldLen == 0 {
		return nil
	}
	if err := in.emit(ctx, t, t.held, t.heldLen, time.Now()); err != nil {
		return err
	}
	t.offset += t.heldLen
	t.release()
	in.batch.Touch(t)
	return nil
}

// rotated is what log rotation adds to a name.
var rotated = regexp.MustCompile(`^[._-](\d[\dTZ._:-]*|old|bak|prev)$`)

// related says whether a name is one that log rotation gives to a copy of a file: app.log.1, app.log-20240102, app-20240102.log.
func related(original, name string) bool {
	if filepath.Dir(original) != filepath.Dir(name) {
		return false
	}
	base, candidate := filepath.Base(original), filepath.Base(name)
	if added, ok := strings.CutPrefix(candidate, base); ok && rotated.MatchString(added) {
		return true
	}
	ext := filepath.Ext(base)
	middle, ok := strings.CutPrefix(candidate, strings.TrimSuffix(base, ext))
	middle, ok2 := strings.CutSuffix(middle, ext)
	return ok && ok2 && ext != "" && rotated.MatchString(middle)
}
