package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// A frame is: length (4 bytes, little endian, of kind and payload), CRC32C (4 bytes, of length, kind and payload), kind (1 byte),
// payload. The checksum covers the length, so that a damaged length is not taken for the place of the next frame.
const (
	frameHeader = 8
	maxFrame    = 8 << 20
)

type kind byte

const (
	kindEvent    kind = 1 // an encoded Event without its sequence
	kindPosition kind = 2 // length of the key as a varint, key, data
	kindForget   kind = 3 // a key whose position is no longer kept
	kindCommit   kind = 4 // ordinal of the last event up to here, number of events of the batch: the frames before it are a whole
	kindMark     kind = 5 // in the log of positions: serial of the segment whose frames come next
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	// errCut is a frame that ends after the end of the file.
	errCut = errors.New("frame cut off by the end of the file")
	// errChecksum is a frame whose bytes are not those written.
	errChecksum = errors.New("checksum does not match")
)

// beginFrame appends room for a frame's header and its kind; endFrame fills it in.
func beginFrame(dst []byte, k kind) []byte {
	return append(dst, 0, 0, 0, 0, 0, 0, 0, 0, byte(k))
}

// endFrame completes the frame that starts at start and goes to the end of dst.
func endFrame(dst []byte, start int) {
	frame := dst[start:]
	binary.LittleEndian.PutUint32(frame, uint32(len(frame)-frameHeader))
	binary.LittleEndian.PutUint32(frame[4:], frameChecksum(frame))
}

func frameChecksum(frame []byte) uint32 {
	sum := crc32.Update(0, castagnoli, frame[:4])
	return crc32.Update(sum, castagnoli, frame[frameHeader:])
}

func appendCommit(dst []byte, last uint64, events int) []byte {
	start := len(dst)
	dst = beginFrame(dst, kindCommit)
	dst = binary.LittleEndian.AppendUint64(dst, last)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(events))
	endFrame(dst, start)
	return dst
}

func parseCommit(payload []byte) (last uint64, events uint64, err error) {
	if len(payload) != 12 {
		return 0, 0, fmt.Errorf("the end of a batch has %d bytes: %w", len(payload), errChecksum)
	}
	return binary.LittleEndian.Uint64(payload), uint64(binary.LittleEndian.Uint32(payload[8:])), nil
}

// frameReader reads the frames of a file one after the other, through a buffer that is no larger than needed.
type frameReader struct {
	file io.ReaderAt
	off  int64 // of the next frame
	end  int64 // bytes of the file that count

	buf   []byte
	start int64 // offset in the file of buf[0]
}

const readChunk = 256 << 10

// window returns n bytes at the present offset, valid until the next call.
func (r *frameReader) window(n int) ([]byte, error) {
	if r.off+int64(n) > r.end {
		return nil, errCut
	}
	if at := r.off - r.start; at >= 0 && at+int64(n) <= int64(len(r.buf)) {
		return r.buf[at : at+int64(n)], nil
	}
	size := min(int64(max(n, readChunk)), r.end-r.off)
	if int64(cap(r.buf)) < size {
		r.buf = make([]byte, size)
	}
	r.buf = r.buf[:size]
	r.start = r.off
	got, err := r.file.ReadAt(r.buf, r.off)
	if got < n {
		r.buf = r.buf[:0]
		if err == nil || errors.Is(err, io.EOF) {
			return nil, errCut
		}
		return nil, err
	}
	r.buf = r.buf[:got]
	return r.buf[:n], nil
}

// peek returns the next frame without moving on. Its payload is valid until the next call; size is what advance needs.
// At the end the error is io.EOF; errCut and errChecksum are damage, others come from the file system.
func (r *frameReader) peek() (k kind, payload []byte, size int, err error) {
	if r.off == r.end {
		return 0, nil, 0, io.EOF
	}
	head, err := r.window(frameHeader)
	if err != nil {
		return 0, nil, 0, err
	}
	length := binary.LittleEndian.Uint32(head)
	if length == 0 || length > maxFrame {
		return 0, nil, 0, errChecksum
	}
	frame, err := r.window(frameHeader + int(length))
	if err != nil {
		return 0, nil, 0, err
	}
	if binary.LittleEndian.Uint32(frame[4:]) != frameChecksum(frame) {
		return 0, nil, 0, errChecksum
	}
	return kind(frame[frameHeader]), frame[frameHeader+1:], len(frame), nil
}

func (r *frameReader) advance(size int) { r.off += int64(size) }

// damaged says whether err is about the bytes of a file, not about reading them.
func damaged(err error) bool { return errors.Is(err, errCut) || errors.Is(err, errChecksum) }
