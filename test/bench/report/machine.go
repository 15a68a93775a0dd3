package report

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
)

// Machine is where a run took place, and what else ran there.
type Machine struct {
	CPU        string  `json:"cpu"`
	CPUs       int     `json:"cpus"`
	Memory     string  `json:"memory"`
	System     string  `json:"system"`
	Go         string  `json:"go"`
	Commit     string  `json:"commit"`
	LoadBefore float64 `json:"load_before"`
}

// busy is the load from which on other programs disturb the figures.
const busy = 0.3

// ThisMachine asks the system; what it does not say is called unknown. root is the repository.
func ThisMachine(root string) Machine {
	m := Machine{
		CPU: after("/proc/cpuinfo", "model name"), CPUs: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(),
		Memory: "unknown memory", Commit: "unknown",
	}
	if kilobytes, err := strconv.ParseFloat(strings.TrimSuffix(after("/proc/meminfo", "MemTotal"), " kB"), 64); err == nil {
		m.Memory = fmt.Sprintf("%.0f GiB", kilobytes/mebibyte)
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		first, _, _ := strings.Cut(string(text), " ")
		m.LoadBefore, _ = strconv.ParseFloat(first, 64)
	}
	if out, err := exec.Command("git", "-C", root, "describe", "--always", "--dirty").Output(); err == nil {
		m.Commit = strings.TrimSpace(string(out))
	}
	return m
}

// after is what a file of the kernel says behind a key.
func after(path, key string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if k, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
