package rules

// State is what the engine remembers from one event to the next: correlation windows, keys seen before, ignore
// periods, firing counters. It is safe for concurrent use. NewMemoryState makes one.
type State interface {
	// Reset forgets everything.
	Reset()
	// Stats tells how much is remembered and how much had to be forgotten early.
	Stats() StateStats
}

// StateStats is the size of a State.
type StateStats struct {
	// Events remembered for correlation.
	Events int
	// Evicted counts events that were forgotten before their time because a list was full.
	Evicted uint64
	// Keys seen by if_fts.
	Keys int
}
