package soak

import (
	"testing"
	"time"
)

func samples(span time.Duration, usage func(part float64) Usage) []Sample {
	var out []Sample
	for at := time.Duration(0); at <= span; at += time.Second {
		out = append(out, Sample{At: at, Usage: map[string]Usage{"indexer": usage(float64(at) / float64(span))}})
	}
	return out
}

func TestJudge(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		name   string
		span   time.Duration
		usage  func(part float64) Usage
		judged bool
		flat   [3]bool // memory, files, goroutines
	}{
		{"steady", time.Hour, func(float64) Usage { return Usage{80 * mib, 30, 60} }, true, [3]bool{true, true, true}},
		{"bursts", time.Hour, func(p float64) Usage {
			if int(p*100)%10 == 0 {
				return Usage{800 * mib, 300, 600}
			}
			return Usage{80 * mib, 30, 60}
		}, true, [3]bool{true, true, true}},
		{"all leak", time.Hour, func(p float64) Usage {
			return Usage{int64((80 + 400*p) * mib), int(30 + 300*p), int(60 + 600*p)}
		}, true, [3]bool{false, false, false}},
		{"goroutines leak", time.Hour, func(p float64) Usage { return Usage{80 * mib, 30, int(60 + 600*p)} }, true, [3]bool{true, true, false}},
		{"cannot be asked now and then", time.Hour, func(p float64) Usage {
			if int(p*1000)%3 == 0 {
				return Usage{}
			}
			return Usage{80 * mib, 30, 60}
		}, true, [3]bool{true, true, true}},
		{"too short", time.Minute, func(float64) Usage { return Usage{80 * mib, 30, 60} }, false, [3]bool{}},
		{"dead at the end", time.Hour, func(p float64) Usage {
			if p > 0.5 {
				return Usage{}
			}
			return Usage{80 * mib, 30, 60}
		}, false, [3]bool{}},
	} {
		verdicts := Judge(samples(c.span, c.usage))
		if len(verdicts) != 3 {
			t.Fatalf("%s: %v", c.name, verdicts)
		}
		for i, v := range verdicts {
			if v.Judged != c.judged || v.Flat != c.flat[i] {
				t.Errorf("%s: %s", c.name, v)
			}
		}
	}
	if v := Judge(nil); v != nil {
		t.Errorf("%v", v)
	}
}
