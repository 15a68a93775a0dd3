package window

import "time"

// Evicted counts, by cause, what was forgotten before its time because a limit was reached.
type Evicted struct {
	// ListEvents and ListBytes: events of a list that had too many, or too large ones.
	ListEvents, ListBytes uint64
	// Bytes: events of the largest list, because all lists together were too large.
	Bytes uint64
	// TooLarge: events that are not remembered because one alone is too large.
	TooLarge uint64
	// FirstSeen, Masked, Diffs, Accumulated: keys of if_fts and <ignore>, texts of check_diff, ids of accumulate.
	FirstSeen, Masked, Diffs, Accumulated uint64
}

// Left counts what a snapshot holds for rules that are not known any more.
type Left struct {
	Lists, Events, Rules, Ignored, Diffs int
}

func (l *Left) add(o Left) {
	l.Lists += o.Lists
	l.Events += o.Events
	l.Rules += o.Rules
	l.Ignored += o.Ignored
	l.Diffs += o.Diffs
}

// Restored tells what the last Restore brought back, and what it left out.
type Restored struct {
	// Taken is when the snapshot was made; the zero time: nothing was restored.
	Taken   time.Time
	Events  int
	LeftOut Left
}

// Stats counts what is remembered.
type Stats struct {
	// Lists that hold events, the Events in them (one in two lists counts twice) and about their Bytes.
	Lists, Events, Bytes int
	// Keys of if_fts, Masked keys of <ignore>, Diffs of check_diff with their DiffBytes, Accumulated ids.
	Keys, Masked, Diffs, DiffBytes, Accumulated int
	Evicted                                     Evicted
	Restored                                    Restored
	// Snapshots made, and for how long one held evaluation up at most.
	Snapshots uint64
	Held      time.Duration
}

// Stats counts what is remembered, and what was forgotten early.
func (m *Memory) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := Stats{
		Bytes: m.bytes, Keys: m.seen.len(), Masked: m.masked.len(), Diffs: m.diffs.len(), DiffBytes: m.diffs.bytes,
		Accumulated: m.acc.len(), Evicted: m.evicted, Restored: m.restored, Snapshots: m.snapshots, Held: m.held,
	}
	for _, l := range m.lists {
		if n := l.len(); n > 0 {
			s.Lists++
			s.Events += n
		}
	}
	s.Evicted.FirstSeen += m.seen.evicted
	s.Evicted.Masked += m.masked.evicted
	s.Evicted.Diffs += m.diffs.evicted
	s.Evicted.Accumulated += m.acc.evicted
	return s
}
