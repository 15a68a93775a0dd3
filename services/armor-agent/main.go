// Command armor-agent reads events on a host and hands them to a manager.
package main

import (
	"context"
	"errors"
	"os"

	"armor/agent"
	"armor/internal/daemon"
)

func main() {
	os.Exit(daemon.Main(daemon.Program[agent.Config]{
		Name:  "armor-agent",
		Short: "Read events on this host and hand them to a manager",
		Long: `Reads log files and CloudTrail folders, keeps what was read on disk until a manager has finished it, and goes on where it was
after a restart. See example.yaml for every setting.`,
		Example:     `  armor-agent --config /etc/armor/agent.yaml`,
		Default:     agent.Config{DataDir: "/var/lib/armor-agent"},
		DebugListen: "127.0.0.1:9401",
		MemoryLimit: 96 << 20,
		GCPercent:   30, // hosts have other work; docs/performance.md
		Run:         run,
	}))
}

func run(ctx context.Context, cfg agent.Config, p *daemon.Process) error {
	cfg.Version = p.Version
	a, err := agent.New(cfg, p.Log, p.Registry)
	if err != nil {
		return daemon.Usage(err)
	}
	p.OnReady("agent", func() error {
		if s := a.Status(); !s.GetReady() {
			return errors.New(s.GetReason())
		}
		return nil
	})
	return a.Run(ctx)
}
