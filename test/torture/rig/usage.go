package rig

import (
	"bufio"
	"context"
	"net/http"
	"os"
	"strconv"
	"strings"

	"armor/test/torture/soak"
)

// Usage is what the process uses at this moment; false: it does not run. What a stopped process cannot answer is 0.
func (p *Process) Usage(ctx context.Context) (soak.Usage, bool) {
	p.mu.Lock()
	pid := 0
	if p.cmd != nil {
		pid = p.cmd.Process.Pid
	}
	p.mu.Unlock()
	if pid == 0 {
		return soak.Usage{}, false
	}
	proc := "/proc/" + strconv.Itoa(pid)
	u := soak.Usage{Memory: resident(proc), Goroutines: goroutines(ctx, p.debug)}
	if files, err := os.ReadDir(proc + "/fd"); err == nil {
		u.Files = len(files)
	}
	return u, true
}

// resident is the resident memory in bytes; 0: the process is gone.
func resident(proc string) int64 {
	text, err := os.ReadFile(proc + "/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// goroutines asks a program's metrics; 0: it does not answer.
func goroutines(ctx context.Context, address string) int {
	resp, err := get(ctx, "http://"+address+"/metrics")
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0
	}
	for rows := bufio.NewScanner(resp.Body); rows.Scan(); {
		if value, ok := strings.CutPrefix(rows.Text(), "go_goroutines "); ok {
			n, err := strconv.Atoi(value)
			if err != nil {
				return 0
			}
			return n
		}
	}
	return 0
}
