package window

import (
	"armor/rules/internal/fields"
	"armor/rules/internal/pattern"
)

// Query is what a correlation rule asks: have there been enough earlier events, near enough and alike enough?
type Query struct {
	// List is the index of the list to search, in Plan.Lists.
	List int
	// Previous is how many earlier events are needed.
	Previous int
	// Timeframe in seconds.
	Timeframe int64
	// Level of the asking rule.
	Level int
	// Global: events of all agents count, not only those of the same agent.
	Global bool
	// SameCategory: only events of the same decoder type count (if_matched_regex).
	SameCategory bool
	// Regex, if not nil, must match the earlier event's log.
	Regex pattern.Matcher
	// Same and Different are bit sets of static fields.
	Same, Different uint32
	// SameDynamic and DifferentDynamic are indexes into Event.Dynamic.
	SameDynamic, DifferentDynamic []int
	SameLocation, DifferentLocation,
	SameAgent, DifferentAgent bool
}

// MaxPrevious is how many earlier logs an alert shows.
const MaxPrevious = 11

// search walks the list from the newest event to the oldest and stops at the first that is too old or used up. If
// enough events count, cur and, of several, the newest of them are marked as used up.
func (q *Query) search(l *eventList, cur *Event, sc *pattern.Scratch, logs []string) ([]string, bool) {
	count := 0
	var newest *Event
	for i := len(l.events) - 1; i >= l.head; i-- {
		e := l.events[i]
		if cur.Time-e.Time > q.Timeframe || e.Consumed >= q.Level && e.Consumed > 0 {
			return logs, false
		}
		if !q.counts(e, cur, sc) {
			continue
		}
		if newest == nil {
			newest = e
		}
		if len(logs) < MaxPrevious {
			logs = append(logs, e.Full)
		}
		if count++; count < q.Previous {
			continue
		}
		if q.Previous > 1 {
			// With one earlier event the reference does not come to this.
			newest.Consumed = q.Level
		}
		cur.Consumed = q.Level
		return logs, true
	}
	return logs, false
}

// counts says whether an earlier event is alike enough.
func (q *Query) counts(e, cur *Event, sc *pattern.Scratch) bool {
	if !q.Global && e.Agent != cur.Agent || q.SameCategory && e.Category != cur.Category {
		return false
	}
	if q.Regex != nil && !q.Regex.Test(e.Log, sc) {
		return false
	}
	if q.SameLocation && e.Location != cur.Location || q.DifferentLocation && e.Location == cur.Location ||
		q.SameAgent && e.Agent != cur.Agent || q.DifferentAgent && e.Agent == cur.Agent {
		return false
	}
	if q.Same|q.Different != 0 {
		for s := range fields.NumSlots {
			bit := uint32(1) << s
			if (q.Same|q.Different)&bit == 0 {
				continue
			}
			equal := e.Present&cur.Present&bit != 0 && e.Static[s] == cur.Static[s]
			if q.Same&bit != 0 && !equal || q.Different&bit != 0 && equal {
				return false
			}
		}
	}
	if len(q.SameDynamic)+len(q.DifferentDynamic) == 0 {
		return true
	}
	if !e.HasDynamic || !cur.HasDynamic {
		return false
	}
	for _, n := range q.SameDynamic {
		if a, b := e.Dynamic[n], cur.Dynamic[n]; !a.Set || !b.Set || a.Text != b.Text {
			return false
		}
	}
	for _, n := range q.DifferentDynamic {
		if a, b := e.Dynamic[n], cur.Dynamic[n]; a.Set && b.Set && a.Text == b.Text {
			return false
		}
	}
	return true
}
