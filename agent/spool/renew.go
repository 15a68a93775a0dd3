package spool

import (
	"context"
	"fmt"
	"time"
)

// readAttempts is how often the disk may refuse to read an event before it counts as lost.
const readAttempts = 10

// hopeless counts the attempts to read an event.
func (s *Spool) hopeless(ordinal uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unread.ordinal != ordinal {
		s.unread = failedRead{ordinal: ordinal}
	}
	s.unread.times++
	return s.unread.times >= readAttempts
}

type failedRead struct {
	ordinal uint64
	times   int
}

func (s *Spool) receipted(ordinal uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return ordinal <= s.marks.receipted
}

// Renew gives the spool a new id, under which all events without a receipt are numbered from 1, as if they had never been sent.
// It is the remedy when the manager knows of sequences that this spool never gave out: the spool is an older copy of itself.
// Events that the manager had finished are recognised by their source id.
func (s *Spool) Renew(reason string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.renew(reason, s.ranges())
}

// ranges are the events that can be read.
func (s *Spool) ranges() (ranges []ordinals) {
	for _, seg := range s.segments {
		if seg.count > 0 {
			ranges = append(ranges, ordinals{seg.base, seg.next() - 1})
		}
	}
	return ranges
}

func (s *Spool) renew(reason string, ranges []ordinals) error {
	ranges = append(clip(ranges, s.marks.receipted), ordinals{s.nextOrdinal(), s.nextOrdinal() - 1})
	if err := s.takeIdentity(reason, ranges); err != nil {
		return fmt.Errorf("giving the spool a new id: %w", err)
	}
	s.announce()
	return nil
}

// lose gives up the events of a segment from the ordinal on: they cannot be read any more. The rest goes on under a new id.
func (s *Spool) lose(ctx context.Context, serial, ordinal uint64, reason error) error {
	select {
	case s.turn <- struct{}{}: // nobody writes to the segment now
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.closed:
		return ErrClosed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var seg *segment
	last := s.marks.committed
	for i, candidate := range s.segments {
		if candidate.serial != serial {
			continue
		}
		seg = candidate
		if i+1 < len(s.segments) {
			last = s.segments[i+1].base - 1
		} else {
			s.suspect = true
		}
	}
	if seg == nil || ordinal >= seg.next() {
		return nil // somebody else did it
	}
	old, count := s.id, seg.count
	gone := ordinals{max(ordinal, s.marks.receipted+1), min(last, seg.base+count-1)}
	lost := gone.len()
	if lost > 0 {
		s.id.remember([]Gap{{
			SpoolID: old.ID, First: old.sequence(gone.first), Last: old.sequence(gone.first) + lost - 1, Found: time.Now().UTC(), Running: true,
			Reason: fmt.Sprintf("%s cannot be read: %v", s.path(segmentName(serial)), reason),
		}})
	}
	seg.count = ordinal - seg.base
	if err := s.renew("events are lost", s.ranges()); err != nil {
		seg.count, s.id = count, old
		return err
	}
	seg.aside = true
	s.stats.Lost += lost
	s.stats.Spooled -= lost
	first := old.sequence(ordinal)
	s.log.Error("spool: events are lost: the disk does not give back what was written; the file is kept when the events before the damage are finished",
		"events", lost, "spool", old.ID, "first", first, "file", s.path(segmentName(serial)), "kept in", s.path(asideName), "error", reason)
	return nil
}
