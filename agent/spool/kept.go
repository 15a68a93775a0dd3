package spool

import (
	"slices"
	"time"
)

// finished is the number of segments, from the first one on, that hold nothing but finished events; the last segment is never one.
func (s *Spool) finished() (n int) {
	for n < len(s.segments)-1 && s.segments[n].next()-1 <= s.marks.receipted {
		n++
	}
	return n
}

// keptRanges are the finished events that can be read again under the present id.
func (s *Spool) keptRanges() (kept []ordinals) {
	if s.keep == 0 {
		return nil
	}
	for _, seg := range s.segments {
		for _, sp := range s.id.Spans {
			r := ordinals{max(seg.base, sp.Ordinal), min(seg.next()-1, s.marks.receipted)}
			if sp.Last != 0 {
				r.last = min(r.last, sp.Last)
			}
			if r.len() > 0 {
				kept = append(kept, r)
			}
		}
		if seg.next() > s.marks.receipted {
			break
		}
	}
	return kept
}

// removeFinished removes the finished segments that have been kept long enough. While a replay runs all of them are kept.
func (s *Spool) removeFinished() error {
	now, n := time.Now(), s.finished()
	expired := 0
	for i, seg := range s.segments[:n] {
		if seg.finished.IsZero() {
			seg.finished = now
		}
		if i == expired && s.replays == 0 && now.Sub(seg.finished) >= s.keep {
			expired++
		}
	}
	if err := s.remove(expired); err != nil {
		return err
	}
	if s.expiry != nil {
		s.expiry.Stop()
		s.expiry = nil
	}
	if expired < n && s.replays == 0 && !s.isClosed() {
		s.expiry = time.AfterFunc(s.keep-now.Sub(s.segments[0].finished), func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if !s.isClosed() {
				s.note()
			}
		})
	}
	return nil
}

// remove removes the first n segments, after what was receipted is durable.
func (s *Spool) remove(n int) error {
	if n == 0 {
		return nil
	}
	if err := s.marks.file.Sync(); err != nil {
		return err
	}
	for range n {
		seg := s.segments[0]
		var err error
		if seg.aside {
			_, err = s.putAside(segmentName(seg.serial))
		} else {
			err = s.fs.Remove(s.path(segmentName(seg.serial)))
		}
		if err != nil && !isNotExist(err) {
			return err
		}
		s.segments = s.segments[1:]
		s.bytes -= seg.disk
	}
	s.full = s.full && len(s.queue) > 0
	close(s.freed)
	s.freed = make(chan struct{})
	return nil
}

// makeRoom removes as many kept segments as a batch needs. If the disk fails it says what to wait for, and for how long.
func (s *Spool) makeRoom(p *pending) (wait chan struct{}, after time.Duration) {
	n, over := 0, s.bytes+p.size()+segmentHeader-s.limit(p)
	for n < s.finished() && over > 0 {
		over -= s.segments[n].disk
		n++
	}
	if err := s.remove(n); err != nil {
		s.noting.is(s.log, "making room", err)
		return s.freed, maxPause
	}
	s.noting.over(s.log)
	return nil, 0
}

// holdKept keeps the finished segments from expiring; the function ends that.
func (s *Spool) holdKept() (kept []ordinals, end func()) {
	s.replays++
	return slices.Clone(s.keptRanges()), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.replays--
		if !s.isClosed() {
			s.note()
		}
	}
}
