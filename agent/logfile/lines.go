package logfile

import "bytes"

// lines cuts a file's bytes into lines and keeps what is needed to know the place again.
type lines struct {
	held     []byte // the beginning of a line whose end has not been read; at most maxLine of it
	heldLen  int64  // all of it
	heldLast recent // its last bytes

	head []byte // first bytes of the file, up to the offset
	last recent // last bytes before the offset
}

// recent are the last bytes of a run.
type recent struct {
	buf [tailBytes]byte
	n   int
}

func (r *recent) bytes() []byte { return r.buf[:r.n] }

func (r *recent) add(p []byte) {
	if len(p) >= tailBytes {
		r.n = copy(r.buf[:], p[len(p)-tailBytes:])
		return
	}
	if over := r.n + len(p) - tailBytes; over > 0 {
		r.n = copy(r.buf[:], r.buf[over:r.n])
	}
	r.n += copy(r.buf[r.n:], p)
}

// pass moves the offset over bytes that follow it.
func (l *lines) pass(p []byte) {
	if room := headBytes - len(l.head); room > 0 {
		l.head = append(l.head, p[:min(room, len(p))]...)
	}
	l.last.add(p)
}

// hold keeps the beginning of a line.
func (l *lines) hold(p []byte, limit int) {
	if l.held == nil {
		l.held = make([]byte, 0, max(len(p), 256))
	}
	l.held = append(l.held, p[:min(len(p), max(limit-len(l.held), 0))]...)
	l.heldLen += int64(len(p))
	l.heldLast.add(p)
}

// release moves the offset over what is held.
func (l *lines) release() {
	if room := headBytes - len(l.head); room > 0 {
		l.head = append(l.head, l.held[:min(room, len(l.held))]...)
	}
	if l.heldLen >= tailBytes {
		l.last = l.heldLast
	} else {
		l.last.add(l.heldLast.bytes())
	}
	l.drop()
}

func (l *lines) drop() {
	if cap(l.held) > 64<<10 {
		l.held = nil
	}
	l.held, l.heldLen, l.heldLast.n = l.held[:0], 0, 0
}

// next cuts the next line, its end included, off chunk; nil if chunk has no end of a line.
func next(chunk []byte) (line, rest []byte) {
	if i := bytes.IndexByte(chunk, '\n'); i >= 0 {
		return chunk[:i+1], chunk[i+1:]
	}
	return nil, chunk
}

// trim takes the end of a line off: LF, and CR before it.
func trim(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte{'\n'})
	return bytes.TrimSuffix(line, []byte{'\r'})
}
