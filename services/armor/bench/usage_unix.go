package bench

import (
	"runtime"
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
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), peak
}
