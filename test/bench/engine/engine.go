// Package engine measures the rule engine by itself with `armor bench`. It promises that no measurement stands in the memory of
// another: each run is a process of its own.
package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strconv"

	"armor/rules/selection"
	"armor/services/armor/bench"
)

// Program is the path of armor.
type Program string

// Mode is what is done with the lines.
type Mode struct {
	// Workers evaluate.
	Workers int `json:"workers"`
	// Documents of the alerts are made too.
	Documents bool `json:"documents"`
	// Plain is without the engine's shortcuts.
	Plain bool `json:"plain"`
	// Profile is a file for a CPU profile of the run; empty: none is taken.
	Profile string `json:"-"`
}

// Run evaluates a corpus once.
func (p Program) Run(ctx context.Context, ruleset selection.Config, corpus Corpus, mode Mode) (r bench.EngineResult, err error) {
	args := []string{"bench", "--json", "--input", corpus.Path, "--workers", strconv.Itoa(mode.Workers)}
	if mode.Documents {
		args = append(args, "--sink", "json")
	}
	if mode.Plain {
		args = append(args, "--plain")
	}
	if mode.Profile != "" {
		args = append(args, "--cpuprofile", mode.Profile)
	}
	args = append(args, flags(ruleset)...)
	var errs bytes.Buffer
	cmd := exec.CommandContext(ctx, string(p), args...)
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &r)
	}
	if err != nil {
		return bench.EngineResult{}, fmt.Errorf("measuring the engine on the corpus %s: %w: %s", corpus.Name, err, errs.String())
	}
	if r.Events != corpus.Lines {
		return bench.EngineResult{}, fmt.Errorf("measuring the engine on the corpus %s: it has %d lines, %d were evaluated", corpus.Name, corpus.Lines, r.Events)
	}
	return r, nil
}

// flags are the command line for a ruleset.
func flags(c selection.Config) (args []string) {
	if c.Directory != "" {
		args = append(args, "--ruleset", c.Directory)
	}
	for _, list := range []struct {
		flag   string
		values []string
	}{{"--overlay", c.Overlays}, {"--include", c.Include}, {"--exclude", c.Exclude}, {"--set-rule-decoder", c.SetRuleDecoder}} {
		for _, value := range list.values {
			args = append(args, list.flag, value)
		}
	}
	return args
}

// Median of runs of the same measurement, figure by figure.
func Median(runs []bench.EngineResult) bench.EngineResult {
	m := bench.Median(runs)
	peaks := make([]int64, len(runs))
	for i := range runs {
		peaks[i] = runs[i].PeakRSSBytes
	}
	slices.Sort(peaks)
	m.PeakRSSBytes = peaks[len(peaks)/2] // every run was a process
	return m
}
