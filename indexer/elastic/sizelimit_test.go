package elastic

import "testing"

// Under a limit that nobody has told, a request is refused now and then only, and requests stay near the limit; when it goes
// away they grow back to what is configured.
func TestSizeLimitIsRemembered(t *testing.T) {
	const most = 8 << 20
	for _, limit := range []int{100, 5_000, 1 << 20, 3_333_333, most - 1} {
		l := newSizeLimit(most)
		refused, small := 0, 0
		const requests = 10_000
		for n := range requests {
			size := l.bytes()
			if size > limit {
				refused++
				l.refuse(size)
				continue
			}
			if n > 1000 && size < limit*3/4 {
				small++
			}
			l.pass(size, true)
		}
		if refused > requests/growAfterMost*2+40 || small > requests/100 {
			t.Errorf("limit %d: %d of %d refused, %d small", limit, refused, requests, small)
		}
		for range requests {
			l.pass(l.bytes(), true)
		}
		if l.bytes() != most {
			t.Errorf("limit %d: %d bytes after it went away", limit, l.bytes())
		}
	}
}

// After a limit that lasted for a while, requests are soon as large as before.
func TestSizeLimitThatGoesAway(t *testing.T) {
	const most, limit = 8 << 20, 64 << 10
	l := newSizeLimit(most)
	for range 50 {
		if size := l.bytes(); size > limit {
			l.refuse(size)
		} else {
			l.pass(size, true)
		}
	}
	requests := 0
	for ; l.bytes() < most && requests < 1000; requests++ {
		l.pass(l.bytes(), true)
	}
	if requests > 300 {
		t.Errorf("%d bytes after %d requests", l.bytes(), requests)
	}
}

// A cluster that is slow gets smaller requests, but not smaller than is of use, and soon full ones again.
func TestLateAnswersMakeRequestsSmaller(t *testing.T) {
	const most = 8 << 20
	l := newSizeLimit(most)
	for range 100 {
		l.late(l.bytes())
	}
	if l.bytes() != leastLate {
		t.Errorf("%d bytes after many late answers", l.bytes())
	}
	for range 7 * growAfter {
		l.pass(l.bytes(), true)
	}
	if l.bytes() != most {
		t.Errorf("%d bytes after answers in time", l.bytes())
	}
	small := newSizeLimit(1000)
	if small.late(900); small.bytes() != 1000 {
		t.Errorf("%d bytes where little is configured", small.bytes())
	}
}

// Documents that are larger than half of what a request may hold go one by one, and still the limit rises again.
func TestSizeLimitBelowTwoDocuments(t *testing.T) {
	const most, document = 8 << 20, 780
	l := newSizeLimit(most)
	l.refuse(2200)
	for range 1000 {
		l.pass(max(1, l.bytes()/document)*document, true)
	}
	if l.bytes() != most {
		t.Errorf("%d bytes", l.bytes())
	}
}

// Small requests say nothing about a limit.
func TestSmallRequestsDoNotRaiseTheLimit(t *testing.T) {
	l := newSizeLimit(1000)
	l.refuse(800)
	for range 1000 {
		l.pass(100, false)
	}
	if l.bytes() != 400 {
		t.Errorf("%d bytes", l.bytes())
	}
}
