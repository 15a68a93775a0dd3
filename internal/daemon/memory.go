package daemon

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// LimitMemory sets the size, in bytes, from which on the process collects its garbage more often than usual: a soft limit. Live data
// may pass it; as long as they take more than two thirds of it, the limit is one and a half times what they take, or collecting
// would take up to half of all CPU. 0: none. Where the environment sets GOMEMLIMIT, that holds, whatever is live.
func LimitMemory(bytes int64) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	memoryLimit.Store(max(bytes, 0))
	if bytes <= 0 {
		debug.SetMemoryLimit(math.MaxInt64)
		return
	}
	debug.SetMemoryLimit(bytes)
	watchMemory.Do(afterCollection)
}

// EngineGarbage is what programs that run the engine give to CollectAfter (docs/performance.md).
const EngineGarbage = 96 << 20

// CollectAfter has garbage collected when as much has come onto the heap as is live, as usual, but at least so many bytes: to go
// through a small heap again and again costs more than it gives back. 0: nothing is changed. GOGC in the environment wins.
func CollectAfter(bytes int64) {
	if bytes <= 0 || os.Getenv("GOGC") != "" {
		return
	}
	leastGarbage.Store(bytes)
	fitPercent()
	watchMemory.Do(afterCollection)
}

var (
	memoryLimit  atomic.Int64 // 0: not set
	leastGarbage atomic.Int64 // 0: not set
	watchMemory  sync.Once
)

// afterCollection fits the settings to what is live after each collection of garbage: the next one finds the mark that it leaves,
// and calls it again.
func afterCollection() {
	mark := new([64]byte)
	runtime.AddCleanup(mark, func(struct{}) {
		if memoryLimit.Load() > 0 {
			fitMemoryLimit()
		}
		if leastGarbage.Load() > 0 {
			fitPercent()
		}
		afterCollection()
	}, struct{}{})
}

// smallestHeap is what a heap is taken for that is smaller, or was not collected yet.
const smallestHeap = 4 << 20

func fitPercent() {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/gogc:percent"}}
	metrics.Read(samples)
	live, now := int64(samples[0].Value.Uint64()), int64(samples[1].Value.Uint64())
	percent := max(100, leastGarbage.Load()*100/max(live, smallestHeap))
	// Setting it stops the process for a moment: not for every small change.
	if max(percent-now, now-percent) > now/8 {
		debug.SetGCPercent(int(percent))
	}
}

func fitMemoryLimit() {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	live, rest := int64(samples[0].Value.Uint64()), int64(samples[1].Value.Uint64())
	for _, heap := range samples[2:] {
		rest -= int64(heap.Value.Uint64())
	}
	limit := max(memoryLimit.Load(), live+live/2+rest)
	// Setting it stops the process for a moment: not for every small change.
	if now := debug.SetMemoryLimit(-1); max(limit-now, now-limit) > now/16 {
		debug.SetMemoryLimit(limit)
	}
}

// CollectAt has garbage collected when it is so many per cent of the live heap, which takes less memory and more CPU the smaller it
// is; 0: 100, as usual. GOGC in the environment wins.
func CollectAt(percent int) {
	if os.Getenv("GOGC") == "" && percent > 0 {
		debug.SetGCPercent(percent)
	}
}

// ParseSize reads a size as GOMEMLIMIT is written: a number of bytes, or one with KiB, MiB or GiB behind it; off is 0.
func ParseSize(text string) (int64, error) {
	if text == "off" {
		return 0, nil
	}
	number, unit := text, int64(1)
	for suffix, size := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if rest, ok := strings.CutSuffix(text, suffix); ok {
			number, unit = rest, size
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/unit {
		return 0, fmt.Errorf("%q is no size: write a number with KiB, MiB or GiB, such as 512MiB, or off", text)
	}
	return n * unit, nil
}
