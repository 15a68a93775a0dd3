package torture

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Passed says whether each line is in the store once, the stream has each source in order, no process grew, and nothing else
// went wrong.
func (s *Summary) Passed() bool {
	store, stream := s.Store, s.Stream
	for _, v := range s.Soak {
		if v.Judged && !v.Flat {
			return false
		}
	}
	return store.Lost+store.Duplicate+store.Invented == 0 && stream.Lost+stream.Invented+stream.OutOfOrder == 0 &&
		s.Offered > 0 && len(s.Problems) == 0
}

// Text is the summary for eyes.
func (s *Summary) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, seed %d, %s, drained after %s\n", s.Began.Format(time.RFC3339), s.Seed, s.Duration, s.Drained)
	fmt.Fprintf(&b, "offered %d lines, %d kills\n", s.Offered, s.Kills)
	fmt.Fprintf(&b, "store:  %d alerts: lost %d, duplicate %d, invented %d\n", s.Store.Arrived, s.Store.Lost, s.Store.Duplicate, s.Store.Invented)
	fmt.Fprintf(&b, "stream: %d alerts: lost %d, invented %d, out of order per source %d (published again: %d)\n",
		s.Stream.Arrived, s.Stream.Lost, s.Stream.Invented, s.Stream.OutOfOrder, s.Stream.Duplicate)
	for _, name := range slices.Sorted(maps.Keys(s.Faults)) {
		fmt.Fprintf(&b, "  %4d  %s\n", s.Faults[name], name)
	}
	for _, o := range s.Outages {
		fmt.Fprintf(&b, "  %s: %d events in the spools when it ended, caught up %s later\n", o.Name, o.Spooled, o.CaughtUp)
	}
	for _, v := range s.Soak {
		fmt.Fprintf(&b, "  %s\n", v)
	}
	examples := s.Store.Examples
	if s.Stream.Lost+s.Stream.Invented+s.Stream.OutOfOrder > 0 {
		examples = append(slices.Clip(examples), s.Stream.Examples...)
	}
	if !s.Passed() {
		for _, text := range examples {
			fmt.Fprintf(&b, "  %s\n", text)
		}
	}
	for _, text := range s.Problems {
		fmt.Fprintf(&b, "problem: %s\n", text)
	}
	return b.String()
}
