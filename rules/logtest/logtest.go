// Package logtest evaluates single lines in a session of their own and shows the result to a person or as JSON.
package logtest

import "armor/rules"

// Options of a Session.
type Options struct {
	// Location where the lines are said to be read; empty: stdin.
	Location string
	// AgentID and AgentName of the agent that reads them; empty: this process.
	AgentID, AgentName string
}

// Session evaluates lines one after the other, with memory of those before.
type Session struct {
	engine *rules.Engine
	opts   Options
	x      *rules.Evaluation
}

// NewSession starts a session on an engine. Give each session an engine of its own: the engine's state is the history.
func NewSession(e *rules.Engine, opts Options) *Session {
	if opts.Location == "" {
		opts.Location = "stdin"
	}
	return &Session{engine: e, opts: opts, x: e.NewEvaluation()}
}

// Test evaluates one line.
func (s *Session) Test(line string) Result {
	ev := s.event(line)
	s.engine.Decode(&ev, s.x)
	return newResult(&ev, s.engine.Match(s.x))
}

// ResultOf is what became of an event that was evaluated elsewhere.
func ResultOf(ev *rules.Event, v *rules.Verdict) Result { return newResult(ev, v) }

// Explain is Test with an account of the way to the result. The error is an *rules.UnknownRuleError when a rule to be
// explained is not loaded; then nothing is evaluated.
func (s *Session) Explain(line string, e Explain) (Result, error) {
	for _, id := range e.Why {
		if err := s.engine.Ruleset().Explainable(id); err != nil {
			return Result{}, err
		}
	}
	if !e.wanted() {
		return s.Test(line), nil
	}
	ev := s.event(line)
	verdict, trace := s.engine.Trace(&ev, s.x)
	r := newResult(&ev, verdict)
	err := explain(&r, trace, e)
	return r, err
}

func (s *Session) event(line string) rules.Event {
	return rules.Event{AgentID: s.opts.AgentID, AgentName: s.opts.AgentName, Location: s.opts.Location, Log: line}
}
