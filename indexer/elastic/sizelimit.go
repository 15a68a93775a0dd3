package elastic

import "sync"

// growAfter is how many full requests must pass before a larger one is tried.
const growAfter = 64

// sizeLimit is how large bulk requests are made: a proxy before Elasticsearch may take less than is configured. What was
// refused as too large makes them smaller at once, and many that pass make them larger again, a little at a time.
type sizeLimit struct {
	mu     sync.Mutex
	most   int // as configured
	now    int // never more than most
	passed int // largest request that passed since the last refusal
	full   int // requests of nearly that size that passed since the last change
}

func newSizeLimit(most int) *sizeLimit { return &sizeLimit{most: most, now: most} }

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
	l.passed, l.full = min(l.passed, l.now), 0
}

// pass says that a request was not too large.
func (l *sizeLimit) pass(size int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.passed = max(l.passed, size)
	if size <= l.now*3/4 || l.now == l.most {
		return
	}
	if l.full++; l.full >= growAfter {
		l.now, l.full = min(l.most, l.now+l.now/8+1), 0
	}
}
