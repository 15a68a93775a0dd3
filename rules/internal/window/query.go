package window

import "armor/rules/internal/pattern"

// Query is what a correlation rule asks: have there been enough earlier events, near enough and alike enough?
type Query struct {
	// ID is its index in Plan.Queries.
	ID int
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
	// SameDynamic and DifferentDynamic are indexes into Plan.Names.
	SameDynamic, DifferentDynamic []int
	SameLocation, DifferentLocation,
	SameAgent, DifferentAgent bool
}

// MaxPrevious is how many earlier logs an alert shows.
const MaxPrevious = 11

// boundQuery is a query on a Memory: its list, and the dynamic fields as indexes into Event.Dynamic.
type boundQuery struct {
	list  *eventList
	floor *floor
	index *valueIndex
	Query
}

func (q *boundQuery) signature() signature {
	return signature{
		same:      values{static: q.Same, dynamic: q.SameDynamic, location: q.SameLocation, agent: !q.Global || q.SameAgent},
		different: values{static: q.Different, dynamic: q.DifferentDynamic, location: q.DifferentLocation, agent: q.DifferentAgent},
	}
}

// search answers the query; hash is that of cur in its index. The truth is a walk of the list from the newest event to the oldest
// that stops at the first that is too old or used up at the query's level (searchPlain); the index only skips events that are not
// alike, or not different enough. If enough events count, cur and, of several, the newest of them are marked as used up.
func (q *boundQuery) search(hash uint64, cur *Event, sc *pattern.Scratch, logs []string) ([]string, bool) {
	if q.list.disordered {
		return q.searchPlain(cur, sc, logs)
	}
	chain := q.index.chains[hash]
	if chain.count < q.Previous || chain.count == 0 {
		return logs, false
	}
	l, seq, differs := q.list, chain.newest, !q.index.signature.different.empty()
	stop := max(l.consumed[min(max(q.Level, 1), maxLevel)], l.offset+int64(l.head), q.floor.seq)
	if q.Regex == nil && !q.enough(seq, stop, cur.Time) {
		return logs, false
	}
	count := 0
	var newest *kept
	for seq >= stop {
		place := seq - l.offset
		e := l.events[place]
		if cur.Time-l.times[place] > q.Timeframe {
			return logs, false
		}
		if differs && q.index.signature.different.anyShared(e, cur) {
			seq = q.index.differing[place]
			continue
		}
		seq = q.index.previous[place]
		if !q.alike(e, cur, sc) {
			continue
		}
		if newest == nil {
			newest = e
		}
		if len(logs) < MaxPrevious {
			logs = append(logs, e.text(spanFull))
		}
		if count++; count == q.Previous {
			q.consume(newest, cur)
			return logs, true
		}
	}
	return logs, false
}

// enough says whether a chain has as many events, from seq on, as the query needs at least. It spares most searches that find
// too few a look at the events, which lie far apart in memory.
func (q *boundQuery) enough(seq, stop, now int64) bool {
	l := q.list
	for range q.Previous {
		if seq < stop || now-l.times[seq-l.offset] > q.Timeframe {
			return false
		}
		seq = q.index.previous[seq-l.offset]
	}
	return true
}

// searchPlain is search without the index.
func (q *boundQuery) searchPlain(cur *Event, sc *pattern.Scratch, logs []string) ([]string, bool) {
	l := q.list
	count := 0
	var newest *kept
	for i := len(l.events) - 1; i >= max(l.head, int(q.floor.seq-l.offset)); i-- {
		e := l.events[i]
		if cur.Time-l.times[i] > q.Timeframe || int(e.consumed) >= q.Level && e.consumed > 0 {
			return logs, false
		}
		if !q.counts(e, cur, sc) {
			continue
		}
		if newest == nil {
			newest = e
		}
		if len(logs) < MaxPrevious {
			logs = append(logs, e.text(spanFull))
		}
		if count++; count == q.Previous {
			q.consume(newest, cur)
			return logs, true
		}
	}
	return logs, false
}

// consume marks what an answer uses up.
func (q *boundQuery) consume(newest *kept, cur *Event) {
	if q.Previous > 1 {
		// With one earlier event the reference does not come to this.
		newest.consume(q.Level)
	}
	cur.Consumed = q.Level
}

// counts says whether an earlier event is alike enough, and different enough.
func (q *boundQuery) counts(e *kept, cur *Event, sc *pattern.Scratch) bool {
	return q.alike(e, cur, sc) && !q.index.signature.different.anyShared(e, cur)
}

// alike says whether an earlier event has in common with this one what it must.
func (q *boundQuery) alike(e *kept, cur *Event, sc *pattern.Scratch) bool {
	if !q.Global && e.text(spanAgent) != cur.Agent || q.SameCategory && e.category != cur.Category {
		return false
	}
	if q.Regex != nil && !q.Regex.Test(e.text(spanLog), sc) {
		return false
	}
	if len(q.SameDynamic)+len(q.DifferentDynamic) > 0 && (!e.hasDynamic || !cur.HasDynamic) {
		return false
	}
	return q.index.signature.same.shared(e, cur)
}
