package spool

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
)

// marks is a file of two slots written in turn, so that one is always whole: how far the spool was committed and receipted.
// It is written without a sync, which survives the death of the process, and synced before a segment is removed.
type marks struct {
	file       File
	generation uint64
	slot       int64  // the one to write next: never the newest whole one
	committed  uint64 // ordinal
	receipted  uint64 // ordinal
}

const (
	markSlot = 512 // bytes between slots: never in one sector
	markSize = 28
)

// openMarks opens or makes the file. found is false if it held no whole slot.
func openMarks(fsys FS, name string) (m *marks, found bool, err error) {
	f, err := fsys.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, false, err
	}
	m = &marks{file: f}
	for slot := range int64(2) {
		buf := make([]byte, markSize)
		if n, err := f.ReadAt(buf, slot*markSlot); n < markSize {
			if err != nil && !errors.Is(err, io.EOF) {
				return nil, false, errors.Join(err, f.Close())
			}
			continue
		}
		if crc32.Checksum(buf[:24], castagnoli) != binary.LittleEndian.Uint32(buf[24:]) {
			continue
		}
		generation := binary.LittleEndian.Uint64(buf)
		if generation == 0 || generation <= m.generation {
			continue
		}
		found = true
		m.generation = generation
		m.slot = 1 - slot
		m.committed = binary.LittleEndian.Uint64(buf[8:])
		m.receipted = binary.LittleEndian.Uint64(buf[16:])
	}
	return m, found, nil
}

// set writes both marks. They count even if the writing fails; the slot is then written again next time, so that the other one
// stays whole.
func (m *marks) set(committed, receipted uint64) error {
	m.committed, m.receipted = committed, receipted
	m.generation++
	var buf [markSize]byte
	binary.LittleEndian.PutUint64(buf[:], m.generation)
	binary.LittleEndian.PutUint64(buf[8:], committed)
	binary.LittleEndian.PutUint64(buf[16:], receipted)
	binary.LittleEndian.PutUint32(buf[24:], crc32.Checksum(buf[:24], castagnoli))
	if _, err := m.file.WriteAt(buf[:], m.slot*markSlot); err != nil {
		return err
	}
	m.slot = 1 - m.slot
	return nil
}
