package torture

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The long form's settings; `make torture` passes them.
var (
	seed     = flag.Uint64("seed", 0, "seed of the run; 0: one of the clock")
	duration = flag.Duration("duration", 0, "how long lines are offered; 0: the short form")
	kills    = flag.Int("kills", 200, "kills in the long form")
	rate     = flag.Float64("rate", 5000, "lines a second in the long form")
	outage   = flag.Duration("outage", 0, "how long NATS, and then all managers, are away in the long form of TestOutage; 0: the short form")
	report   = flag.String("report", "", "folder for summary and plot; default: a temporary one")
)

// Lines are offered while everything is killed, stopped and cut off, each in every way that there is; then each line must be in
// the store once, and the stream must have each source in order.
func TestTorture(t *testing.T) {
	cfg := Config{Seed: *seed, Duration: 45 * time.Second, Kills: 20, Rate: 400, Agents: 2, Sources: 2, DrainLimit: 2 * time.Minute}
	if *duration > 0 {
		cfg.Long, cfg.Duration, cfg.Kills, cfg.Rate, cfg.Agents, cfg.DrainLimit = true, *duration, *kills, *rate, 3, *duration+10*time.Minute
	}
	if cfg.Seed == 0 {
		cfg.Seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d: repeat the plan with -args -seed %d", cfg.Seed, cfg.Seed)
	summary := conclude(t, cfg, "torture")
	if summary.Kills != cfg.Kills {
		t.Errorf("%d kills, want %d", summary.Kills, cfg.Kills)
	}
}

// NATS is away, and then every manager, while lines go on: the spools grow, nothing is lost, and the agents catch up.
func TestOutage(t *testing.T) {
	cfg := Config{Seed: *seed, Rate: 100, Quiet: 9, Outage: 8 * time.Second, Agents: 2, Sources: 2, DrainLimit: 2 * time.Minute}
	if *outage > 0 {
		cfg.Long, cfg.Outage, cfg.Rate, cfg.Agents, cfg.DrainLimit = true, *outage, *rate/float64(cfg.Quiet+1), 3, 10*time.Minute
	}
	conclude(t, cfg, "outage")
}

// conclude makes a run, writes what came of it and fails if that is not what is promised.
func conclude(t *testing.T, cfg Config, kind string) Summary {
	t.Helper()
	summary, data := Run(t, cfg)
	text := summary.Text()
	t.Log("\n" + text)
	dir := *report
	if dir == "" {
		dir = t.TempDir()
	}
	name := filepath.Join(dir, fmt.Sprintf("%s-%s-%d", kind, summary.Began.Format("20060102-150405"), cfg.Seed))
	encoded, err := json.MarshalIndent(summary, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	var page strings.Builder
	if err := data.HTML(&page, fmt.Sprintf("%s, seed %d", kind, cfg.Seed), text); err != nil {
		t.Fatal(err)
	}
	for suffix, content := range map[string]string{".json": string(encoded) + "\n", ".txt": text, ".html": page.String()} {
		if err := os.WriteFile(name+suffix, []byte(content), 0o644); err != nil {
			t.Error(err)
		}
	}
	if !summary.Passed() {
		t.Errorf("seed %d: something was lost, doubled, invented or out of order, or went wrong", cfg.Seed)
	}
	return summary
}
