package window

// eventList is the memory of one marked rule or group: events, oldest first.
type eventList struct {
	events  []*Event
	head    int // events before it are forgotten
	bytes   int
	maxAge  int64 // seconds; older events cannot count any more
	evicted uint64
}

func (l *eventList) len() int { return len(l.events) - l.head }

// add appends an event and forgets what is too old or too much.
func (l *eventList) add(e *Event, lim Limits) {
	for l.len() > 0 && e.Time-l.events[l.head].Time > l.maxAge {
		l.drop()
	}
	for l.len() > 0 && (l.len() >= lim.EventsPerList || l.bytes+e.size() > lim.BytesPerList) {
		l.drop()
		l.evicted++
	}
	if l.head > 0 && l.head >= len(l.events)/2 {
		n := copy(l.events, l.events[l.head:])
		clear(l.events[n:])
		l.events = l.events[:n]
		l.head = 0
	}
	l.events = append(l.events, e)
	l.bytes += e.size()
}

func (l *eventList) drop() {
	l.bytes -= l.events[l.head].size()
	l.events[l.head] = nil
	l.head++
}
