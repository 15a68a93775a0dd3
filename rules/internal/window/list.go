package window

// eventList is the memory of one marked rule or group: events, oldest first. Each event has a sequence number in its
// list, offset plus its place in the slices.
type eventList struct {
	events []*kept
	times  []int64 // when each joined, Unix seconds; as good as never falling
	sizes  []int32 // bytes of each: an event is not looked at when it is forgotten, because it is in no cache any more
	head   int     // events before it are forgotten
	offset int64
	bytes  int
	maxAge int64 // seconds; older events cannot count any more
	gone   bool  // no ruleset knows it any more, though an old engine may still write to it
	// disordered: the clock went back; the indexes rely on falling ages.
	disordered bool
	// indexes lead from an event to the one before it with the same values.
	indexes []*valueIndex
	// consumed holds, by level, the last event that a rule of at least that level used up, as sequence plus one.
	consumed [maxLevel + 1]int64
}

const (
	maxLevel = 16
	// clockSlack is by how many seconds a clock may go back without being noticed: goroutines overtake each other.
	clockSlack = 5
)

func (l *eventList) len() int { return len(l.events) - l.head }

// end is the sequence number of the next event.
func (l *eventList) end() int64 { return l.offset + int64(len(l.events)) }

// expire forgets events that are too old to count at a time.
func (l *eventList) expire(now int64) {
	for l.len() > 0 && now-l.times[l.head] > l.maxAge {
		l.drop()
	}
}

// add appends an event, of which k is the copy to be kept; known are hashes of it.
func (l *eventList) add(e *Event, k *kept, known *hashes) {
	l.compact()
	now := e.Time
	if l.len() == 0 {
		l.disordered = false
	} else if last := l.times[len(l.times)-1]; now < last {
		if last-now > clockSlack {
			l.disordered = true
		} else {
			now = last
		}
	}
	l.append(e, k, now, known)
}

// append puts an event behind the others, at a time; known may be nil.
func (l *eventList) append(e *Event, k *kept, now int64, known *hashes) {
	seq := l.end()
	for _, x := range l.indexes {
		x.add(l, e, known.of(x, e))
	}
	l.events = append(l.events, k)
	l.times = append(l.times, now)
	l.sizes = append(l.sizes, int32(k.bytes()))
	l.bytes += k.bytes()
	k.in = append(k.in, membership{list: l, seq: seq})
	l.mark(int(k.consumed), seq)
}

// drop forgets the oldest event.
func (l *eventList) drop() {
	for _, x := range l.indexes {
		x.drop(l.head)
	}
	l.bytes -= int(l.sizes[l.head])
	l.events[l.head] = nil
	l.head++
}

// compact moves the events to the front when half of the slices is forgotten.
func (l *eventList) compact() {
	n := l.head
	if n == 0 || n < len(l.events)/2 {
		return
	}
	l.events = shift(l.events, n)
	l.times = shift(l.times, n)
	l.sizes = shift(l.sizes, n)
	for _, x := range l.indexes {
		x.shift(n)
	}
	l.offset += int64(n)
	l.head = 0
}

func shift[T any](s []T, n int) []T {
	m := copy(s, s[n:])
	clear(s[m:])
	return s[:m]
}

// mark notes that the event with a sequence number was used up at a level.
func (l *eventList) mark(level int, seq int64) {
	for i := 1; i <= min(level, maxLevel); i++ {
		l.consumed[i] = max(l.consumed[i], seq+1)
	}
}

// clearEvents forgets all events; the indexes stay, and sequence numbers go on rising.
func (l *eventList) clearEvents() {
	for l.len() > 0 {
		l.drop()
	}
	fresh := eventList{maxAge: l.maxAge, gone: l.gone, indexes: l.indexes, offset: l.end()}
	for _, x := range fresh.indexes {
		x.clear()
	}
	*l = fresh
}
