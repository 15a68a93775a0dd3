package bench

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"armor/services/armor/allinone"
	"armor/services/armor/datadir"
)

// FolderResult is a measurement of the whole way: a CloudTrail folder, read and spooled, evaluated, published, stored.
type FolderResult struct {
	Records          uint64  `json:"records"`
	Alerts           uint64  `json:"alerts"`
	WallSeconds      float64 `json:"wall_seconds"`
	CPUSeconds       float64 `json:"cpu_seconds"`
	RecordsPerSecond float64 `json:"records_per_second"`
	CPUMicros        float64 `json:"cpu_microseconds_per_record"`
	PeakRSSBytes     int64   `json:"peak_rss_bytes"`
}

// Folder reads a CloudTrail folder through everything that `armor up` runs, into a data directory that is made for it below dir
// and removed. cfg gives ruleset and durability. The clock runs from the first event to the last stored alert.
func Folder(ctx context.Context, folder, dir string, cfg allinone.Config, log *slog.Logger) (FolderResult, error) {
	data, err := os.MkdirTemp(dir, "armor-bench-")
	if err != nil {
		return FolderResult{}, fmt.Errorf("make a data directory for the measurement: %w", err)
	}
	defer os.RemoveAll(data)
	if cfg.Dir, err = datadir.Open(filepath.Join(data, "data")); err != nil {
		return FolderResult{}, err
	}
	cfg.Listen, cfg.GRPCListen, cfg.CloudTrail = "127.0.0.1:0", "127.0.0.1:0", []string{folder}
	cfg.ExitWhenIdle = time.Millisecond

	var begin, end reading
	events := allinone.Events{
		Started: func(allinone.Started) { begin = measure() },
		Idle:    func(allinone.Summary) { end = measure() },
	}
	summary, err := allinone.Run(ctx, cfg, events, log)
	if err != nil {
		return FolderResult{}, err
	}
	if end.at.IsZero() {
		return FolderResult{}, fmt.Errorf("ended before everything was stored: %d records read, %d alerts", summary.Read, summary.Alerts)
	}
	if summary.Read == 0 {
		return FolderResult{}, fmt.Errorf("no CloudTrail records were found in %s", folder)
	}
	used := end.since(begin)
	n := float64(summary.Read)
	return FolderResult{
		Records: summary.Read, Alerts: summary.Alerts, WallSeconds: used.wall.Seconds(), CPUSeconds: used.cpu.Seconds(),
		RecordsPerSecond: n / max(used.wall.Seconds(), 1e-9), CPUMicros: used.cpu.Seconds() * 1e6 / n, PeakRSSBytes: used.peak,
	}, nil
}
