package window

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"time"

	"armor/rules/internal/fields"
)

// maxNames is how many compared fields a snapshot may name.
const maxNames = 1 << 16

// reader reads a snapshot. What it builds is bounded by its budget, whatever the input claims.
type reader struct {
	p      picture
	limits Limits
	events []*kept
	lists  map[string]int // key to index in p.lists
	budget int            // bytes that may still be built
	listed int            // bytes of events in lists
}

// overhead is about how much memory one small entry takes beside its text.
const overhead = 128

// readPicture decodes a snapshot and checks all of it.
func readPicture(src io.Reader, limits Limits) (*picture, error) {
	head := make([]byte, len(snapshotMagic)+2)
	if _, err := io.ReadFull(src, head); err != nil {
		return nil, fmt.Errorf("the snapshot is cut off in its head: %w", noEOF(err))
	}
	if string(head[:len(snapshotMagic)]) != snapshotMagic {
		return nil, errors.New("this is no snapshot of an engine's state")
	}
	if v := binary.LittleEndian.Uint16(head[len(snapshotMagic):]); v != snapshotVersion {
		return nil, fmt.Errorf("the snapshot has version %d, and this program reads version %d", v, snapshotVersion)
	}
	r := &reader{
		limits: limits, lists: map[string]int{},
		budget: limits.Bytes + limits.Diffs + limits.Accumulated + 2*limits.Keys*(maxKey+overhead) + 64<<20,
	}
	r.p.floors, r.p.fired, r.p.ignored = map[string]floorPicture{}, map[string]uint64{}, map[string]int64{}
	for n := uint64(0); ; n++ {
		kind, content, err := readSection(src)
		if err != nil {
			return nil, fmt.Errorf("section %d of the snapshot: %w", n, err)
		}
		c := &cursor{rest: content}
		if kind == sectionEnd {
			if c.uint() != n || c.bad || c.rest != "" {
				return nil, fmt.Errorf("the snapshot does not have the %d sections that it should have", n)
			}
			return &r.p, nil
		}
		if (kind == sectionHead) != (n == 0) {
			return nil, fmt.Errorf("section %d of the snapshot: out of place", n)
		}
		if err := r.section(kind, c); err != nil {
			return nil, fmt.Errorf("section %d of the snapshot: %w", n, err)
		}
	}
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func readSection(src io.Reader) (kind byte, content string, err error) {
	var buf bytes.Buffer
	if _, err := io.CopyN(&buf, src, sectionPrefix); err != nil {
		return 0, "", fmt.Errorf("cut off: %w", noEOF(err))
	}
	kind = buf.Bytes()[0]
	n := binary.LittleEndian.Uint32(buf.Bytes()[1:])
	if n > maxSection || kind >= numSections {
		return 0, "", fmt.Errorf("damaged: kind %d, length %d", kind, n)
	}
	if _, err := io.CopyN(&buf, src, int64(n)+4); err != nil {
		return 0, "", fmt.Errorf("cut off: %w", noEOF(err))
	}
	all := buf.Bytes()
	sum := len(all) - 4
	if crc32.Checksum(all[:sum], castagnoli) != binary.LittleEndian.Uint32(all[sum:]) {
		return 0, "", errors.New("damaged: its checksum is wrong")
	}
	return kind, string(all[sectionPrefix:sum]), nil
}

// cursor takes values off the front of a section's content. After the first that is not there it is bad and gives
// zeros.
type cursor struct {
	rest string
	bad  bool
}

func (c *cursor) fail() {
	c.bad, c.rest = true, ""
}

func (c *cursor) uint() uint64 {
	var v uint64
	for i := 0; i < len(c.rest) && i < binary.MaxVarintLen64; i++ {
		b := c.rest[i]
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			c.rest = c.rest[i+1:]
			return v
		}
	}
	c.fail()
	return 0
}

func (c *cursor) int() int64 {
	u := c.uint()
	return int64(u>>1) ^ -int64(u&1)
}

// upTo is a number that must not be above a bound.
func (c *cursor) upTo(bound uint64) uint64 {
	v := c.uint()
	if v > bound {
		c.fail()
		return 0
	}
	return v
}

func (c *cursor) take(n uint64) string {
	if n > uint64(len(c.rest)) {
		c.fail()
		return ""
	}
	s := c.rest[:n]
	c.rest = c.rest[n:]
	return s
}

func (c *cursor) string() string { return c.take(c.uint()) }

// keep is a string with memory of its own.
func (c *cursor) keep() string { return strings.Clone(c.string()) }

// spend counts memory against the budget.
func (r *reader) spend(n int) error {
	if r.budget -= n; r.budget < 0 {
		return errors.New("the snapshot holds more than the limits of this state allow; raise the limits or leave the snapshot aside")
	}
	return nil
}

// section decodes the content of one section.
func (r *reader) section(kind byte, c *cursor) error {
	if kind == sectionHead {
		return r.head(c)
	}
	entry := r.entries()[kind]
	for c.rest != "" {
		before := len(c.rest)
		entry(c)
		if c.bad {
			break
		}
		if err := r.spend(before - len(c.rest) + overhead); err != nil {
			return err
		}
		if r.listed > r.limits.Bytes {
			return r.spend(r.budget + 1)
		}
	}
	if c.bad {
		return errors.New("damaged: its content does not fit its form")
	}
	return nil
}

func (r *reader) head(c *cursor) error {
	r.p.taken = time.Unix(0, c.int())
	for range c.upTo(maxNames) {
		r.p.names = append(r.p.names, fields.Fold(c.keep()))
		if c.bad {
			break
		}
	}
	if c.bad {
		return errors.New("damaged: its content does not fit its form")
	}
	return nil // more may follow in later versions of the same form
}

// entries has, by kind of section, what decodes one entry.
func (r *reader) entries() [numSections]func(*cursor) {
	p := &r.p
	return [numSections]func(*cursor){
		sectionEvents: r.event,
		sectionLists:  r.list,
		sectionFloors: func(c *cursor) {
			key := c.keep()
			p.floors[key] = floorPicture{c.keep(), int(c.upTo(1 << 40))}
		},
		sectionFired:   func(c *cursor) { p.fired[c.keep()] = c.uint() },
		sectionIgnored: func(c *cursor) { p.ignored[c.keep()] = c.int() },
		sectionSeen:    func(c *cursor) { p.seen.add(c.keep(), nothing{}) },
		sectionMasked:  func(c *cursor) { p.masked.add(c.keep(), nothing{}) },
		sectionSimilar: func(c *cursor) {
			if p.idsNames = append(p.idsNames, c.keep()); len(p.idsNames) > similarRecent {
				c.fail()
			}
		},
		sectionDiffs: func(c *cursor) {
			key := c.keep()
			p.diffs.add(key, c.keep())
		},
		sectionAccumulated: func(c *cursor) {
			key := c.keep()
			a := &accumulated{time: c.int()}
			present := c.upTo(1<<len(carried) - 1)
			for i := range carried {
				if present&(1<<i) != 0 {
					a.present[i], a.values[i] = true, c.keep()
				}
			}
			r.budget -= 200
			p.acc.add(key, a)
		},
	}
}

func (r *reader) event(c *cursor) {
	e := Event{Time: c.int(), Agent: c.string(), Location: c.string(), Category: uint8(c.upTo(255)), Consumed: int(c.upTo(maxLevel)), Full: c.string()}
	n := c.uint()
	switch {
	case n&1 == 0:
		e.Log = c.take(n >> 1)
	case n>>1 <= uint64(len(e.Full)):
		e.Log = e.Full[len(e.Full)-int(n>>1):]
	default:
		c.fail()
	}
	e.Present = uint32(c.upTo(1<<fields.NumSlots - 1))
	for slot := range e.Static {
		if e.Present&(1<<slot) != 0 {
			e.Static[slot] = c.string()
		}
	}
	e.HasDynamic = c.upTo(1) == 1
	count := c.upTo(uint64(len(r.p.names)))
	for range min(count, uint64(len(c.rest))) { // each takes a byte at least
		var v Value
		if n := c.uint(); n > 0 {
			v = Value{Text: c.take(n - 1), Set: true}
		}
		e.Dynamic = append(e.Dynamic, v)
	}
	if uint64(len(e.Dynamic)) != count {
		c.fail()
	}
	if c.bad {
		return
	}
	kept := e.clone()
	// Its fields may come to lie in more places of the memory than here.
	r.budget -= kept.bytes()
	r.events = append(r.events, kept)
}

func (r *reader) list(c *cursor) {
	key, maxAge, on, count := c.keep(), c.int(), c.upTo(1), c.uint()
	if c.bad || maxAge < 0 || maxAge > 1<<32 || count > uint64(len(c.rest)) {
		c.fail()
		return
	}
	i, ok := r.lists[key]
	if !ok {
		i = len(r.p.lists)
		r.lists[key] = i
		r.p.lists = append(r.p.lists, listPicture{key: key, maxAge: maxAge, disordered: on == 1})
	}
	lp := &r.p.lists[i]
	last := int64(0)
	for range count {
		n := c.uint()
		last += c.int()
		if c.bad || n >= uint64(len(r.events)) {
			c.fail()
			return
		}
		lp.events = append(lp.events, r.events[n])
		lp.times = append(lp.times, last)
		r.listed += r.events[n].bytes()
	}
}
