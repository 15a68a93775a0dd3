package spool

import (
	"context"
	"errors"
	"time"

	armorv1 "armor/proto/armor/v1"
)

// ErrDiscarded says that the events a reader was to return next were given up.
var ErrDiscarded = errors.New("events were given up")

// Oldest is when the first event without a receipt was read; false if there is none or it cannot be read just now.
func (s *Spool) Oldest() (read time.Time, ok bool) {
	s.mu.Lock()
	ordinal := s.firstPending()
	pending := ordinal < s.nextOrdinal() && !s.isClosed()
	seg, end := s.segmentOf(ordinal)
	s.mu.Unlock()
	if !pending {
		return time.Time{}, false
	}
	c := cursor{spool: s}
	defer c.Close()
	if err := c.seek(&seg, ordinal, end); err != nil {
		return time.Time{}, false
	}
	event, err := c.peek(ordinal)
	if err != nil {
		return time.Time{}, false
	}
	read = readTimeOf(event)
	return read, !read.IsZero()
}

// Aged are the events at the front of a spool that have waited too long.
type Aged struct {
	SpoolID     string
	First, Last uint64 // sequences, those of Own included
	// Events is their number, without Own.
	Events                      uint64
	FirstTime, LastTime         time.Time // when the events were read
	FirstLocation, LastLocation string
	// Own are those that must not be given up: they are to be spooled anew.
	Own []*armorv1.Event
}

// Aged looks for events without a receipt, from the first one on, that were read before a time; false if there are none. own says
// of which kind none may be given up.
func (s *Spool) Aged(ctx context.Context, before time.Time, own func(*armorv1.Event) bool) (aged Aged, found bool, err error) {
	if oldest, ok := s.Oldest(); !ok || !oldest.Before(before) {
		return Aged{}, false, nil
	}
	id, first, last := s.Bounds()
	r, err := s.NewReader(id, 0)
	if err != nil {
		return Aged{}, false, err
	}
	defer r.Close()
	for first <= last {
		batch, err := r.Next(ctx, 1000, 2<<20)
		if errors.Is(err, ErrRenewed) || errors.Is(err, ErrDiscarded) {
			return Aged{}, false, nil // the next look finds them under the new id
		}
		if err != nil {
			return Aged{}, false, err
		}
		events, err := batch.Events()
		if err != nil {
			return Aged{}, false, err
		}
		for _, ev := range events {
			read := ev.GetReadTime().AsTime()
			if !read.Before(before) {
				return aged, found, nil
			}
			if !found {
				aged.SpoolID, aged.First, found = id, ev.GetSequence(), true
			}
			aged.Last = ev.GetSequence()
			if own(ev) {
				aged.Own = append(aged.Own, ev)
				continue
			}
			if aged.Events++; aged.Events == 1 {
				aged.FirstTime, aged.FirstLocation = read, ev.GetLocation()
			}
			aged.LastTime, aged.LastLocation = read, ev.GetLocation()
		}
		first = batch.Last + 1
	}
	return aged, found, nil
}

// Discard gives up the events without a receipt up to a sequence. They count as discarded, and readers that have not got to the
// end of them get ErrDiscarded.
func (s *Spool) Discard(spoolID string, sequence uint64) error {
	return s.release(spoolID, sequence, &s.stats.Discarded)
}
