package rules

import "armor/rules/internal/window"

// State is what the engine remembers from one event to the next: correlation windows, keys seen before, ignore
// periods, firing counters. It is safe for concurrent use, may be shared by the engines of one process, and outlives
// them: an engine for a new ruleset goes on with the memory of the rules that did not change. NewMemoryState makes one.
type State interface {
	// Reset forgets everything.
	Reset()
	// Stats tells how much is remembered and how much had to be forgotten early.
	Stats() StateStats

	memory() *window.Memory
}

// StateStats is the size of a State.
type StateStats struct {
	// Events remembered for correlation.
	Events int
	// Evicted counts what was forgotten before its time because a limit was reached.
	Evicted uint64
	// Keys seen by if_fts or masked by ignore.
	Keys int
}

// StateLimits bound a State. Zero values mean the defaults in parentheses.
type StateLimits struct {
	// EventsPerList is how many events are remembered for one rule or group that others count (8192).
	EventsPerList int
	// BytesPerList is how much memory they may take (32 MiB).
	BytesPerList int
	// Keys is how many first-time-seen keys are remembered (200000).
	Keys int
	// DiffBytes is how much text check_diff remembers (64 MiB).
	DiffBytes int
}

// NewMemoryState makes a State in memory.
func NewMemoryState(l StateLimits) State {
	return memoryState{window.New(window.Limits{EventsPerList: l.EventsPerList, BytesPerList: l.BytesPerList, Keys: l.Keys, Diffs: l.DiffBytes})}
}

type memoryState struct{ m *window.Memory }

func (s memoryState) Reset()                 { s.m.Reset() }
func (s memoryState) memory() *window.Memory { return s.m }

func (s memoryState) Stats() StateStats { return StateStats(s.m.Stats()) }
