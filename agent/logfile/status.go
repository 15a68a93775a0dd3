package logfile

import (
	"fmt"
	"os"
	"path/filepath"

	armorv1 "armor/proto/armor/v1"
)

// Idle is true when every line of every file has been read and handed to the sink; the beginning of a line waits for its end.
// It looks at the files to make sure, so it knows of changes that nobody was notified of.
func (in *Input) Idle() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.finished || !in.clean {
		return in.finished
	}
	if in.cfg.OneShot {
		return false
	}
	paths, err := filepath.Glob(in.cfg.Glob)
	if err != nil {
		return false
	}
	nodes := map[node]place{}
	for _, p := range in.settled {
		nodes[p.node] = p
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() || in.ignored[path] {
			continue
		}
		id, _ := nodeOf(info)
		p, ok := nodes[id]
		if !ok && len(in.problems) > 0 {
			continue // it cannot be opened
		}
		if !ok || p.size != info.Size() || p.mtime != info.ModTime().UnixNano() {
			return false
		}
	}
	return true
}

// Damaged lists the files that cannot be read.
func (in *Input) Damaged() []string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.problems
}

// Problem says which file cannot be read at present, and why; empty if all can.
func (in *Input) Problem() string {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch n := len(in.problems); n {
	case 0:
		return ""
	case 1:
		return in.problems[0]
	default:
		return fmt.Sprintf("%s (and %d more)", in.problems[0], n-1)
	}
}

// Stats returns the counters.
func (in *Input) Stats() Stats {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.stats
}

// Report says how far the input is.
func (in *Input) Report(r *armorv1.InputReport) {
	st := in.Stats()
	r.Events, r.Sources = st.Lines, uint64(st.Files)
}

// Figures are the counters by name.
func (in *Input) Figures() map[string]float64 {
	st := in.Stats()
	return map[string]float64{
		"logfile_lines": float64(st.Lines), "logfile_lines_cut": float64(st.Cut),
		"logfile_lines_untimed": float64(st.Untimed),
		"logfile_files":         float64(st.Files), "logfile_truncations": float64(st.Truncations),
	}
}
