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
			l.pass(size)
		}
		if refused > requests/growAfter+40 || small > requests/100 {
			t.Errorf("limit %d: %d of %d refused, %d small", limit, refused, requests, small)
		}
		for range requests {
			l.pass(l.bytes())
		}
		if l.bytes() != most {
			t.Errorf("limit %d: %d bytes after it went away", limit, l.bytes())
		}
	}
}

// A cluster that is slow gets smaller requests, but not smaller than is of use, and soon full ones again; what a proxy refuses as too
// large is not tried meanwhile.
func TestLateAnswersMakeRequestsSmaller(t *testing.T) {
	const most, refused = 8 << 20, 3 << 20
	l := newSizeLimit(most)
	l.refuse(refused)
	taken := l.bytes()
	for range 100 {
		l.late(l.bytes())
	}
	if l.bytes() != leastSlow {
		t.Errorf("%d bytes after many late answers", l.bytes())
	}
	for range 6 * hurryAfter {
		if l.bytes() > taken {
			t.Fatalf("%d bytes, but %d were refused", l.bytes(), refused)
		}
		l.pass(l.bytes())
	}
	if l.bytes() != taken {
		t.Errorf("%d bytes after answers in time, want %d", l.bytes(), taken)
	}
	small := newSizeLimit(1000)
	if small.late(900); small.bytes() != 1000 {
		t.Errorf("%d bytes where little is configured", small.bytes())
	}
}

// Small requests say nothing about a limit.
func TestSmallRequestsDoNotRaiseTheLimit(t *testing.T) {
	l := newSizeLimit(1000)
	l.refuse(800)
	for range 1000 {
		l.pass(100)
	}
	if l.bytes() != 400 {
		t.Errorf("%d bytes", l.bytes())
	}
}
