package rulestest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"armor/rules"
)

// testCase is one test of either form: events that go through one session.
type testCase struct {
	name, title string // title: as failures show it in brackets
	line        int
	start       time.Time // zero: Start
	events      []event
	last        check // judged on the last event, or on nothing when there is none; nil: none
}

// event is one line, repeated or not.
type event struct {
	name   string
	line   int
	event  rules.Event
	after  time.Duration
	repeat int
	checks []check
	wants  []Want
}

// check compares one thing. The verdict is nil where there was no event.
type check func(v *rules.Verdict) (expected, got string, ok bool)

// session evaluates tests one after the other, each without the history of those before.
type session struct {
	state  rules.State
	engine *rules.Engine
	x      *rules.Evaluation
	now    time.Time
}

func newSession(rs *rules.Ruleset) *session {
	s := &session{state: rules.NewMemoryState(rules.StateLimits{})}
	s.engine = rules.NewEngine(rs, rules.EngineOptions{State: s.state, Now: func() time.Time { return s.now }})
	s.x = s.engine.NewEvaluation()
	return s
}

// run runs one test. The error is the context's.
func (s *session) run(ctx context.Context, file string, c *testCase, now time.Time) (Result, Seen, error) {
	s.state.Reset()
	s.now = Start
	switch {
	case !now.IsZero():
		s.now = now
	case !c.start.IsZero():
		s.now = c.start
	}
	result := Result{File: file, Line: c.line, Name: c.name}
	var seen Seen
	var verdict *rules.Verdict
	for i := range c.events {
		e := &c.events[i]
		for range e.repeat {
			if result.Events%64 == 0 && ctx.Err() != nil {
				return result, seen, ctx.Err()
			}
			s.now = s.now.Add(e.after)
			ev := e.event
			ev.Time = s.now
			s.engine.Decode(&ev, s.x)
			verdict = s.engine.Match(s.x)
			seen.note(verdict)
			result.Events++
		}
		judge(&result, c, e, e.checks, verdict)
	}
	if c.last != nil {
		e := &event{name: c.title, line: c.line}
		if n := len(c.events); n > 0 {
			e = &c.events[n-1]
		}
		judge(&result, c, e, []check{c.last}, verdict)
	}
	return result, seen, nil
}

// judge adds a failure that holds everything that differs.
func judge(result *Result, c *testCase, e *event, checks []check, v *rules.Verdict) {
	var expected, got []string
	for _, check := range checks {
		if want, have, ok := check(v); !ok {
			expected, got = append(expected, want), append(got, have)
		}
	}
	if len(expected) == 0 {
		return
	}
	name := e.name
	if e.repeat > 1 {
		name = fmt.Sprintf("%s, time %d", name, e.repeat)
	}
	result.Failures = append(result.Failures, Failure{
		File: result.File, Line: e.line, Test: c.title, Event: name, Log: e.event.Log,
		Expected: strings.Join(expected, ", "), Got: strings.Join(got, ", "),
	})
}

// ended is the rule that an event ended in, whether or not its ignore period kept it silent; nil: none.
func ended(v *rules.Verdict) *rules.Rule {
	switch {
	case v == nil:
		return nil
	case v.SuppressedBy != nil:
		return v.SuppressedBy
	default:
		return v.Rule
	}
}
