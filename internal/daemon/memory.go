package daemon

import (
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// LimitMemory sets the size, in bytes, from which on the process collects its garbage more often than usual: a soft limit, which
// live data may pass. 0: none. Where the environment sets GOMEMLIMIT, that holds.
func LimitMemory(bytes int64) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	if bytes <= 0 {
		bytes = math.MaxInt64
	}
	debug.SetMemoryLimit(bytes)
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
