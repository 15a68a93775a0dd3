package journal

import (
	"cmp"
	"log/slog"
	"slices"
	"sync"
	"time"

	"armor/manager/pipeline"
	armorv1 "armor/proto/armor/v1"
	"armor/rules"
)

// remembered is an event of the journal.
type remembered struct {
	agent *pipeline.Agent
	event *armorv1.RememberedEvent
}

// of gives the events of a record.
func of(record *armorv1.JournalRecord) []remembered {
	agent := &pipeline.Agent{ID: record.GetAgentId(), Name: record.GetAgentName()}
	out := make([]remembered, 0, len(record.GetEvents()))
	for _, e := range record.GetEvents() {
		out = append(out, remembered{agent, e})
	}
	return out
}

// rerunner evaluates events once more, for what they leave behind in the state.
type rerunner struct {
	ordered bool // by the events' own times
	log     *slog.Logger

	mu     sync.Mutex
	now    time.Time
	engine *rules.Engine
	x      *rules.Evaluation
}

func newRerunner(rs *rules.Ruleset, state rules.State, opts rules.EngineOptions, log *slog.Logger) *rerunner {
	r := &rerunner{ordered: opts.EventTime, log: log}
	opts.State, opts.Now = state, func() time.Time { return r.now }
	r.engine = rules.NewEngine(rs, opts)
	r.x = r.engine.NewEvaluation()
	return r
}

// evaluate goes through events at the engine's clock of then. It may put them into another order.
func (r *rerunner) evaluate(events []remembered) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ordered {
		slices.SortStableFunc(events, func(a, b remembered) int {
			return cmp.Or(cmp.Compare(a.event.GetEvaluatedUnixNano(), b.event.GetEvaluatedUnixNano()), cmp.Compare(a.agent.ID, b.agent.ID),
				cmp.Compare(a.event.GetEvent().GetSequence(), b.event.GetEvent().GetSequence()))
		})
	}
	for _, e := range events {
		r.again(e)
	}
}

// again evaluates an event. One that panics was a dead letter the first time.
func (r *rerunner) again(e remembered) {
	defer func() {
		if p := recover(); p != nil {
			r.log.Error("an event of the journal cannot be evaluated", "agent", e.agent.ID, "sequence", e.event.GetEvent().GetSequence(), "panic", p)
			r.x = r.engine.NewEvaluation()
		}
	}()
	r.now = time.Unix(0, e.event.GetEvaluatedUnixNano())
	ev := pipeline.EngineEvent(e.agent, e.event.GetEvent())
	r.engine.Decode(&ev, r.x)
	r.engine.Match(r.x)
}
