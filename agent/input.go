package agent

import (
	"context"

	"armor/agent/gate"
	"armor/agent/logfile"
	"armor/agent/timestamp"
	armorv1 "armor/proto/armor/v1"
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
	// Report fills in how far it is: events, sources, pending and lag.
	Report(r *armorv1.InputReport)
}

// newInput makes an input of a checked configuration.
func newInput(a *Agent, cfg *InputConfig, p *parts, g *gate.Gate) input {
	if cfg.Type == "logfile" {
		var clock *timestamp.Parser
		if cfg.Timestamp != nil {
			clock, _ = timestamp.New(*cfg.Timestamp) // its mistakes are Validate's
		}
		return logfile.New(logfile.Config{
			Name: cfg.name(), AgentID: a.id, Glob: cfg.Path, JSON: cfg.Format == "json", FromEnd: cfg.Start == "end",
			OneShot: a.cfg.OneShot, Labels: a.cfg.labels(cfg), Timestamp: clock,
		}, g, a.log)
	}
	return newTrail(a, cfg, p.spool, p.trail)
}

// gate is what stands between a checked input and the spool.
func (in *InputConfig) gate() gate.Config {
	path := in.Path
	if in.remote() {
		path = in.AWS.Name(in.Mode)
	}
	return gate.Config{Name: in.name(), Type: in.Type, Path: path, Drop: in.WhenFull == whenFullDrop, NoteLast: in.SilenceAfter > 0}
}
