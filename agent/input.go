package agent

import (
	"context"

	"armor/agent/cloudtrail"
	"armor/agent/logfile"
	"armor/agent/spool"
)

// input is what the agent needs of each kind of input.
type input interface {
	// Run reads until ctx ends, or in a one-shot run until everything that is there has been read.
	Run(ctx context.Context) error
	// Idle is true when everything that is there has been read and handed to the spool.
	Idle() bool
	// Damaged lists what could not be read whole.
	Damaged() []string
	// Problem says why something cannot be read at present; empty if there is nothing.
	Problem() string
	// Figures are numbers of the input by name.
	Figures() map[string]float64
}

// newInput makes an input of a checked configuration.
func newInput(a *Agent, cfg *InputConfig, s *spool.Spool, intake *cloudtrail.Intake) input {
	if cfg.Type == "logfile" {
		return logfile.New(logfile.Config{
			Name: cfg.name(), AgentID: a.id, Glob: cfg.Path, JSON: cfg.Format == "json", FromEnd: cfg.Start == "end",
			OneShot: a.cfg.OneShot, Labels: a.cfg.labels(cfg),
		}, s, a.log)
	}
	return newTrail(a, cfg, s, intake)
}
