package rules

import "time"

// EngineOptions are the parts of an Engine that may be replaced.
type EngineOptions struct {
	// State to use; nil: a new one in memory.
	State State
	// Now is the clock for windows and for rules with time or weekday; nil: time.Now.
	Now func() time.Time
}

// Engine evaluates events against a ruleset. It is safe for concurrent use.
type Engine struct {
	rs    *Ruleset
	state State
	now   func() time.Time
}

// NewEngine makes an engine for a ruleset.
func NewEngine(rs *Ruleset, opts EngineOptions) *Engine {
	e := &Engine{rs: rs, state: opts.State, now: opts.Now}
	if e.now == nil {
		e.now = time.Now
	}
	return e
}

// Ruleset gives the ruleset that the engine runs.
func (e *Engine) Ruleset() *Ruleset { return e.rs }

// NewEvaluation makes the working memory of one event. Callers pool it: after warming up, evaluating allocates little.
func (e *Engine) NewEvaluation() *Evaluation { return &Evaluation{} }

// Decode is the pure half: header, decoder, fields. Any goroutine may call it, in parallel, each with its own x. The
// bytes of ev.Log must stay unchanged while x is in use.
func (e *Engine) Decode(ev *Event, x *Evaluation) { x.ev = *ev }

// Match is the stateful half: the rule walk. Call it in order per agent; it is safe for many goroutines. The Verdict
// is valid until x is used again.
func (e *Engine) Match(x *Evaluation) *Verdict {
	x.verdict = Verdict{x: x}
	return &x.verdict
}

// Evaluate is Decode and Match with memory of its own.
func (e *Engine) Evaluate(ev *Event) *Verdict {
	x := e.NewEvaluation()
	e.Decode(ev, x)
	return e.Match(x)
}
