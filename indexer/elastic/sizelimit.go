package elastic

import "sync"

const (
	// growAfter is how many full requests must pass before a larger one is tried.
	growAfter = 64
	// hurryAfter is that number after requests that were not answered in time.
	hurryAfter = 4
	// leastSlow is how small requests are made because they are not answered in time.
	leastSlow = 64 << 10
)

// sizeLimit is how large bulk requests are made. A proxy before Elasticsearch may take less than is configured: what was refused
// as too large makes them smaller at once, and many that pass make them larger again, a little at a time. A cluster that is slow
// may not be done with one in time, and to send it again as it was makes it slower still: what was not answered makes them smaller
// too, and a few that pass make them twice as large.
type sizeLimit struct {
	mu     sync.Mutex
	most   int // as configured
	now    int // never more than taken
	taken  int // never more than most: what is not refused as too large
	passed int // largest request that passed since the last refusal
	full   int // requests of nearly that size that passed since the last change
}

func newSizeLimit(most int) *sizeLimit { return &sizeLimit{most: most, now: most, taken: most} }

// bytes is how large a request of several documents may be.
func (l *sizeLimit) bytes() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

// refuse says that a request of several documents was too large.
func (l *sizeLimit) refuse(size int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lower := size / 2
	if l.passed < size {
		lower = max(lower, l.passed)
	}
	l.now = max(1, min(l.now, lower))
	l.taken = l.now
	l.passed, l.full = min(l.passed, l.now), 0
}

// late says that a request was not answered in time.
func (l *sizeLimit) late(size int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now, l.full = max(min(l.now, size/2), min(l.now, leastSlow)), 0
}

// pass says that a request was not too large.
func (l *sizeLimit) pass(size int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.passed = max(l.passed, size)
	if size <= l.now*3/4 || l.now == l.most {
		return
	}
	switch l.full++; {
	case l.now < l.taken && l.full >= hurryAfter:
		l.now, l.full = min(l.taken, 2*l.now), 0
	case l.full >= growAfter:
		l.now, l.full = min(l.most, l.now+l.now/8+1), 0
		l.taken = l.now
	}
}
