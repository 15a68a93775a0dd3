package spool

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"slices"
	"time"
)

// A span is a run of events that follow one another without a gap. Inside the spool an event is known by its ordinal, which is
// never used twice, whatever happens; to the manager it is known by the spool id and its sequence, which has no gaps. The spans
// translate. Where events are lost, the ordinals have a gap; the spool then takes a new id and numbers what is left from 1.
type span struct {
	Ordinal  uint64 `json:"ordinal"`
	Last     uint64 `json:"last_ordinal,omitempty"` // 0: still growing
	Sequence uint64 `json:"sequence"`
}

func (s span) contains(ordinal uint64) bool {
	return ordinal >= s.Ordinal && (s.Last == 0 || ordinal <= s.Last)
}

// identity is the file that names the spool.
type identity struct {
	ID      string    `json:"spool_id"`
	Created time.Time `json:"created"`
	Reason  string    `json:"reason"`
	Place   string    `json:"place,omitempty"`
	Spans   []span    `json:"spans"` // ascending; the last one is growing
	Lost    uint64    `json:"lost_events,omitempty"`
	Gaps    []Gap     `json:"gaps,omitempty"` // that nobody has been told of
}

// maxGaps bounds how many gaps are remembered; of more, the oldest ones go, and only their events stay counted.
const maxGaps = 1000

// remember keeps gaps until they are told, and counts their events.
func (id *identity) remember(gaps []Gap) {
	for _, gap := range gaps {
		id.Lost += gap.Last - gap.First + 1
	}
	id.Gaps = slices.Concat(id.Gaps, gaps)
	id.Gaps = id.Gaps[max(len(id.Gaps)-maxGaps, 0):]
}

// newIdentity numbers the ranges from 1 under a new random id. The last range is the growing one.
func newIdentity(reason string, ranges []ordinals) identity {
	id := identity{ID: rand.Text(), Created: time.Now().UTC(), Reason: reason}
	next := uint64(1)
	for i, r := range ranges {
		s := span{Ordinal: r.first, Last: r.last, Sequence: next}
		if i == len(ranges)-1 {
			s.Last = 0
		}
		next += r.len()
		id.Spans = append(id.Spans, s)
	}
	return id
}

// ordinals is a range of them; empty if last < first.
type ordinals struct{ first, last uint64 }

func (o ordinals) len() uint64 {
	if o.last < o.first {
		return 0
	}
	return o.last - o.first + 1
}

// sequence translates an ordinal; 0 if it is in no span.
func (id *identity) sequence(ordinal uint64) uint64 {
	for _, s := range id.Spans {
		if s.contains(ordinal) {
			return s.Sequence + ordinal - s.Ordinal
		}
	}
	return 0
}

// ordinal translates a sequence; false if the spool never gave it out under this id.
func (id *identity) ordinal(sequence uint64) (uint64, bool) {
	for _, s := range slices.Backward(id.Spans) {
		if sequence >= s.Sequence {
			ordinal := s.Ordinal + sequence - s.Sequence
			return ordinal, s.contains(ordinal)
		}
	}
	return 0, false
}

// missing returns which ordinals of the spans above receipted, up to committed, are not in the ranges.
func (id *identity) missing(ranges []ordinals, receipted, committed uint64) (lost []ordinals) {
	for _, s := range id.Spans {
		last := s.Last
		if last == 0 {
			last = committed
		}
		next := max(s.Ordinal, receipted+1)
		for _, r := range ranges {
			if r.last < next || r.len() == 0 {
				continue
			}
			if r.first > last {
				break
			}
			if r.first > next {
				lost = append(lost, ordinals{next, r.first - 1})
			}
			next = r.last + 1
		}
		if next <= last {
			lost = append(lost, ordinals{next, last})
		}
	}
	return lost
}

var errIdentity = errors.New("identity file is damaged")

func (id *identity) encode() ([]byte, error) {
	text, err := json.Marshal(id)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(text, "\n%08x\n", crc32.Checksum(text, castagnoli)), nil
}

// loadIdentity returns fs.ErrNotExist or errIdentity if there is none to trust.
func loadIdentity(fsys FS, name string) (identity, error) {
	data, err := readAll(fsys, name, 16<<20)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || Retryable(err) || errors.Is(err, fs.ErrPermission) {
			return identity{}, err
		}
		return identity{}, errIdentity
	}
	text, sum, _ := bytes.Cut(data, []byte("\n"))
	want, err := hex.DecodeString(string(bytes.TrimSpace(sum)))
	if err != nil || !bytes.Equal(want, checksumBytes(text)) {
		return identity{}, errIdentity
	}
	var id identity
	if err := json.Unmarshal(text, &id); err != nil || id.ID == "" || !id.ordered() {
		return identity{}, errIdentity
	}
	return id, nil
}

func checksumBytes(text []byte) []byte {
	sum := crc32.Checksum(text, castagnoli)
	return []byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}
}

// ordered says whether the spans follow one another and only the last one is growing.
func (id *identity) ordered() bool {
	for i, s := range id.Spans {
		final := i == len(id.Spans)-1
		if s.Ordinal == 0 || s.Sequence == 0 || (s.Last == 0) != final {
			return false
		}
		if !final && (s.Last < s.Ordinal || id.Spans[i+1].Ordinal <= s.Last ||
			id.Spans[i+1].Sequence != s.Sequence+(s.Last-s.Ordinal)+1) {
			return false
		}
	}
	return len(id.Spans) > 0
}
