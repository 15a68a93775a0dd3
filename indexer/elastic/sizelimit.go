package elastic

import "sync"

const (
	// growAfter is how many full requests must pass at least, and at most, before a larger one is tried.
	growAfter, growAfterMost = 4, 64
	// leastStep is the smallest part by which requests grow, as a power of two: an eighth.
	leastStep = 3
	// leastLate is how small requests are made because they are not answered in time.
	leastLate = 64 << 10
)

// sizeLimit is how large bulk requests are made. A proxy before Elasticsearch may take less than is configured: what was refused
// as too large makes them smaller at once. A cluster that is slow may not be done with one in time, and to send it again as it was
// makes it slower still: what was not answered makes them smaller too. A few that pass make them twice as large; each refusal
// makes the next try later and its step smaller, so that under a lasting limit a refusal is rare.
type sizeLimit struct {
	mu     sync.Mutex
	most   int // as configured
	now    int // never more than most
	passed int // largest request that passed since the last refusal
	full   int // requests that passed since the last change and would have been larger without the limit
	after  int // full requests before the next try
	step   int // grows by now >> step
	grown  bool
}

func newSizeLimit(most int) *sizeLimit { return &sizeLimit{most: most, now: most, after: growAfter} }

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
	if l.grown {
		l.after, l.step, l.grown = min(2*l.after, growAfterMost), min(l.step+1, leastStep), false
	}
}

// late says that a request was not answered in time.
func (l *sizeLimit) late(size int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = max(min(l.now, size/2), min(l.now, leastLate))
	l.full, l.after, l.step, l.grown = 0, growAfter, 0, false
}

// pass says that a request was not too large, and was answered. cut: it would have been larger without the limit.
func (l *sizeLimit) pass(size int, cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.grown && size > l.passed { // the try was taken
		l.after, l.step, l.grown = max(l.after/2, growAfter), max(l.step-1, 0), false
	}
	l.passed = max(l.passed, size)
	if !cut || l.now == l.most {
		return
	}
	if l.full++; l.full >= l.after {
		l.now, l.full, l.grown = min(l.most, l.now+l.now>>l.step+1), 0, true
	}
}
