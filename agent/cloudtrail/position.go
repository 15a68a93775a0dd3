package cloudtrail

import (
	"crypto/sha256"
	"encoding/binary"
)

// progress is how far a file has been read, and what it looked like. It is kept with the events.
type progress struct {
	stamp   stamp
	records uint64
	chain   uint64 // of the sums of these records: tells whether the file still begins with them
	done    bool
}

const progressVersion = 1

func (p progress) encode() []byte {
	data := []byte{progressVersion, 0}
	if p.done {
		data[1] = 1
	}
	data = binary.AppendVarint(data, p.stamp.size)
	data = binary.AppendVarint(data, p.stamp.mtime)
	data = binary.AppendUvarint(data, p.stamp.inode)
	data = binary.AppendUvarint(data, p.records)
	return binary.LittleEndian.AppendUint64(data, p.chain)
}

// decodeProgress returns false if the data is not this version's: the file is then read again, which its records' ids make harmless.
func decodeProgress(data []byte) (p progress, ok bool) {
	if len(data) < 2 || data[0] != progressVersion {
		return progress{}, false
	}
	p.done = data[1] == 1
	data = data[2:]
	signed := func() (v int64) {
		v, n := binary.Varint(data)
		data = data[max(n, 0):]
		return v
	}
	unsigned := func() (v uint64) {
		v, n := binary.Uvarint(data)
		data = data[max(n, 0):]
		return v
	}
	p.stamp = stamp{size: signed(), mtime: signed(), inode: unsigned()}
	p.records = unsigned()
	if len(data) != 8 {
		return progress{}, false
	}
	p.chain = binary.LittleEndian.Uint64(data)
	return p, true
}

// link adds the next record's sum to a chain. The sum is a good hash already; the chain only has to depend on the order.
func link(chain uint64, sum *[sha256.Size]byte) uint64 {
	chain ^= binary.LittleEndian.Uint64(sum[:8])
	chain = chain<<29 | chain>>35
	return chain*0x9E3779B97F4A7C15 + binary.LittleEndian.Uint64(sum[8:16])
}
