package spool

import (
	"context"
	"errors"
	"io/fs"
	"syscall"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	armorv1 "armor/proto/armor/v1"
)

// Reader hands out the events of a spool in order. One goroutine at a time may use it.
type Reader struct {
	cursor
	id      string
	next    uint64 // sequence
	encoded []byte
}

// Batch is a run of events, encoded as they travel. It is valid until the next call of the Reader.
type Batch struct {
	// First and Last are the sequences.
	First, Last uint64
	encoded     []byte
}

// Len is the number of events.
func (b Batch) Len() int { return int(b.Last - b.First + 1) }

// Message is the batch as it is sent. The events stand in it in their encoded form, which costs nothing to make; who wants to
// look at them takes Events.
func (b Batch) Message() *armorv1.EventBatch {
	m := &armorv1.EventBatch{}
	m.ProtoReflect().SetUnknown(b.encoded)
	return m
}

// Events decodes the batch.
func (b Batch) Events() ([]*armorv1.Event, error) {
	m := &armorv1.EventBatch{}
	if err := proto.Unmarshal(b.encoded, m); err != nil {
		return nil, err
	}
	return m.GetEvents(), nil
}

// NewReader reads the events after a sequence, but none that has its receipt. It returns ErrRenewed if the id is not the spool's.
func (s *Spool) NewReader(spoolID string, after uint64) (*Reader, error) {
	id, first, _ := s.Bounds()
	if id != spoolID {
		return nil, ErrRenewed
	}
	return &Reader{cursor: cursor{spool: s}, id: id, next: max(first, after+1)}, nil
}

// First is the sequence of the event that Next returns next.
func (r *Reader) First() uint64 { return r.next }

// Next returns up to maxEvents events of up to maxBytes encoded bytes; an event that is larger comes alone. It waits until there
// is one or ctx ends. ErrRenewed: the spool has a new id, begin anew. ErrDiscarded: the next event was given up. ErrClosed: the spool
// was closed. Other errors are the disk's, and the next call tries again.
func (r *Reader) Next(ctx context.Context, maxEvents, maxBytes int) (Batch, error) {
	for {
		seg, ordinal, end, err := r.find(ctx)
		if err != nil {
			return Batch{}, err
		}
		batch, err := r.read(seg, ordinal, end, maxEvents, maxBytes)
		if err == nil {
			return batch, nil
		}
		_ = r.Close()
		hopeless := damaged(err) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.EIO) && r.spool.hopeless(ordinal)
		if !hopeless {
			return Batch{}, err
		}
		if r.spool.receipted(ordinal) {
			continue // its segment was removed meanwhile
		}
		if err := r.spool.lose(ctx, seg.serial, ordinal, err); err != nil {
			return Batch{}, err
		}
		return Batch{}, ErrRenewed
	}
}

// find waits for the event and returns a copy of its segment, its ordinal, and the end of what may be read.
func (r *Reader) find(ctx context.Context) (seg segment, ordinal uint64, end int64, err error) {
	s := r.spool
	for {
		s.mu.Lock()
		switch {
		case s.isClosed():
			err = ErrClosed
		case s.id.ID != r.id:
			err = ErrRenewed
		case r.next < s.sequenceAt(s.firstPending()):
			err = ErrDiscarded
		}
		if err != nil {
			s.mu.Unlock()
			return segment{}, 0, 0, err
		}
		if ordinal, _ = s.id.ordinal(r.next); ordinal < s.nextOrdinal() {
			seg, end = s.segmentOf(ordinal)
			s.mu.Unlock()
			return seg, ordinal, end, nil
		}
		grown := s.grown
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			return segment{}, 0, 0, context.Cause(ctx)
		case <-s.closed:
		case <-grown:
		}
	}
}

// read collects events of one segment from the ordinal on.
func (r *Reader) read(seg segment, ordinal uint64, end int64, maxEvents, maxBytes int) (Batch, error) {
	if err := r.seek(&seg, ordinal, end); err != nil {
		return Batch{}, err
	}
	batch := Batch{First: r.next, Last: r.next - 1, encoded: r.encoded[:0]}
	for ; ordinal < seg.next() && batch.Len() < maxEvents; ordinal++ {
		payload, err := r.peek(ordinal)
		if err != nil && batch.Len() > 0 {
			break // what is whole first
		}
		if err != nil {
			return Batch{}, err
		}
		longer, fits := batch.with(payload, maxBytes)
		if !fits {
			break
		}
		batch = longer
		r.advance()
	}
	if batch.Len() == 0 {
		return Batch{}, errCut // the segment says that it has the event
	}
	r.encoded = batch.encoded
	r.next = batch.Last + 1
	return batch, nil
}

// with gives the batch with the next event; false: that would make it too large, and it is as it was. The first one always fits.
func (b Batch) with(event []byte, maxBytes int) (Batch, bool) {
	longer := appendEvent(b.encoded, b.Last+1, event)
	if len(longer) > maxBytes && len(b.encoded) > 0 {
		return b, false
	}
	b.encoded = longer
	b.Last++
	return b, true
}

// appendEvent appends an event as a field of an EventBatch, with its sequence in front.
func appendEvent(dst []byte, sequence uint64, event []byte) []byte {
	dst = protowire.AppendTag(dst, 1, protowire.BytesType)
	dst = protowire.AppendVarint(dst, uint64(1+protowire.SizeVarint(sequence)+len(event)))
	dst = protowire.AppendTag(dst, 1, protowire.VarintType)
	dst = protowire.AppendVarint(dst, sequence)
	return append(dst, event...)
}
