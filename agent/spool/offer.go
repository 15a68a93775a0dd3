package spool

import (
	"context"
	"errors"

	armorv1 "armor/proto/armor/v1"
)

// ErrFull says that there is no room for what was offered.
var ErrFull = errors.New("the spool is full")

// Offer is Append for an input that cannot wait: where Append would wait, for room or for a disk that fails, it returns ErrFull or
// the disk's error at once, and nothing was taken.
func (s *Spool) Offer(ctx context.Context, events []*armorv1.Event, positions ...Position) error {
	return s.append(ctx, events, positions, manner{refuse: true})
}

// Report is Offer for what is to be known about the agent itself: it goes before other batches that wait, and has a small part of
// the spool for itself, so that it is taken when the spool is full for the others.
func (s *Spool) Report(ctx context.Context, events []*armorv1.Event, positions ...Position) error {
	return s.append(ctx, events, positions, manner{reserved: true, refuse: true})
}

// maxReserve bounds what is reserved, in bytes; of a small spool it is a 64th.
const maxReserve = 256 << 10

// limit is how large the spool may become by a batch.
func (s *Spool) limit(p *pending) int64 {
	if p.reserved {
		return s.maxBytes
	}
	return s.maxBytes - min(s.maxBytes/64, maxReserve)
}

// enqueue puts a batch behind those that wait, or before them if it is reserved.
func (s *Spool) enqueue(p *pending) {
	if !p.reserved {
		s.queue = append(s.queue, p)
		return
	}
	n := 0
	for n < len(s.queue) && s.queue[n].reserved {
		n++
	}
	queue := make([]*pending, 0, len(s.queue)+1)
	queue = append(append(queue, s.queue[:n]...), p)
	s.queue = append(queue, s.queue[n:]...)
}

// whyNot is why a batch has to wait at present.
func (s *Spool) whyNot() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := errors.Join(s.writing.err, s.noting.err); err != nil && !s.full {
		return err
	}
	return ErrFull
}
