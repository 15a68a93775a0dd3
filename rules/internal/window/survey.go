package window

import "armor/rules/internal/pattern"

// End says why a search for earlier events stopped.
type End uint8

const (
	// Exhausted: there are no more events.
	Exhausted End = iota
	// TooOld: the next one is older than the timeframe.
	TooOld
	// Consumed: the next one was used up at the level of the asking rule or a higher one.
	Consumed
	// Enough: as many as needed were found.
	Enough
)

// Survey is what a query finds, for explanations.
type Survey struct {
	// Looked is how many events were looked at, Found how many of them count.
	Looked, Found int
	// End says why no more were looked at.
	End End
}

// Survey answers a query without using anything up: it changes nothing.
func (s *Session) Survey(q *Query, cur *Event, sc *pattern.Scratch) Survey {
	s.lock()
	return s.b.queries[q.ID].survey(cur, sc)
}

func (q *boundQuery) survey(cur *Event, sc *pattern.Scratch) Survey {
	var out Survey
	l := q.list
	for i := len(l.events) - 1; i >= l.head; i-- {
		e := l.events[i]
		if cur.Time-l.times[i] > q.Timeframe {
			out.End = TooOld
			return out
		}
		if int(e.consumed) >= q.Level && e.consumed > 0 {
			out.End = Consumed
			return out
		}
		out.Looked++
		if !q.counts(e, cur, sc) {
			continue
		}
		if out.Found++; out.Found == q.Previous {
			out.End = Enough
			return out
		}
	}
	return out
}
