package spool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	armorv1 "armor/proto/armor/v1"
)

const (
	// groupBytes bounds what is written with one sync.
	groupBytes = 8 << 20
	// Pauses between attempts on a disk that fails.
	minPause = 50 * time.Millisecond
	maxPause = 5 * time.Second
)

// ErrTooLarge says that a batch or an event can never be spooled. It is permanent.
var ErrTooLarge = errors.New("too large for the spool")

// pending is a batch on its way to the disk.
type pending struct {
	frames    []byte   // events and positions; the end of the batch is added when its ordinals are known
	body      int      // length without that end
	offsets   []uint32 // of the events in frames
	changes   []positionChange
	done      chan struct{}
	written   bool
	abandoned bool
	reserved  bool // may use the reserve, and goes first
	refuse    bool // rather than wait
}

const commitFrame = frameHeader + 1 + 12

func (p *pending) size() int64 { return int64(p.body + commitFrame) }

var frameBuffers = sync.Pool{New: func() any { return new(pending) }}

// Append makes events and positions durable, all of them or none, and returns when they are. Events get their sequence here; what
// stands in their Sequence is set to 0. It waits while the spool is full or the disk fails, until ctx ends; then the batch may
// be durable or not, but never in part. Neither events nor positions are kept hold of.
func (s *Spool) Append(ctx context.Context, events []*armorv1.Event, positions ...Position) error {
	return s.append(ctx, events, positions, manner{})
}

// manner is how a batch goes into the spool.
type manner struct{ reserved, refuse bool }

func (s *Spool) append(ctx context.Context, events []*armorv1.Event, positions []Position, how manner) error {
	if len(events) == 0 && len(positions) == 0 {
		return nil
	}
	p := frameBuffers.Get().(*pending)
	if err := p.encode(events, positions); err != nil {
		return err
	}
	p.reserved, p.refuse = how.reserved, how.refuse
	if p.size() > s.maxBytes/2 {
		return fmt.Errorf("a batch of %d bytes, with half of spool.max_bytes at %d: %w", p.size(), s.maxBytes/2, ErrTooLarge)
	}
	s.mu.Lock()
	s.enqueue(p)
	s.mu.Unlock()
	err := s.write(ctx, p)
	if err == nil {
		frameBuffers.Put(p)
	}
	return err
}

func (p *pending) encode(events []*armorv1.Event, positions []Position) error {
	*p = pending{frames: p.frames[:0], offsets: p.offsets[:0], done: make(chan struct{})}
	marshal := proto.MarshalOptions{}
	for _, ev := range events {
		start := len(p.frames)
		ev.Sequence = 0
		frames, err := marshal.MarshalAppend(beginFrame(p.frames, kindEvent), ev)
		if err != nil {
			return fmt.Errorf("encoding an event: %w", err)
		}
		p.frames = frames
		if n := len(frames) - start; n > MaxEventBytes {
			return fmt.Errorf("an event of %d bytes, with at most %d allowed: %w", n, MaxEventBytes, ErrTooLarge)
		}
		endFrame(p.frames, start)
		p.offsets = append(p.offsets, uint32(start))
	}
	for _, position := range positions {
		change := position.change()
		if change.data != nil {
			change.data = append([]byte{}, change.data...)
		}
		p.changes = append(p.changes, change)
		p.frames = appendPosition(p.frames, change)
	}
	p.body = len(p.frames)
	return nil
}

// write waits until p is on disk. Whoever has the turn writes what waits, for everybody, with one sync.
func (s *Spool) write(ctx context.Context, p *pending) error {
	for {
		select {
		case <-p.done:
			return nil
		default:
		}
		select {
		case <-p.done:
			return nil
		case <-ctx.Done():
			return s.giveUp(p, context.Cause(ctx))
		case <-s.closed:
			return s.giveUp(p, ErrClosed)
		case s.turn <- struct{}{}:
		}
		wait, after := s.writeQueue(p)
		if wait != nil && p.refuse {
			err := s.giveUp(p, s.whyNot()) // with the turn, so that nobody writes it meanwhile
			<-s.turn
			return err
		}
		<-s.turn
		if wait == nil {
			continue
		}
		timer := time.NewTimer(after)
		select {
		case <-p.done:
		case <-ctx.Done():
		case <-s.closed:
		case <-wait:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// giveUp takes p out of the queue. If it is just being written it may yet become durable.
func (s *Spool) giveUp(p *pending, cause error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.written {
		return nil
	}
	p.abandoned = true
	for i, q := range s.queue {
		if q == p {
			s.queue = append(s.queue[:i:i], s.queue[i+1:]...)
			break
		}
	}
	s.full = s.full && (p.refuse || len(s.queue) > 0)
	return fmt.Errorf("writing to the spool: %w", cause)
}

// writeQueue writes what waits until p is written. If that is not possible now it says what to wait for, and for how long at most.
func (s *Spool) writeQueue(p *pending) (wait chan struct{}, after time.Duration) {
	for {
		s.mu.Lock()
		if p.written || s.isClosed() {
			s.mu.Unlock()
			return nil, 0
		}
		group := s.group()
		s.full = len(group) == 0
		if s.full && s.finished() > 0 {
			wait, after = s.makeRoom(s.queue[0])
			s.mu.Unlock()
			if wait != nil {
				return wait, after
			}
			continue
		}
		if s.full && !s.stale() {
			wait = s.freed
			s.mu.Unlock()
			return wait, maxPause
		}
		s.queue = s.queue[len(group):]
		s.mu.Unlock()

		var err error
		if len(group) > 0 {
			err = s.writeGroup(group)
		} else {
			err = s.renewLast()
		}
		s.mu.Lock()
		if err != nil {
			s.putBack(group)
			s.writing.is(s.log, "writing events", err)
			s.pause = min(max(2*s.pause, minPause), maxPause)
			wait, after = make(chan struct{}), s.pause
			s.mu.Unlock()
			return wait, after
		}
		s.pause = 0
		s.writing.over(s.log)
		s.mu.Unlock()
	}
}

// putBack returns batches that could not be written to the front of the queue.
func (s *Spool) putBack(group []*pending) {
	again := make([]*pending, 0, len(group)+len(s.queue))
	for _, q := range group {
		if !q.abandoned {
			again = append(again, q)
		}
	}
	s.queue = append(again, s.queue...)
}

// stale says that the last segment holds nothing that is needed, so that a new one makes room.
func (s *Spool) stale() bool {
	return s.marks.receipted == s.marks.committed && s.segments[len(s.segments)-1].size > segmentHeader
}

// renewLast begins a segment so that the stale one before it goes.
func (s *Spool) renewLast() error {
	s.mu.Lock()
	serial := s.segments[len(s.segments)-1].serial + 1
	s.mu.Unlock()
	if _, err := s.begin(serial); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.removeFinished()
}

// group takes as much from the front of the queue as there is room for; nothing if the spool is full.
func (s *Spool) group() []*pending {
	var size int64
	n := 0
	for _, q := range s.queue {
		size += q.size()
		if s.bytes+size+segmentHeader > s.limit(q) || n > 0 && size > groupBytes {
			break
		}
		n++
	}
	return s.queue[:n:n]
}

// writeGroup makes the batches durable and announces them.
func (s *Spool) writeGroup(group []*pending) error {
	var size int64
	for _, p := range group {
		size += p.size()
	}
	s.mu.Lock()
	seg := s.segments[len(s.segments)-1]
	roll := s.suspect || seg.size > segmentHeader && seg.size+size > s.segmentBytes
	ordinal := s.nextOrdinal()
	s.mu.Unlock()
	if roll {
		var err error
		if seg, err = s.begin(seg.serial + 1); err != nil {
			return fmt.Errorf("beginning a segment: %w", err)
		}
	}
	off, last := seg.size, ordinal-1
	for _, p := range group {
		last += uint64(len(p.offsets))
		p.frames = appendCommit(p.frames[:p.body], last, len(p.offsets))
		if _, err := s.active.WriteAt(p.frames, off); err != nil {
			return s.undo(seg, err, false)
		}
		off += int64(len(p.frames))
	}
	if err := s.active.Sync(); err != nil {
		return s.undo(seg, err, true)
	}
	s.accept(seg, group)
	return nil
}

// undo removes what a failed write left. After a failed sync nobody knows what the file holds: the next batch goes to another.
func (s *Spool) undo(seg *segment, err error, synced bool) error {
	cut := s.active.Truncate(seg.size)
	s.mu.Lock()
	s.suspect = s.suspect || synced || cut != nil
	s.mu.Unlock()
	return err
}

// accept counts what is durable and wakes the readers and the writers.
func (s *Spool) accept(seg *segment, group []*pending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := seg.size
	for _, p := range group {
		for i, offset := range p.offsets {
			seg.note(seg.next()+uint64(i), seg.size+int64(offset))
		}
		n := uint64(len(p.offsets))
		seg.count += n
		seg.size += int64(len(p.frames))
		s.stats.Appended += n
		s.stats.Spooled += n
		for _, c := range p.changes {
			s.pos.apply(c)
		}
		p.written = true
		close(p.done)
	}
	seg.disk = seg.size
	s.bytes += seg.size - before
	s.marks.committed = seg.next() - 1
	if err := s.marks.set(s.marks.committed, s.marks.receipted); err != nil {
		s.noting.is(s.log, "noting what is written", err)
	}
	s.announce()
}

// begin makes the segment with the given serial the one that is written to. Positions up to here become durable outside the
// segments first.
func (s *Spool) begin(serial uint64) (*segment, error) {
	if err := s.pos.checkpoint(s.fs, s.dir, s.path(positionsName), serial); err != nil {
		return nil, err
	}
	f, err := s.fs.OpenFile(s.path(segmentName(serial)), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	base := s.nextOrdinal()
	s.mu.Unlock()
	_, err = f.WriteAt(encodeSegmentHeader(serial, base), 0)
	if err == nil {
		err = s.marks.file.Sync()
	}
	if err == nil {
		err = s.fs.SyncDir(s.dir)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.active != nil {
		_ = s.active.Close() // all that counts in it is synced
	}
	s.active, s.suspect = f, false
	seg := &segment{serial: serial, base: base, size: segmentHeader, disk: segmentHeader}
	s.segments = append(s.segments, seg)
	s.bytes += segmentHeader
	return seg, nil
}
