package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"time"
)

// Recovery says what opening a spool found.
type Recovery struct {
	// Created says that there was no spool.
	Created bool
	// Renewed is why the spool has a new id; empty if it has not.
	Renewed string
	// Events without a receipt that can be read.
	Events uint64
	// Gaps are the events that were accepted once and are lost.
	Gaps []Gap
	// Torn is the number of bytes of a batch that was being written when the process died. It had not been accepted, so nothing
	// is lost: its input reads it again.
	Torn int64
	// Warnings are other findings, in words.
	Warnings []string
}

// Gap is a run of lost events.
type Gap struct {
	// SpoolID and the sequences of the lost events under it.
	SpoolID string `json:"spool_id"`
	First   uint64 `json:"first"`
	Last    uint64 `json:"last"`
	// Reason in words: what is damaged, and where it is kept.
	Reason string `json:"reason"`
	// Found is when.
	Found time.Time `json:"found"`
	// Running says that it was found while the spool was in use, not when it was opened.
	Running bool `json:"running,omitempty"`
}

// Open opens the spool in opts.Dir, or makes it. Damage is no error: all events before it in its file, and all those of the
// other files, are kept, and the Recovery says what is missing. An error that Retryable knows may pass by itself.
func Open(opts Options) (*Spool, Recovery, error) {
	s := &Spool{
		dir: opts.Dir, maxBytes: opts.MaxBytes, segmentBytes: opts.SegmentBytes, keep: opts.Keep, place: opts.Place, fs: opts.FS, log: opts.Log,
		turn: make(chan struct{}, 1), grown: make(chan struct{}), freed: make(chan struct{}), closed: make(chan struct{}),
	}
	if s.maxBytes == 0 {
		s.maxBytes = DefaultMaxBytes
	}
	if s.segmentBytes == 0 {
		s.segmentBytes = DefaultSegmentBytes
	}
	if s.fs == nil {
		s.fs = OS{}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.segmentBytes < MinSegmentBytes || s.maxBytes < 4*s.segmentBytes {
		return nil, Recovery{}, fmt.Errorf("spool of %d bytes in segments of %d: a segment has at least %d bytes, a spool 4 segments",
			s.maxBytes, s.segmentBytes, MinSegmentBytes)
	}
	rec, err := s.open()
	if err != nil {
		s.abandon()
		return nil, Recovery{}, fmt.Errorf("opening the spool in %s: %w", s.dir, err)
	}
	return s, rec, nil
}

// abandon closes what a failed Open left open.
func (s *Spool) abandon() {
	if s.active != nil {
		_ = s.active.Close()
	}
	if s.marks != nil {
		_ = s.marks.file.Close()
	}
	if s.pos != nil {
		_ = s.pos.file.Close()
	}
}

// survey is what opening gathers before it decides.
type survey struct {
	Recovery
	known    bool // the identity file is whole
	marked   bool // the marks are
	fresh    bool
	failures map[uint64]error // by serial: what is wrong with a segment
	serials  uint64           // the highest one seen
	dirty    []uint64         // serials of files without a readable header
}

func (s *Spool) open() (Recovery, error) {
	if err := s.fs.MkdirAll(s.dir, 0o700); err != nil {
		return Recovery{}, err
	}
	sv := &survey{failures: map[uint64]error{}}
	var err error
	if s.id, err = loadIdentity(s.fs, s.path(identityName)); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errIdentity) {
		return Recovery{}, err
	}
	sv.known = err == nil
	missing := errors.Is(err, fs.ErrNotExist)
	if s.marks, sv.marked, err = openMarks(s.fs, s.path(marksName)); err != nil {
		return Recovery{}, err
	}
	if s.pos, err = loadPositions(s.fs, s.path(positionsName)); err != nil {
		return Recovery{}, err
	}
	if err := s.loadSegments(sv); err != nil {
		return Recovery{}, err
	}
	sv.fresh = missing && !sv.marked && sv.serials == 0
	sv.Created = sv.fresh
	if err := s.judge(sv); err != nil {
		return Recovery{}, err
	}
	if err := s.startWriting(sv); err != nil {
		return Recovery{}, err
	}
	return sv.Recovery, s.removeFinished()
}

const (
	identityName = "identity"
	marksName    = "marks"
	asideName    = "damaged"
)

// loadSegments finds the segments, reads them through and applies the positions in them.
func (s *Spool) loadSegments(sv *survey) error {
	entries, err := s.fs.ReadDir(s.dir)
	if err != nil {
		return err
	}
	var files []File
	defer func() {
		for _, f := range files {
			_ = f.Close()
		}
	}()
	for _, entry := range entries {
		serial, ok := parseSegmentName(entry.Name())
		if !ok {
			continue
		}
		sv.serials = max(sv.serials, serial)
		f, seg, err := openSegment(s.fs, s.path(entry.Name()), serial)
		if err != nil && !damaged(err) {
			if f != nil {
				_ = f.Close()
			}
			return fmt.Errorf("reading %s: %w", entry.Name(), err)
		}
		if n := len(s.segments); err == nil && n > 0 && seg.base < s.segments[n-1].base {
			err = fmt.Errorf("first event %d comes before that of the file before it", seg.base)
		}
		if err != nil {
			_ = f.Close()
			sv.failures[serial] = err
			sv.dirty = append(sv.dirty, serial)
			continue
		}
		files = append(files, f)
		s.segments = append(s.segments, seg)
	}
	committed := s.marks.committed
	if !sv.marked {
		committed = math.MaxUint64
	}
	for i, seg := range s.segments {
		limit := uint64(math.MaxUint64)
		if i+1 < len(s.segments) {
			limit = s.segments[i+1].base - 1
		}
		changes, failure := seg.scan(files[i], limit, committed)
		if failure != nil && !damaged(failure) {
			return fmt.Errorf("reading %s: %w", segmentName(seg.serial), failure)
		}
		if failure != nil {
			sv.failures[seg.serial] = failure
		}
		s.bytes += seg.disk
		if seg.serial >= s.pos.serial {
			for _, c := range changes {
				s.pos.apply(c)
			}
		}
	}
	if len(s.segments) > 0 && max(s.pos.serial, 1) < s.segments[0].serial {
		sv.Warnings = append(sv.Warnings, "the log of positions is damaged: inputs may read again what they have read; it is recognised by its source id")
	}
	return nil
}

// judge finds out what is lost, and gives the spool a new id if something is.
func (s *Spool) judge(sv *survey) error {
	var ranges []ordinals
	var last uint64
	for _, seg := range s.segments {
		if seg.count > 0 {
			ranges = append(ranges, ordinals{seg.base, seg.next() - 1})
		}
		last = max(last, seg.next()-1)
	}
	if !sv.marked && len(s.segments) > 0 {
		s.marks.receipted = s.segments[0].base - 1
	}
	s.marks.committed = max(s.marks.committed, last, s.marks.receipted)
	committed, receipted := s.marks.committed, s.marks.receipted

	var lost []ordinals
	if sv.known {
		lost = s.id.missing(ranges, receipted, committed)
	} else {
		old := identity{Spans: []span{{Ordinal: 1, Sequence: 1}}}
		lost = old.missing(ranges, receipted, committed)
	}
	reason := ""
	switch {
	case sv.fresh:
		reason = "made"
	case !sv.known:
		reason = "the file " + identityName + " is missing or damaged"
	case len(lost) > 0:
		reason = "events are lost"
	case !sv.marked:
		reason = "the file " + marksName + " is missing or damaged"
	case !s.id.covers(ranges, receipted):
		reason = "files with events came back"
	case s.place != "" && s.id.Place != "" && s.place != s.id.Place:
		reason = "its folder is a copy of another, or has been moved to another disk or machine"
	}
	s.report(sv, lost)
	pendingRanges := clip(ranges, receipted)
	for _, r := range pendingRanges {
		sv.Events += r.len()
	}
	for _, r := range lost {
		s.stats.Lost += r.len()
	}
	s.id.remember(sv.Gaps)
	s.stats.Spooled = sv.Events
	s.stats.Recovered = sv.Events + s.stats.Lost
	if reason != "" {
		if !sv.fresh {
			sv.Renewed = reason
		}
		if err := s.takeIdentity(reason, append(pendingRanges, ordinals{committed + 1, committed})); err != nil {
			return err
		}
	} else if s.place != "" && s.id.Place == "" {
		s.id.Place = s.place
		if err := s.saveIdentity(s.id); err != nil {
			return err
		}
	}
	if err := s.marks.set(committed, receipted); err != nil {
		return err
	}
	return s.marks.file.Sync()
}

// report describes the gaps and what else is wrong with the files.
func (s *Spool) report(sv *survey, lost []ordinals) {
	for _, r := range lost {
		gap := Gap{SpoolID: s.id.ID, Reason: "the file is missing", Found: time.Now().UTC()}
		gap.First = s.id.sequence(r.first)
		gap.Last = s.id.sequence(r.last)
		if gap.First == 0 {
			gap.First, gap.Last = r.first, r.last
		}
		for _, seg := range s.segments {
			if failure := sv.failures[seg.serial]; failure != nil && seg.next() == r.first {
				gap.Reason = fmt.Sprintf("%s is damaged %v; it is moved to %s when the events before the damage are finished",
					s.path(segmentName(seg.serial)), failure, s.path(asideName))
			}
		}
		sv.Gaps = append(sv.Gaps, gap)
	}
	for i, seg := range s.segments {
		next := s.marks.committed + 1
		if i+1 < len(s.segments) {
			next = s.segments[i+1].base
		}
		failure := sv.failures[seg.serial]
		seg.aside = seg.next() < next || seg.adopted || failure != nil && !errors.Is(failure, errCut)
	}
}

// clip cuts what is receipted off and joins neighbours.
func clip(ranges []ordinals, receipted uint64) (out []ordinals) {
	for _, r := range ranges {
		r.first = max(r.first, receipted+1)
		if r.len() == 0 {
			continue
		}
		if n := len(out); n > 0 && out[n-1].last+1 == r.first {
			out[n-1].last = r.last
		} else {
			out = append(out, r)
		}
	}
	return out
}

// covers says whether every event above receipted has a sequence.
func (id *identity) covers(ranges []ordinals, receipted uint64) bool {
	for _, r := range clip(ranges, receipted) {
		inside := false
		for _, s := range id.Spans {
			inside = inside || s.contains(r.first) && s.contains(r.last)
		}
		if !inside {
			return false
		}
	}
	return true
}

// takeIdentity numbers the ranges, of which the last one is to grow, under a new id.
func (s *Spool) takeIdentity(reason string, ranges []ordinals) error {
	if n := len(ranges); n > 1 && ranges[n-2].last+1 == ranges[n-1].first {
		ranges[n-2].last = ranges[n-1].last
		ranges = ranges[:n-1]
	}
	id := newIdentity(reason, ranges)
	id.Place, id.Lost, id.Gaps = s.place, s.id.Lost, s.id.Gaps
	if err := s.saveIdentity(id); err != nil {
		return err
	}
	s.id = id
	return nil
}

func (s *Spool) saveIdentity(id identity) error {
	data, err := id.encode()
	if err != nil {
		return err
	}
	return replaceFile(s.fs, s.dir, s.path(identityName), data)
}

// startWriting cuts off what was being written when the process died and goes on in the last segment, or begins one.
func (s *Spool) startWriting(sv *survey) error {
	for _, serial := range sv.dirty {
		name := segmentName(serial)
		if errors.Is(sv.failures[serial], errCut) && len(sv.Gaps) == 0 {
			// The process died while it made this file.
			if err := s.fs.Remove(s.path(name)); err != nil {
				return err
			}
			continue
		}
		kept, err := s.putAside(name)
		if err != nil {
			return err
		}
		sv.Warnings = append(sv.Warnings, fmt.Sprintf("%s cannot be used (%v); kept as %s", name, sv.failures[serial], kept))
	}
	n := len(s.segments)
	if n == 0 || s.segments[n-1].aside {
		_, err := s.begin(sv.serials + 1)
		return err
	}
	seg := s.segments[n-1]
	f, err := s.fs.OpenFile(s.path(segmentName(seg.serial)), os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	s.active = f
	if seg.disk == seg.size {
		return nil
	}
	sv.Torn = seg.disk - seg.size
	if err := f.Truncate(seg.size); err != nil {
		return err
	}
	s.bytes -= sv.Torn
	seg.disk = seg.size
	return f.Sync()
}

// putAside moves a damaged file into a folder of its own, where only a person removes it, and returns its new name. Of more than
// 16 files the oldest one goes.
func (s *Spool) putAside(name string) (string, error) {
	dir := s.path(asideName)
	if err := s.fs.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	to := dir + string(os.PathSeparator) + name + "-" + time.Now().UTC().Format("20060102T150405.000000")
	if err := s.fs.Rename(s.path(name), to); err != nil {
		return "", err
	}
	entries, err := s.fs.ReadDir(dir)
	if err != nil {
		return "", err
	}
	for len(entries) > 16 {
		s.log.Warn("spool: more than 16 damaged files are kept; the oldest one is removed", "file", entries[0].Name())
		if err := s.fs.Remove(dir + string(os.PathSeparator) + entries[0].Name()); err != nil {
			return "", err
		}
		entries = entries[1:]
	}
	return to, nil
}

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }
