package daemon

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestLimitMemory(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	t.Setenv("GOMEMLIMIT", "")
	for _, c := range []struct{ set, want int64 }{{64 << 20, 64 << 20}, {0, math.MaxInt64}} {
		LimitMemory(c.set)
		if got := debug.SetMemoryLimit(-1); got != c.want {
			t.Errorf("LimitMemory(%d) sets %d", c.set, got)
		}
	}
	t.Setenv("GOMEMLIMIT", "1GiB")
	LimitMemory(1 << 20)
	if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
		t.Errorf("the environment does not win: %d", got)
	}
}

// settles collects garbage until a setting is as wanted.
func settles[T any](t *testing.T, what string, setting func() T, want func(T) bool) {
	t.Helper()
	for range 1000 {
		runtime.GC()
		if want(setting()) {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%s: it is %v", what, setting())
}

// Live data that pass the limit raise it, and it comes down again when they are gone.
func TestMemoryLimitFollowsLiveData(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	t.Setenv("GOMEMLIMIT", "")
	const limit = 32 << 20
	LimitMemory(limit)
	defer LimitMemory(0)
	reaches := func(what string, want func(int64) bool) {
		t.Helper()
		settles(t, what, func() int64 { return debug.SetMemoryLimit(-1) }, want)
	}
	live := make([]byte, 64<<20)
	reaches("64 MiB live", func(now int64) bool { return now > 96<<20 && now < 160<<20 })
	runtime.KeepAlive(live)
	reaches("nothing live", func(now int64) bool { return now <= limit+limit/8 })
}

// A small heap is collected late, a large one as usual.
func TestCollectAfter(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	percent := func() int {
		now := debug.SetGCPercent(100)
		debug.SetGCPercent(now)
		return now
	}
	t.Setenv("GOGC", "100")
	CollectAfter(64 << 20)
	if got := percent(); got != 100 {
		t.Errorf("the environment does not win: %d", got)
	}
	t.Setenv("GOGC", "")
	CollectAfter(64 << 20)
	defer leastGarbage.Store(0)
	reaches := func(what string, want func(int) bool) {
		t.Helper()
		settles(t, what, percent, want)
	}
	reaches("little is live", func(p int) bool { return p > 800 })
	live := make([]byte, 128<<20)
	reaches("128 MiB live", func(p int) bool { return p == 100 })
	runtime.KeepAlive(live)
	reaches("little again", func(p int) bool { return p > 800 })
}

func TestCollectAt(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	t.Setenv("GOGC", "")
	for _, c := range []struct{ set, want int }{{30, 30}, {0, 30}} {
		CollectAt(c.set)
		if got := debug.SetGCPercent(c.want); got != c.want {
			t.Errorf("CollectAt(%d) sets %d", c.set, got)
		}
	}
	t.Setenv("GOGC", "100")
	CollectAt(50)
	if got := debug.SetGCPercent(30); got != 30 {
		t.Errorf("the environment does not win: %d", got)
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{"off": 0, "0": 0, "512": 512, "3KiB": 3 << 10, "384MiB": 384 << 20, "2GiB": 2 << 30} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x", "-1", "1MB", "1.5GiB", "9999999999GiB", "GiB"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("ParseSize(%q) = %d", text, got)
		}
	}
}
