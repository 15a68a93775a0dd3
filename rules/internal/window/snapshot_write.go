package window

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"slices"
)

// The form of a snapshot: the magic, a version (2 bytes), then sections. A section is its kind (1 byte), the length of
// its content (4 bytes), the content, and the CRC-32C of all three (4 bytes). A kind may have several sections, one
// after the other. The last section is sectionEnd; its content is the number of sections before it. Fixed numbers are
// little-endian, those in contents are varints, strings are a length and bytes.
const (
	snapshotMagic   = "ARMORSTATE"
	snapshotVersion = 1
	// sectionFull ends a section when it has so many bytes.
	sectionFull = 256 << 10
	// maxSection is the longest content: one entry more than sectionFull.
	maxSection = sectionFull + maxEventBytes + 1<<20
	// listChunk is how many events of a list one entry holds; a list may have several.
	listChunk = 4096
)

const (
	sectionEnd byte = iota
	sectionHead
	sectionEvents
	sectionLists
	sectionFloors
	sectionFired
	sectionIgnored
	sectionSeen
	sectionMasked
	sectionDiffs
	sectionAccumulated
	sectionSimilar
	numSections
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sections writes a snapshot.
type sections struct {
	w     io.Writer
	kind  byte
	buf   []byte // content of the open section, behind room for its head
	count uint64
	err   error
}

const sectionPrefix = 5

func (s *sections) begin(kind byte) {
	s.flush()
	s.kind = kind
}

// entryEnd is called behind each entry; it closes sections that are full.
func (s *sections) entryEnd() {
	if len(s.buf) >= sectionFull {
		s.flush()
	}
}

func (s *sections) flush() {
	if len(s.buf) > sectionPrefix && s.err == nil {
		s.seal()
	}
	s.buf = append(s.buf[:0], make([]byte, sectionPrefix)...)
}

func (s *sections) seal() {
	n := len(s.buf) - sectionPrefix
	if n > maxSection {
		s.err = fmt.Errorf("an entry of %d bytes is longer than %d", n, maxSection)
		return
	}
	s.buf[0] = s.kind
	binary.LittleEndian.PutUint32(s.buf[1:], uint32(n))
	s.buf = binary.LittleEndian.AppendUint32(s.buf, crc32.Checksum(s.buf, castagnoli))
	s.count++
	_, s.err = s.w.Write(s.buf)
}

func (s *sections) uint(n uint64) { s.buf = binary.AppendUvarint(s.buf, n) }
func (s *sections) int(n int64)   { s.buf = binary.AppendVarint(s.buf, n) }

func (s *sections) string(text string) {
	s.uint(uint64(len(text)))
	s.buf = append(s.buf, text...)
}

// write encodes a picture.
func (p *picture) write(w io.Writer) error {
	if _, err := w.Write(binary.LittleEndian.AppendUint16([]byte(snapshotMagic), snapshotVersion)); err != nil {
		return err
	}
	s := &sections{w: w}
	s.begin(sectionHead)
	s.int(p.taken.UnixNano())
	s.uint(uint64(len(p.names)))
	for _, name := range p.names {
		s.string(name)
	}
	p.writeLists(s)
	p.writeRules(s)
	p.writeKeys(s)
	s.begin(sectionEnd)
	s.uint(s.count)
	s.flush()
	return s.err
}

// writeLists writes each event once, then the lists, which name events by their number.
func (p *picture) writeLists(s *sections) {
	numbers := map[*kept]uint64{}
	var e Event
	s.begin(sectionEvents)
	for _, l := range p.lists {
		for i, k := range l.events {
			if _, ok := numbers[k]; !ok {
				numbers[k] = uint64(len(numbers))
				k.event(&e)
				s.event(&e, l.consumed[i])
				s.entryEnd()
			}
		}
	}
	s.begin(sectionLists)
	for _, l := range p.lists {
		for from := 0; from < len(l.events); from += listChunk {
			to := min(from+listChunk, len(l.events))
			s.string(l.key)
			s.int(l.maxAge)
			s.uint(flags(l.disordered))
			s.uint(uint64(to - from))
			last := int64(0)
			for i, k := range l.events[from:to] {
				s.uint(numbers[k])
				s.int(l.times[from+i] - last)
				last = l.times[from+i]
			}
			s.entryEnd()
		}
	}
}

// flags packs booleans, the first into the lowest bit.
func flags(on ...bool) (n uint64) {
	for i, b := range on {
		if b {
			n |= 1 << i
		}
	}
	return n
}

func (s *sections) event(e *Event, consumed int8) {
	s.int(e.Time)
	s.string(e.Agent)
	s.string(e.Location)
	s.uint(uint64(e.Category))
	s.uint(uint64(consumed))
	s.string(e.Full)
	// Log mostly is the end of Full.
	if n := len(e.Full) - len(e.Log); n >= 0 && e.Full[n:] == e.Log {
		s.uint(uint64(len(e.Log))<<1 | 1)
	} else {
		s.uint(uint64(len(e.Log)) << 1)
		s.buf = append(s.buf, e.Log...)
	}
	s.uint(uint64(e.Present))
	for slot, v := range e.Static {
		if e.Present&(1<<slot) != 0 {
			s.string(v)
		}
	}
	s.uint(flags(e.HasDynamic))
	s.uint(uint64(len(e.Dynamic)))
	for _, v := range e.Dynamic {
		if !v.Set {
			s.uint(0)
			continue
		}
		s.uint(uint64(len(v.Text)) + 1)
		s.buf = append(s.buf, v.Text...)
	}
}

func (p *picture) writeRules(s *sections) {
	s.begin(sectionFloors)
	for _, key := range slices.Sorted(maps.Keys(p.floors)) {
		s.string(key)
		s.string(p.floors[key].list)
		s.uint(uint64(p.floors[key].place))
		s.entryEnd()
	}
	s.begin(sectionFired)
	for _, key := range slices.Sorted(maps.Keys(p.fired)) {
		s.string(key)
		s.uint(p.fired[key])
		s.entryEnd()
	}
	s.begin(sectionIgnored)
	for _, key := range slices.Sorted(maps.Keys(p.ignored)) {
		s.string(key)
		s.int(p.ignored[key])
		s.entryEnd()
	}
}

func (s *sections) keys(kind byte, keys copied[nothing]) {
	s.begin(kind)
	for key := range keys.all {
		s.string(key)
		s.entryEnd()
	}
}

func (p *picture) writeKeys(s *sections) {
	s.keys(sectionSeen, p.seen)
	s.keys(sectionMasked, p.masked)
	s.begin(sectionSimilar)
	for _, k := range p.idsNames {
		s.string(k)
	}
	s.begin(sectionDiffs)
	for key, text := range p.diffs.all {
		if !p.known(ruleOf(key)) {
			continue
		}
		s.string(key)
		s.string(text)
		s.entryEnd()
	}
	s.begin(sectionAccumulated)
	for key, a := range p.acc.all {
		s.string(key)
		s.int(a.time)
		s.uint(flags(a.present[:]...))
		for i, v := range a.values {
			if a.present[i] {
				s.string(v)
			}
		}
		s.entryEnd()
	}
}
