package bench

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// usage is the CPU time (user and system) and the largest memory of this process so far.
func usage() (cpu time.Duration, peak int64) {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0, 0
	}
	peak = u.Maxrss
	if runtime.GOOS != "darwin" { // kilobytes everywhere else
		peak *= 1024
	}
	if own := ownPeak(); own > 0 {
		peak = own
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), peak
}

// ownPeak is the largest memory of this program alone: on Linux that of getrusage begins with what the program that started it
// had. 0: the system does not say.
func ownPeak() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			if err != nil {
				return 0
			}
			return kilobytes << 10
		}
	}
	return 0
}
