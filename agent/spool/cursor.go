package spool

import (
	"io"
	"os"
	"sort"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// cursor reads the events of the segments one after the other. One goroutine at a time may use it.
type cursor struct {
	spool   *Spool
	file    File
	serial  uint64
	frames  frameReader
	ordinal uint64 // of the event at or after frames.off
	size    int    // of the frame that was looked at last
}

// Close releases the file.
func (c *cursor) Close() error {
	if c.file == nil {
		return nil
	}
	f := c.file
	c.file, c.serial = nil, 0
	return f.Close()
}

// seek goes to an event of a segment, of which end bytes may be read.
func (c *cursor) seek(seg *segment, ordinal uint64, end int64) error {
	if c.file == nil || c.serial != seg.serial {
		_ = c.Close()
		f, err := c.spool.fs.OpenFile(c.spool.path(segmentName(seg.serial)), os.O_RDONLY, 0)
		if err != nil {
			return err
		}
		c.file, c.serial = f, seg.serial
		c.frames = frameReader{file: f, buf: c.frames.buf[:0]}
		c.ordinal = 0
	}
	if at := seg.locate(ordinal); c.ordinal == 0 || c.ordinal > ordinal || c.ordinal < at.ordinal {
		c.frames.off, c.ordinal = at.off, at.ordinal
	}
	c.frames.end = end
	return nil
}

// peek returns an event, encoded without its sequence and valid until the next call, at or behind the place of the cursor.
func (c *cursor) peek(ordinal uint64) ([]byte, error) {
	for {
		k, payload, size, err := c.frames.peek()
		if err == io.EOF {
			err = errCut
		}
		if err != nil {
			return nil, err
		}
		c.size = size
		if k == kindEvent && c.ordinal >= ordinal {
			return payload, nil
		}
		if k == kindEvent {
			c.ordinal++
		}
		c.frames.advance(size)
	}
}

// advance moves over the event that was looked at.
func (c *cursor) advance() {
	c.ordinal++
	c.frames.advance(c.size)
}

// segmentOf returns a copy of the segment that an ordinal is in, or of the first one, and the end of what may be read of it.
func (s *Spool) segmentOf(ordinal uint64) (seg segment, end int64) {
	i := sort.Search(len(s.segments), func(i int) bool { return s.segments[i].base > ordinal }) - 1
	i = max(i, 0)
	seg = *s.segments[i]
	if i == len(s.segments)-1 {
		return seg, seg.size
	}
	return seg, seg.disk
}

// readTimeOf finds out when an encoded event was read; zero if it does not say.
func readTimeOf(event []byte) time.Time {
	stamp, ok := field(event, 4)
	if !ok {
		return time.Time{}
	}
	var seconds, nanos uint64
	for len(stamp) > 0 {
		number, kind, n := protowire.ConsumeTag(stamp)
		if n < 0 || kind != protowire.VarintType {
			break
		}
		value, m := protowire.ConsumeVarint(stamp[n:])
		if m < 0 {
			break
		}
		switch number {
		case 1:
			seconds = value
		case 2:
			nanos = value
		}
		stamp = stamp[n+m:]
	}
	return time.Unix(int64(seconds), int64(nanos))
}

// field finds a field of bytes in an encoded message.
func field(message []byte, want protowire.Number) (value []byte, ok bool) {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return nil, false
		}
		message = message[n:]
		if number == want && kind == protowire.BytesType {
			value, n = protowire.ConsumeBytes(message)
			return value, n >= 0
		}
		if n = protowire.ConsumeFieldValue(number, kind, message); n < 0 {
			return nil, false
		}
		message = message[n:]
	}
	return nil, false
}
