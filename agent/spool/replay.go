package spool

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// Replay hands out finished events that are still kept, once more, under their old sequences. One goroutine at a time may use it.
type Replay struct {
	cursor
	id      string
	since   time.Time
	left    []ordinals // to be read
	encoded []byte
	end     func()
	missing uint64
	why     error
}

// NewReplay begins a replay of what is kept now and was read at or after a time; a zero time stands for all of it. Until Close
// kept events do not go by age; if their room is needed they go all the same.
func (s *Spool) NewReplay(spoolID string, since time.Time) (*Replay, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosed() {
		return nil, ErrClosed
	}
	if s.id.ID != spoolID {
		return nil, ErrRenewed
	}
	r := &Replay{cursor: cursor{spool: s}, id: spoolID, since: since}
	r.left, r.end = s.holdKept()
	return r, nil
}

// Close ends the replay.
func (r *Replay) Close() error {
	if r.end != nil {
		r.end()
		r.end = nil
	}
	return r.cursor.Close()
}

// Missing is how many events of the replay went, or could not be read, before their turn, and why.
func (r *Replay) Missing() (uint64, error) { return r.missing, r.why }

// Count is the number of events of the replay. It reads all of them if they are chosen by time, and asks between whether to go on.
func (r *Replay) Count(goOn func() error) (total uint64, err error) {
	if r.since.IsZero() {
		for _, o := range r.left {
			total += o.len()
		}
		return total, nil
	}
	left, missing := append([]ordinals{}, r.left...), r.missing
	for {
		batch, err := r.Next(1000, 2<<20)
		if err == nil {
			err = goOn()
		}
		if errors.Is(err, io.EOF) {
			r.left = left
			total, r.missing = total+r.missing-missing, missing
			return total, nil
		}
		if err != nil {
			return 0, err
		}
		total += uint64(batch.Len())
	}
}

// Next returns up to maxEvents events of up to maxBytes encoded bytes; an event that is larger comes alone. io.EOF: there are no
// more. ErrRenewed: the spool has a new id, under which nothing of this can be sent. What cannot be read is passed over and counted
// as missing.
func (r *Replay) Next(maxEvents, maxBytes int) (Batch, error) {
	for len(r.left) > 0 {
		seg, end, sequence, err := r.find()
		if err != nil {
			return Batch{}, err
		}
		first := r.left[0].first
		switch {
		case first < seg.base:
			r.pass(seg.base-1, errors.New("their room was needed for new events"))
			continue
		case first >= seg.next():
			r.pass(r.left[0].last, fmt.Errorf("%s has been damaged", segmentName(seg.serial)))
			continue
		}
		batch, err := r.read(&seg, end, sequence, maxEvents, maxBytes)
		if err != nil {
			_ = r.cursor.Close()
			r.pass(min(seg.next()-1, r.left[0].last), err)
			continue
		}
		if batch.Len() > 0 {
			return batch, nil
		}
	}
	return Batch{}, io.EOF
}

// find returns the segment of the next event, or the first one after it, and its sequence.
func (r *Replay) find() (seg segment, end int64, sequence uint64, err error) {
	s := r.spool
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.isClosed():
		return segment{}, 0, 0, ErrClosed
	case s.id.ID != r.id:
		return segment{}, 0, 0, ErrRenewed
	}
	first := r.left[0].first
	seg, end = s.segmentOf(first)
	return seg, end, s.id.sequence(first), nil
}

// pass gives up events up to an ordinal.
func (r *Replay) pass(last uint64, why error) {
	last = min(last, r.left[0].last)
	r.missing += last - r.left[0].first + 1
	r.why = why
	r.moveTo(last + 1)
}

func (r *Replay) moveTo(ordinal uint64) {
	if r.left[0].first = ordinal; r.left[0].len() == 0 {
		r.left = r.left[1:]
	}
}

// read collects events of one segment that follow one another.
func (r *Replay) read(seg *segment, end int64, sequence uint64, maxEvents, maxBytes int) (Batch, error) {
	ordinal, last := r.left[0].first, min(r.left[0].last, seg.next()-1)
	if err := r.seek(seg, ordinal, end); err != nil {
		return Batch{}, err
	}
	batch := Batch{First: sequence, Last: sequence - 1, encoded: r.encoded[:0]}
	for ; ordinal <= last && batch.Len() < maxEvents; ordinal++ {
		payload, err := r.peek(ordinal)
		if err != nil && batch.Len() > 0 {
			break
		}
		if err != nil {
			r.moveTo(ordinal)
			return Batch{}, err
		}
		if !r.since.IsZero() && readTimeOf(payload).Before(r.since) {
			if batch.Len() > 0 {
				break // a batch has no gap
			}
			r.advance()
			batch.First, batch.Last = batch.First+1, batch.Last+1
			continue
		}
		longer, fits := batch.with(payload, maxBytes)
		if !fits {
			break
		}
		batch = longer
		r.advance()
	}
	r.moveTo(ordinal)
	r.encoded = batch.encoded
	return batch, nil
}
