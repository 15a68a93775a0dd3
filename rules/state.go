package rules

import (
	"fmt"
	"io"
	"time"

	"armor/rules/internal/window"
)

// State is what the engine remembers from one event to the next: correlation windows, keys seen before, texts of
// check_diff, ignore periods, fields that are carried on, firing counters. It is safe for concurrent use, may be shared
// by the engines of one process, and outlives them: an engine for a new ruleset goes on with the memory of the rules
// that did not change. A rule is unchanged when its own and its ancestors' definitions are. NewMemoryState makes one.
type State interface {
	// Reset forgets everything.
	Reset()
	// Stats tells how much is remembered and how much had to be forgotten early.
	Stats() StateStats
	// Snapshot writes everything, as of one moment; only the firing counters of events that change nothing else may be some
	// events apart, unless evaluation is held up meanwhile. Evaluation waits only while references are copied (about 25 ms for
	// 100,000 events and 200,000 keys; StateStats.Held tells the longest), not while w is written to. Several goroutines
	// may take snapshots at once.
	Snapshot(w io.Writer) error
	// Freeze is the first half of Snapshot: it takes everything as of one moment, and its Write writes it, later, while
	// evaluation goes on.
	Freeze() Frozen
	// Restore replaces everything by a snapshot, read up to its end and not beyond. Rules that are not known any more,
	// or have changed, are left out and counted (StateStats.Restored): those of the engines that exist, or else of the
	// first that is made. Damaged, cut off or foreign input, or more than the limits allow, is an error and changes
	// nothing.
	Restore(r io.Reader) error

	memory() *window.Memory
}

// StateStats is the size of a State.
type StateStats = window.Stats

// StateEvictions counts, by cause, what a State forgot early.
type StateEvictions = window.Evicted

// StateLimits bound a State. Zero values mean the defaults in parentheses. What a limit makes the State forget early
// is counted in StateStats.Evicted.
type StateLimits struct {
	// EventsPerList is how many events are remembered for one rule or group that others count (8192).
	EventsPerList int
	// BytesPerList is how much memory they may take (32 MiB).
	BytesPerList int
	// Bytes is how much memory the events of all rules and groups may take together (1 GiB); the largest loses first.
	Bytes int
	// Keys is how many first-time-seen keys are remembered, and how many of <ignore> (200000 each).
	Keys int
	// DiffBytes is how much text check_diff remembers (64 MiB).
	DiffBytes int
	// AccumulateBytes is how much accumulate carries on (64 MiB).
	AccumulateBytes int
}

// NewMemoryState makes a State in memory.
func NewMemoryState(l StateLimits) State {
	return memoryState{window.New(window.Limits{
		EventsPerList: l.EventsPerList, BytesPerList: l.BytesPerList, Bytes: l.Bytes,
		Keys: l.Keys, Diffs: l.DiffBytes, Accumulated: l.AccumulateBytes,
	})}
}

type memoryState struct{ m *window.Memory }

func (s memoryState) Reset()                 { s.m.Reset() }
func (s memoryState) memory() *window.Memory { return s.m }
func (s memoryState) Stats() StateStats      { return s.m.Stats() }

func (s memoryState) Freeze() Frozen             { return Frozen{s.m.Freeze(time.Now())} }
func (s memoryState) Snapshot(w io.Writer) error { return s.Freeze().Write(w) }

// Frozen is what a State remembered at one moment.
type Frozen struct{ f window.Frozen }

// Write writes it as a snapshot. It may be called once.
func (f Frozen) Write(w io.Writer) error {
	if err := f.f.Write(w); err != nil {
		return fmt.Errorf("write a snapshot of the engine's state: %w", err)
	}
	return nil
}

func (s memoryState) Restore(r io.Reader) error {
	if err := s.m.Restore(r); err != nil {
		return fmt.Errorf("restore the engine's state: %w", err)
	}
	return nil
}
