package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"
)

// A segment is one file of the log: a header, then frames. Only the last one is written to.
type segment struct {
	serial uint64 // number of the file, ascending
	base   uint64 // ordinal of its first event
	count  uint64 // events that can be read
	size   int64  // bytes up to the last whole batch
	disk   int64  // bytes of the file
	index  []place

	aside   bool // part of it is damaged: put aside rather than removed
	adopted bool // the last batch is not whole, but some of it counts

	finished time.Time // when all of it was found to be receipted; zero: it was not
}

// place is where an event stands; every 256th is noted.
type place struct {
	ordinal uint64
	off     int64
}

const (
	segmentMagic  = "armorspl"
	segmentHeader = 32
	indexEvery    = 256
)

func (s *segment) next() uint64 { return s.base + s.count }

// note remembers where an event starts, if it is one to be noted.
func (s *segment) note(ordinal uint64, off int64) {
	if (ordinal-s.base)%indexEvery == 0 {
		s.index = append(s.index, place{ordinal, off})
	}
}

// locate returns the noted place at or before an ordinal.
func (s *segment) locate(ordinal uint64) place {
	at := place{s.base, segmentHeader}
	if i := min(int((ordinal-s.base)/indexEvery), len(s.index)-1); i >= 0 {
		at = s.index[i]
	}
	return at
}

func segmentName(serial uint64) string { return fmt.Sprintf("%016x.seg", serial) }

func parseSegmentName(name string) (serial uint64, ok bool) {
	digits, found := strings.CutSuffix(name, ".seg")
	if !found || len(digits) != 16 {
		return 0, false
	}
	serial, err := strconv.ParseUint(digits, 16, 64)
	return serial, err == nil && serial > 0
}

func encodeSegmentHeader(serial, base uint64) []byte {
	head := make([]byte, segmentHeader)
	copy(head, segmentMagic)
	binary.LittleEndian.PutUint32(head[8:], 1)
	binary.LittleEndian.PutUint64(head[16:], serial)
	binary.LittleEndian.PutUint64(head[24:], base)
	binary.LittleEndian.PutUint32(head[12:], crc32.Checksum(head, castagnoli))
	return head
}

// readSegmentHeader returns the first ordinal. An error that damaged() knows is about the file's bytes.
func readSegmentHeader(f io.ReaderAt, serial uint64) (base uint64, err error) {
	head := make([]byte, segmentHeader)
	if n, err := f.ReadAt(head, 0); n < segmentHeader {
		if err == nil || errors.Is(err, io.EOF) {
			return 0, errCut
		}
		return 0, err
	}
	sum := binary.LittleEndian.Uint32(head[12:])
	binary.LittleEndian.PutUint32(head[12:], 0)
	if string(head[:8]) != segmentMagic || sum != crc32.Checksum(head, castagnoli) || binary.LittleEndian.Uint64(head[16:]) != serial {
		return 0, errChecksum
	}
	if version := binary.LittleEndian.Uint32(head[8:]); version != 1 {
		return 0, fmt.Errorf("segment format %d is not known to this version of Armor: %w", version, errVersion)
	}
	return binary.LittleEndian.Uint64(head[24:]), nil
}

var errVersion = errors.New("use a newer version")

// positionChange is one position or forget frame.
type positionChange struct {
	key    string
	data   []byte
	forget bool
}

// scan reads a segment from its header on and fills in count, size and index. Events above limit belong to the next segment: the
// writing of a batch failed here and was repeated there. Events of a batch that is not whole count up to committed, because then
// they were once acknowledged. It returns the position changes of the whole batches, in order, and what stopped it, nil at the
// clean end.
func (s *segment) scan(f io.ReaderAt, limit, committed uint64) (changes []positionChange, failure error) {
	r := &frameReader{file: f, off: segmentHeader, end: s.disk}
	s.count, s.size, s.index = 0, segmentHeader, nil
	var batch []positionChange
	var loose uint64 // events of the batch at hand
	for failure == nil {
		k, payload, size, err := r.peek()
		switch {
		case err == io.EOF && loose == 0 && len(batch) == 0:
			return changes, nil
		case err == io.EOF:
			failure = errCut
		case err != nil:
			failure = err
		case k == kindEvent && s.next()+loose > limit:
			s.adopt(0)
			return changes, nil
		case k == kindEvent:
			s.note(s.next()+loose, r.off)
			loose++
		case k == kindPosition || k == kindForget:
			var change positionChange
			change, failure = parsePosition(k, payload)
			batch = append(batch, change)
		case k == kindCommit:
			var last, events uint64
			last, events, failure = parseCommit(payload)
			if failure == nil && (events != loose || last != s.next()+loose-1) {
				failure = fmt.Errorf("the end of a batch does not fit it: %w", errChecksum)
			}
			if failure == nil {
				s.count += loose
				s.size = r.off + int64(size)
				changes = append(changes, batch...)
				loose, batch = 0, nil
			}
		default:
			failure = fmt.Errorf("unknown kind %d: %w", k, errChecksum)
		}
		if failure != nil {
			break
		}
		r.advance(size)
	}
	if upTo := min(limit, committed); loose > 0 && upTo >= s.next() {
		s.adopt(min(loose, upTo-s.next()+1))
	} else {
		s.adopt(0)
	}
	return changes, fmt.Errorf("at byte %d: %w", r.off, failure)
}

// adopt counts n events of a batch without its end, and forgets where those after them are.
func (s *segment) adopt(n uint64) {
	s.count += n
	s.adopted = n > 0
	for len(s.index) > 0 && s.index[len(s.index)-1].ordinal >= s.next() {
		s.index = s.index[:len(s.index)-1]
	}
}

func appendPosition(dst []byte, c positionChange) []byte {
	start := len(dst)
	if c.forget {
		dst = append(beginFrame(dst, kindForget), c.key...)
	} else {
		dst = binary.AppendUvarint(beginFrame(dst, kindPosition), uint64(len(c.key)))
		dst = append(append(dst, c.key...), c.data...)
	}
	endFrame(dst, start)
	return dst
}

// parsePosition copies what it returns.
func parsePosition(k kind, payload []byte) (positionChange, error) {
	if k == kindForget {
		return positionChange{key: string(payload), forget: true}, nil
	}
	length, n := binary.Uvarint(payload)
	if n <= 0 || length > uint64(len(payload)-n) {
		return positionChange{}, fmt.Errorf("position frame without its key: %w", errChecksum)
	}
	key, data := payload[n:n+int(length)], payload[n+int(length):]
	return positionChange{key: string(key), data: append([]byte{}, data...)}, nil
}

// openSegment opens a file, reads its header and notes its length.
func openSegment(fsys FS, path string, serial uint64) (File, *segment, error) {
	f, err := fsys.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, nil, err
	}
	seg := &segment{serial: serial}
	if seg.disk, err = f.Size(); err == nil {
		seg.base, err = readSegmentHeader(f, serial)
	}
	if err == nil && (seg.base == 0 || seg.base > math.MaxUint64/2) {
		err = errChecksum
	}
	if err != nil {
		return f, seg, err
	}
	return f, seg, nil
}
