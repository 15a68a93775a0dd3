// Package spool keeps events on disk from the moment that they count as read until the manager has finished them. What Append
// accepted survives the death of the process at any moment, is handed out in order under a sequence without gaps, and is never
// dropped unless its owner says so: a full spool makes Append wait. How far each input has read is kept in the same log, in the
// same batch as the events, so that a restart neither repeats nor skips. Finished events stay for a while, as long as there is room,
// and can be read again.
package spool

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"
)

// Sizes in bytes.
const (
	// DefaultMaxBytes is how much a spool holds unless told otherwise.
	DefaultMaxBytes = 1 << 30
	// DefaultSegmentBytes is the size of one file unless told otherwise.
	DefaultSegmentBytes = 16 << 20
	// MinSegmentBytes is the least size of one file.
	MinSegmentBytes = 4 << 10
	// MaxEventBytes is the largest encoded event.
	MaxEventBytes = 3 << 20
)

// Options say where a spool is and how large it gets.
type Options struct {
	// Dir is the spool's folder; it is made if missing. One process at a time may use it.
	Dir string
	// MaxBytes bounds the files with events. Append waits when they are full. Zero: DefaultMaxBytes.
	MaxBytes int64
	// SegmentBytes is the size at which a new file is begun; space is freed a file at a time. Zero: DefaultSegmentBytes.
	SegmentBytes int64
	// Keep is how long finished events stay, to be read again; they are removed earlier when their room is needed. Zero: not at all.
	Keep time.Duration
	// Place names where the folder is: a copy of it has another. A spool that finds itself in another place takes a new id, so
	// that its sequences are not taken for those of the spool that it was copied from. Empty: nobody knows.
	Place string
	// FS is the file system. Nil: the operating system's.
	FS FS
	// Log hears of a disk that fails and that recovers. Nil: nobody.
	Log *slog.Logger
}

// Spool is an open spool. All methods may be called from any goroutine.
type Spool struct {
	dir          string
	maxBytes     int64
	segmentBytes int64
	keep         time.Duration
	place        string
	fs           FS
	log          *slog.Logger

	turn  chan struct{} // held by the one who writes
	queue []*pending    // guarded by mu; waits for the one who writes

	mu       sync.Mutex
	id       identity
	marks    *marks
	pos      *positions
	segments []*segment // ascending; the last one is written to
	active   File       // of the last segment
	suspect  bool       // the last segment is not to be written to any more
	bytes    int64
	grown    chan struct{} // closed when events are added or the id changes
	freed    chan struct{} // closed when space is freed
	full     bool
	stats    Stats
	closed   chan struct{}
	writing  trouble // of the disk, at present, with batches
	noting   trouble // with receipts
	again    bool    // receipts will be noted again
	pause    time.Duration
	unread   failedRead
	replays  int         // that run: kept segments do not expire
	expiry   *time.Timer // of the oldest kept segment; nil: nothing is kept
}

// Stats are the counters of a spool, in events, and its size. At any moment Recovered + Appended = Receipted + Spooled + Lost +
// Discarded.
type Stats struct {
	// Recovered events were in the spool, without a receipt, when it was opened; those found lost included.
	Recovered uint64
	// Appended events were accepted since.
	Appended uint64
	// Receipted events were freed since.
	Receipted uint64
	// Spooled events wait.
	Spooled uint64
	// Lost events were accepted once and could not be read again: their part of the disk is damaged.
	Lost uint64
	// Discarded events were given up by Discard.
	Discarded uint64
	// LostEver is Lost of all times, since the spool was made.
	LostEver uint64
	// Kept events are finished and can be read again.
	Kept uint64
	// Bytes on disk, kept events included, and their bound.
	Bytes, MaxBytes int64
	// KeptBytes are the bytes of files that hold nothing but finished events: room for new ones.
	KeptBytes int64
	// Segments is the number of files.
	Segments int
	// Full says that Append waits for space.
	Full bool
	// Failure is what the disk answers at present; nil: it works.
	Failure error
}

// ErrRenewed says that the spool has taken a new id: sequences of the old one mean nothing any more.
var ErrRenewed = errors.New("the spool has a new id")

// ErrClosed says that the spool was closed.
var ErrClosed = errors.New("the spool is closed")

// ID is the random id that sequences are counted within. It is made with the spool, and anew when events are lost.
func (s *Spool) ID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id.ID
}

// Bounds are the id, the sequence of the first event without a receipt and that of the last event; first is last+1 if there is
// none. Both are 0 if there never was one.
func (s *Spool) Bounds() (id string, first, last uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id.ID, s.sequenceAt(s.firstPending()), s.sequenceAt(s.nextOrdinal()) - 1
}

// firstPending is the ordinal of the first event without a receipt, or the one that the next event gets.
func (s *Spool) firstPending() uint64 {
	first := s.marks.receipted + 1
	for _, sp := range s.id.Spans {
		if sp.Last == 0 || sp.Last >= first {
			return max(first, sp.Ordinal)
		}
	}
	return first
}

// nextOrdinal is the ordinal that the next event gets.
func (s *Spool) nextOrdinal() uint64 { return s.marks.committed + 1 }

// sequenceAt translates the ordinal of an event that is, or will be, in the growing span or one before it.
func (s *Spool) sequenceAt(ordinal uint64) uint64 {
	sequence := s.id.sequence(ordinal)
	return sequence
}

// Positions returns the newest position of each key of an input. The caller must not change the data.
func (s *Spool) Positions(input string) map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pos.of(input)
}

// Stats returns the counters, all of one moment.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.stats
	stats.Bytes, stats.MaxBytes, stats.Segments = s.bytes, s.maxBytes, len(s.segments)
	stats.Full, stats.Failure = s.full, errors.Join(s.writing.err, s.noting.err)
	stats.LostEver = s.id.Lost
	for _, r := range s.keptRanges() {
		stats.Kept += r.len()
	}
	for _, seg := range s.segments[:s.finished()] {
		stats.KeptBytes += seg.disk
	}
	return stats
}

// Free says that the manager has finished everything up to sequence. Files that hold nothing else are removed when they have been
// kept, after what was receipted is durable. A sequence that was never given out is an error and frees nothing; one that is free
// already is none.
func (s *Spool) Free(spoolID string, sequence uint64) error {
	return s.release(spoolID, sequence, &s.stats.Receipted)
}

// release moves the mark of what is finished and counts the events under it.
func (s *Spool) release(spoolID string, sequence uint64, counter *uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if spoolID != s.id.ID {
		return ErrRenewed
	}
	if sequence == 0 || s.isClosed() {
		return nil
	}
	ordinal, ok := s.id.ordinal(sequence)
	if !ok || ordinal >= s.nextOrdinal() {
		return fmt.Errorf("receipt for sequence %d, but the last event has %d", sequence, s.sequenceAt(s.nextOrdinal())-1)
	}
	if ordinal <= s.marks.receipted {
		return nil
	}
	n := s.countUpTo(ordinal)
	*counter += n
	s.stats.Spooled -= n
	s.marks.receipted = ordinal
	s.note()
	return nil
}

// note writes the marks and removes what is finished; if the disk fails, again after a while.
func (s *Spool) note() {
	err := s.marks.set(s.marks.committed, s.marks.receipted)
	if err == nil {
		err = s.removeFinished()
	}
	if err == nil {
		s.noting.over(s.log)
		return
	}
	s.noting.is(s.log, "noting receipts", err)
	if s.again {
		return
	}
	s.again = true
	time.AfterFunc(maxPause, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.again = false
		if s.noting.err != nil && !s.isClosed() {
			s.note()
		}
	})
}

// countUpTo counts the events without a receipt up to an ordinal.
func (s *Spool) countUpTo(ordinal uint64) (n uint64) {
	for _, sp := range s.id.Spans {
		r := ordinals{max(sp.Ordinal, s.marks.receipted+1), ordinal}
		if sp.Last != 0 {
			r.last = min(r.last, sp.Last)
		}
		n += r.len()
	}
	return n
}

func (s *Spool) path(name string) string { return filepath.Join(s.dir, name) }

func (s *Spool) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// announce wakes the readers.
func (s *Spool) announce() {
	close(s.grown)
	s.grown = make(chan struct{})
}

// Close ends the spool. Appends and readers that wait return ErrClosed.
func (s *Spool) Close() error {
	s.mu.Lock()
	if s.isClosed() {
		s.mu.Unlock()
		return nil
	}
	close(s.closed)
	if s.expiry != nil {
		s.expiry.Stop()
	}
	s.mu.Unlock()
	s.turn <- struct{}{} // after the one who writes
	return errors.Join(s.marks.file.Sync(), s.active.Close(), s.marks.file.Close(), s.pos.file.Close())
}

// trouble is a failure of the disk that may pass. It is logged when it begins, changes and ends.
type trouble struct{ err error }

func (t *trouble) is(log *slog.Logger, doing string, err error) {
	err = fmt.Errorf("%s: %w", doing, err)
	if t.err == nil || t.err.Error() != err.Error() {
		log.Error("spool: the disk fails; trying again until it works", "error", err)
	}
	t.err = err
}

func (t *trouble) over(log *slog.Logger) {
	if t.err != nil {
		log.Info("spool: the disk works again", "was", t.err)
	}
	t.err = nil
}
