package process

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Usage is what a program used so far.
type Usage struct {
	// CPU is the time of all its threads, in user and system mode. The kernel counts in hundredths of a second.
	CPU time.Duration
	// Memory that is resident now and at most so far, in bytes.
	Memory, PeakMemory int64
}

// tick is the kernel's unit of CPU time as it shows it to programs: 1/100 s on every machine that Go runs on.
const tick = 10 * time.Millisecond

// Usage reads what the kernel counted.
func (p *Process) Usage() (Usage, error) { return usage(p.Name, strconv.Itoa(p.cmd.Process.Pid)) }

// Own is what this program used so far.
func Own() (Usage, error) { return usage("this program", "self") }

func usage(name, pid string) (Usage, error) {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return Usage{}, fmt.Errorf("reading what %s used: %w", name, err)
	}
	status, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return Usage{}, fmt.Errorf("reading what %s used: %w", name, err)
	}
	u, err := parse(string(stat), string(status))
	if err != nil {
		return Usage{}, fmt.Errorf("reading what %s used: %w", name, err)
	}
	return u, nil
}

// parse takes the texts of /proc/PID/stat and /proc/PID/status.
func parse(stat, status string) (u Usage, err error) {
	// The program's name, in parentheses, may hold anything; user and system time are the 12th and 13th field behind it.
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return Usage{}, fmt.Errorf("%q is no stat line", stat)
	}
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return Usage{}, fmt.Errorf("CPU time: %w", err)
		}
		u.CPU += time.Duration(n) * tick
	}
	for line := range strings.Lines(status) {
		key, value, _ := strings.Cut(line, ":")
		var into *int64
		switch key {
		case "VmRSS":
			into = &u.Memory
		case "VmHWM":
			into = &u.PeakMemory
		default:
			continue
		}
		kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return Usage{}, fmt.Errorf("%s: %w", key, err)
		}
		*into = kilobytes << 10
	}
	return u, nil
}
