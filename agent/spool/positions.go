package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"
)

// Position says how far an input has read one of the things that it reads. The spool keeps the newest one of each key.
type Position struct {
	// Input is the name of the input.
	Input string
	// Key names the thing within the input: a file, an object.
	Key string
	// Data is the input's own; nil: the position is no longer kept.
	Data []byte
}

func (p Position) change() positionChange {
	return positionChange{key: p.Input + "\x00" + p.Key, data: p.Data, forget: p.Data == nil}
}

// positions are the newest positions. Changes stand in the segments, with the events that they belong to. When a segment is
// complete its changes are appended here too, so that the segment can be removed.
type positions struct {
	byInput map[string]map[string][]byte
	dirty   map[string]struct{} // keys changed since the last checkpoint

	file    File
	size    int64 // bytes up to the last mark
	live    int64 // bytes that a new file would have
	suspect bool  // bytes may stand after size
	serial  uint64
}

const positionsName = "positions.log"

func loadPositions(fsys FS, name string) (*positions, error) {
	f, err := fsys.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	p := &positions{byInput: map[string]map[string][]byte{}, dirty: map[string]struct{}{}, file: f}
	end, err := f.Size()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	r := &frameReader{file: f, end: end}
	var batch []positionChange
	for {
		k, payload, size, err := r.peek()
		if err != nil {
			if err != io.EOF && !damaged(err) {
				return nil, errors.Join(fmt.Errorf("reading %s: %w", name, err), f.Close())
			}
			break
		}
		if k == kindMark && len(payload) == 8 {
			for _, c := range batch {
				p.apply(c)
			}
			batch = batch[:0]
			p.serial = binary.LittleEndian.Uint64(payload)
			p.size = r.off + int64(size)
		} else if k == kindPosition || k == kindForget {
			c, err := parsePosition(k, payload)
			if err != nil {
				break
			}
			batch = append(batch, c)
		} else {
			break
		}
		r.advance(size)
	}
	p.suspect = p.size != end
	clear(p.dirty)
	return p, nil
}

// apply makes a change the newest.
func (p *positions) apply(c positionChange) {
	input, key, _ := strings.Cut(c.key, "\x00")
	keys := p.byInput[input]
	if old, ok := keys[key]; ok {
		p.live -= int64(len(c.key) + len(old) + 16)
	}
	if c.forget {
		delete(keys, key)
	} else {
		if keys == nil {
			keys = map[string][]byte{}
			p.byInput[input] = keys
		}
		keys[key] = c.data
		p.live += int64(len(c.key) + len(c.data) + 16)
	}
	p.dirty[c.key] = struct{}{}
}

// of returns a copy of an input's positions.
func (p *positions) of(input string) map[string][]byte {
	keys := maps.Clone(p.byInput[input])
	if keys == nil {
		keys = map[string][]byte{}
	}
	return keys
}

func (p *positions) change(full string) positionChange {
	input, key, _ := strings.Cut(full, "\x00")
	data, ok := p.byInput[input][key]
	return positionChange{key: full, data: data, forget: !ok}
}

// checkpoint makes the changes durable outside the segments; those of the segment with the given serial come after it.
// A failed one can be repeated.
func (p *positions) checkpoint(fsys FS, dir, name string, serial uint64) error {
	if p.size > 2*p.live+1<<20 {
		return p.rewrite(fsys, dir, name, serial)
	}
	var buf []byte
	for key := range p.dirty {
		buf = appendPosition(buf, p.change(key))
	}
	buf = appendMark(buf, serial)
	if p.suspect {
		if err := p.file.Truncate(p.size); err != nil {
			return err
		}
	}
	p.suspect = true
	if _, err := p.file.WriteAt(buf, p.size); err != nil {
		return err
	}
	if err := p.file.Sync(); err != nil {
		return err
	}
	p.suspect = false
	p.size += int64(len(buf))
	p.serial = serial
	clear(p.dirty)
	return nil
}

// rewrite replaces the file by one without what is out of date.
func (p *positions) rewrite(fsys FS, dir, name string, serial uint64) error {
	var buf []byte
	for input, keys := range p.byInput {
		for key := range keys {
			buf = appendPosition(buf, p.change(input+"\x00"+key))
		}
	}
	buf = appendMark(buf, serial)
	if err := replaceFile(fsys, dir, name, buf); err != nil {
		return err
	}
	f, err := fsys.OpenFile(name, os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	old := p.file
	p.file, p.size, p.serial, p.suspect = f, int64(len(buf)), serial, false
	clear(p.dirty)
	_ = old.Close() // what it held stands in the new file
	return nil
}

func appendMark(dst []byte, serial uint64) []byte {
	start := len(dst)
	dst = binary.LittleEndian.AppendUint64(beginFrame(dst, kindMark), serial)
	endFrame(dst, start)
	return dst
}
