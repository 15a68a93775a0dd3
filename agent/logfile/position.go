package logfile

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"os"
	"syscall"
)

// A file is known again by its device and inode, and by its content: prints of its first bytes and of those just before the
// offset. A file of which these do not match has been truncated and written anew, or is another one that got the inode.
const (
	headBytes = 512
	tailBytes = 64
)

// node is a file's place on its device.
type node struct{ dev, ino uint64 }

func nodeOf(info os.FileInfo) (n node, links uint64) {
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		return node{uint64(sys.Dev), sys.Ino}, uint64(sys.Nlink)
	}
	return node{}, 1
}

// generation is what the source ids of a file's lines are made of, besides their offsets. A file gets a new one when it is
// truncated or replaced; a copy of it keeps it.
type generation [16]byte

func newGeneration() (g generation) {
	_, _ = rand.Read(g[:]) // never fails
	return g
}

func newKey() string {
	g := newGeneration()
	return hex.EncodeToString(g[:8])
}

// progress is how far a file has been read. It is kept with the events.
type progress struct {
	path       string // where the file is, or was last
	location   string // where it was found first: the location of its events
	node       node
	generation generation
	offset     int64 // of the first line that was not handed on
	mtime      int64 // when it was written to, at the last look at which it was still the same
	headLen    int
	headPrint  [8]byte
	tailPrint  [8]byte
}

const progressVersion = 1

func (p *progress) encode() []byte {
	data := []byte{progressVersion}
	data = append(data, p.generation[:]...)
	data = append(append(data, p.headPrint[:]...), p.tailPrint[:]...)
	data = binary.AppendUvarint(data, p.node.dev)
	data = binary.AppendUvarint(data, p.node.ino)
	data = binary.AppendUvarint(data, uint64(p.offset))
	data = binary.AppendUvarint(data, uint64(p.mtime))
	data = binary.AppendUvarint(data, uint64(p.headLen))
	data = append(binary.AppendUvarint(data, uint64(len(p.path))), p.path...)
	return append(data, p.location...)
}

func decodeProgress(data []byte) (p progress, ok bool) {
	const fixed = 1 + 16 + 8 + 8
	if len(data) < fixed || data[0] != progressVersion {
		return progress{}, false
	}
	copy(p.generation[:], data[1:])
	copy(p.headPrint[:], data[17:])
	copy(p.tailPrint[:], data[25:])
	data = data[fixed:]
	next := func() uint64 {
		v, n := binary.Uvarint(data)
		if n <= 0 {
			data, ok = nil, false
			return 0
		}
		data = data[n:]
		return v
	}
	ok = true
	p.node = node{next(), next()}
	p.offset = int64(next())
	p.mtime = int64(next())
	p.headLen = int(next())
	length := next()
	if !ok || length > uint64(len(data)) || p.offset < 0 || p.headLen < 0 || p.headLen > headBytes {
		return progress{}, false
	}
	p.path, p.location = string(data[:length]), string(data[length:])
	return p, true
}

func print8(p []byte) (sum [8]byte) {
	full := sha256.Sum256(p)
	copy(sum[:], full[:])
	return sum
}

// sourceID is what a line is, however often it is read: its text, and where it stands in which generation of which agent's file.
func sourceID(agent string, g generation, offset int64, line []byte) [16]byte {
	h := sha256.New()
	var place [24]byte
	copy(place[:], g[:])
	binary.BigEndian.PutUint64(place[16:], uint64(offset))
	h.Write([]byte(agent))
	h.Write(place[:])
	h.Write(line)
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	return [16]byte(sum[:16])
}
