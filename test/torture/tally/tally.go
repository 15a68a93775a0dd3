// Package tally keeps, in a few bits a line, which numbered lines came out: what was lost, doubled, invented, and what came
// out of turn.
package tally

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"armor/test/torture/lines"
)

// Tally counts arrivals. It may be used by many goroutines.
type Tally struct {
	mu      sync.Mutex
	sources map[string]*source
	report  Report
	ordered bool
}

type source struct {
	seen []uint64 // bits
	last uint64   // the highest number so far
}

func (s *source) mark(n uint64) (again bool) {
	word, bit := n/64, uint64(1)<<(n%64)
	for uint64(len(s.seen)) <= word {
		s.seen = append(s.seen, 0)
	}
	again = s.seen[word]&bit != 0
	s.seen[word] |= bit
	return again
}

func (s *source) has(n uint64) bool {
	return n/64 < uint64(len(s.seen)) && s.seen[n/64]&(1<<(n%64)) != 0
}

// Report is how arrivals differ from what was offered.
type Report struct {
	Arrived    uint64 `json:"arrived"`
	Lost       uint64 `json:"lost"`
	Duplicate  uint64 `json:"duplicate"`
	Invented   uint64 `json:"invented"`
	OutOfOrder uint64 `json:"out_of_order"`
	// Examples of each fault, a few.
	Examples []string `json:"examples,omitempty"`
}

// maxExamples bounds Report.Examples.
const maxExamples = 40

func (r *Report) example(format string, args ...any) {
	if len(r.Examples) < maxExamples {
		r.Examples = append(r.Examples, fmt.Sprintf(format, args...))
	}
}

// New is an empty tally of these sources; a line of any other is invented. ordered: lines arrive in an order that means
// something, so what is out of order is counted.
func New(ordered bool, names ...string) *Tally {
	t := &Tally{sources: map[string]*source{}, ordered: ordered}
	for _, name := range names {
		t.sources[name] = &source{}
	}
	return t
}

// maxNumber bounds the memory that a wrong number can take.
const maxNumber = 1 << 32

// Add counts one arrival. Out of order is a number that comes for the first time after a higher one.
func (t *Tally) Add(name string, n uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.Arrived++
	s := t.sources[name]
	if s == nil || n == 0 || n > maxNumber {
		t.report.Invented++
		t.report.example("invented: %s %d", name, n)
		return
	}
	if s.mark(n) {
		t.report.Duplicate++
		t.report.example("duplicate: %s %d", name, n)
		return
	}
	if n < s.last && t.ordered {
		t.report.OutOfOrder++
		t.report.example("out of order: %s %d after %d", name, n, s.last)
	}
	s.last = max(s.last, n)
}

// Arrived is the number of distinct lines that came.
func (t *Tally) Arrived() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.report.Arrived - t.report.Duplicate - t.report.Invented
}

// Close compares with what was offered: numbers 1 to offered[name] of each source.
func (t *Tally) Close(offered map[string]uint64) Report {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.report
	r.Examples = append([]string(nil), r.Examples...)
	for name, s := range t.sources {
		for n := uint64(1); n <= offered[name]; n++ {
			if !s.has(n) {
				r.Lost++
				r.example("lost: %s %d of %d", name, n, offered[name])
			}
		}
		for n := offered[name] + 1; n <= s.last; n++ {
			if s.has(n) {
				r.Invented++
				r.example("invented: %s %d, of %d offered", name, n, offered[name])
			}
		}
	}
	return r
}

// Documents counts alert documents, one JSON object a line. Each must be an alert of the generator's rule about one line; an
// id that comes twice is a duplicate by its line.
func (t *Tally) Documents(r io.Reader) error {
	in := bufio.NewReaderSize(r, 1<<20)
	for {
		text, err := in.ReadBytes('\n')
		if len(text) > 0 {
			if err := t.document(text); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the alerts: %w", err)
		}
	}
}

func (t *Tally) document(text []byte) error {
	var d struct {
		Rule struct {
			ID string `json:"id"`
		} `json:"rule"`
		FullLog string `json:"full_log"`
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return fmt.Errorf("reading an alert: %w", err)
	}
	name, n, err := lines.Parse([]byte(d.FullLog))
	if err != nil || d.Rule.ID != fmt.Sprint(lines.Rule) {
		name, n = fmt.Sprintf("rule %s, %.200q", d.Rule.ID, d.FullLog), 0
	}
	t.Add(name, n)
	return nil
}
