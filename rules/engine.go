package rules

import (
	"time"

	"armor/rules/internal/data"
	"armor/rules/internal/window"
)

// EngineOptions are the parts of an Engine that may be replaced.
type EngineOptions struct {
	// State to use; nil: a new one in memory.
	State State
	// Now is the clock for windows and for rules with time or weekday; nil: time.Now.
	Now func() time.Time
	// EventTime takes an event's own time, where it has one, for the present: windows, ignore periods and rules with time or
	// weekday then say the same whenever and however fast events come, as long as they come in the order of their times.
	EventTime bool
	// Plain evaluates without any shortcut: every rule is tried at every place where it hangs, and correlation looks at
	// every earlier event. It gives the same verdicts, more slowly; for comparison.
	Plain bool
}

// Engine evaluates events against a ruleset. It is safe for concurrent use.
type Engine struct {
	rs      *Ruleset
	state   State
	now     func() time.Time
	plain   bool
	byEvent bool // EventTime
	binding *window.Binding
	forms   *data.Forms // nil: plain
}

// NewEngine makes an engine for a ruleset.
func NewEngine(rs *Ruleset, opts EngineOptions) *Engine {
	e := &Engine{rs: rs, state: opts.State, now: opts.Now, plain: opts.Plain, byEvent: opts.EventTime}
	if e.now == nil {
		e.now = time.Now
	}
	if e.state == nil {
		e.state = NewMemoryState(StateLimits{})
	}
	if !e.plain {
		e.forms = new(data.Forms)
	}
	e.binding = e.state.memory().Bind(rs.tree.Plan(), rs.keys)
	return e
}

// Ruleset gives the ruleset that the engine runs.
func (e *Engine) Ruleset() *Ruleset { return e.rs }

// State gives the engine's memory.
func (e *Engine) State() State { return e.state }

// NewEvaluation makes the working memory of one event. Callers pool it: after warming up, evaluating allocates little.
// It belongs to this engine and must not be used with another.
func (e *Engine) NewEvaluation() *Evaluation {
	x := &Evaluation{event: e.rs.decoders.NewEvent()}
	x.data.Forms = e.forms
	x.context.Event = x.event
	x.context.Symbols = e.binding.Symbols
	x.event.Plain, x.context.Plain, x.context.Session.Plain = e.plain, e.plain, e.plain
	return x
}

// Decode is the pure half: header, decoder, fields. Any goroutine may call it, in parallel, each with its own x. The
// bytes of ev.Log must stay unchanged while x is in use.
func (e *Engine) Decode(ev *Event, x *Evaluation) {
	x.ev = *ev
	e.rs.decoders.Decode(x.event, ev.Log)
}

// Evaluate is Decode and Match with memory of its own.
func (e *Engine) Evaluate(ev *Event) *Verdict {
	x := e.NewEvaluation()
	e.Decode(ev, x)
	return e.Match(x)
}
