package identity

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
	"sort"
	"time"
)

// A segment is a file of sorted keys. Of them only a filter and the first key of each block are in memory.
type segment struct {
	path   string
	file   *os.File
	until  time.Time // its newest record was read before that
	count  int
	first  []uint64 // of each block: the leading 8 bytes
	filter []uint64
	block  []byte
}

const (
	blockKeys  = 256
	blockBytes = blockKeys * len(Key{})
	filterBits = 10 // for each key: one question in a hundred reads a block in vain
	probes     = 7
)

var errUnsorted = errors.New("not a sorted list of keys")

// writeSegment writes keys as a segment; the file appears whole or not at all.
func writeSegment(path string, until time.Time, keys map[Key]struct{}) (*segment, error) {
	sorted := make([]Key, 0, len(keys))
	for key := range keys {
		sorted = append(sorted, key)
	}
	slices.SortFunc(sorted, func(a, b Key) int { return bytes.Compare(a[:], b[:]) })
	data := make([]byte, 0, len(sorted)*len(Key{}))
	for _, key := range sorted {
		data = append(data, key[:]...)
	}
	if err := os.WriteFile(path+".tmp", data, 0o600); err != nil {
		return nil, err
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return nil, err
	}
	return openSegment(path, until)
}

func openSegment(path string, until time.Time) (*segment, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	s := &segment{path: path, file: f, until: until, block: make([]byte, blockBytes)}
	if err := s.scan(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return s, nil
}

// scan builds what is in memory.
func (s *segment) scan() error {
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	s.count = int(info.Size()) / len(Key{})
	s.filter = make([]uint64, s.count*filterBits/64+1)
	var last Key
	for at := 0; at < s.count; at += blockKeys {
		block, err := s.read(at / blockKeys)
		if err != nil {
			return err
		}
		s.first = append(s.first, binary.BigEndian.Uint64(block))
		for ; len(block) > 0; block = block[len(Key{}):] {
			key := Key(block)
			if bytes.Compare(key[:], last[:]) < 0 {
				return errUnsorted
			}
			last = key
			for i := range probes {
				word, bit := s.probe(key, i)
				s.filter[word] |= bit
			}
		}
	}
	return nil
}

// probe is the place in the filter of a key's i-th bit.
func (s *segment) probe(key Key, i int) (word int, bit uint64) {
	a, b := binary.LittleEndian.Uint64(key[:8]), binary.LittleEndian.Uint64(key[8:])|1
	at := (a + uint64(i)*b) % uint64(len(s.filter)*64)
	return int(at / 64), 1 << (at % 64)
}

// read returns a block of keys, valid until the next call.
func (s *segment) read(block int) ([]byte, error) {
	n := min(blockKeys, s.count-block*blockKeys) * len(Key{})
	_, err := s.file.ReadAt(s.block[:n], int64(block)*int64(blockBytes))
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return s.block[:n], err
}

// has says whether a key is in the segment; one that cannot be read is not.
func (s *segment) has(key Key) bool {
	for i := range probes {
		if word, bit := s.probe(key, i); s.filter[word]&bit == 0 {
			return false
		}
	}
	lead := binary.BigEndian.Uint64(key[:8])
	// Equal leading bytes may begin in the block before.
	for at := max(sort.Search(len(s.first), func(i int) bool { return s.first[i] >= lead })-1, 0); at < len(s.first) && s.first[at] <= lead; at++ {
		block, err := s.read(at)
		if err != nil {
			return false
		}
		n := len(block) / len(Key{})
		i := sort.Search(n, func(i int) bool { return bytes.Compare(block[i*len(Key{}):(i+1)*len(Key{})], key[:]) >= 0 })
		if i < n && bytes.Equal(block[i*len(Key{}):(i+1)*len(Key{})], key[:]) {
			return true
		}
	}
	return false
}

func (s *segment) remove() error { return errors.Join(s.file.Close(), os.Remove(s.path)) }
