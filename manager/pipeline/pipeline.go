// Package pipeline turns events into alerts. Its promise: every event that it accepts ends as exactly one of alerted, silent,
// duplicate or failed, and counts as finished only when the alert is stored (or, failed, its dead letter is) and so is
// everything before it.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"armor/internal/alertstream"
	armorv1 "armor/proto/armor/v1"
)

// Publisher takes alerts. When Publish returns nil, done is called once, with nil when the alert is stored. The alert is valid
// until Publish returns.
type Publisher interface {
	Publish(ctx context.Context, a *armorv1.Alert, done func(error)) error
}

// DeadLetters keeps events that cannot be evaluated or published. It has stored the letter when it returns nil.
type DeadLetters interface {
	DeadEvent(ctx context.Context, reason string, event []byte, origin alertstream.Origin, detail string) error
}

// Finished is told how far an agent's spool is finished, in ascending order. It must not block.
type Finished func(agentID, spoolID string, sequence uint64)

// Deps are a Pipeline's neighbours.
type Deps struct {
	// Publisher takes the alerts.
	Publisher Publisher
	// DeadLetters takes what failed.
	DeadLetters DeadLetters
	// Finished hears of progress; nil: nobody.
	Finished Finished
	// ManagerName stands in every alert.
	ManagerName string
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

var (
	// ErrClosing is the error of a Pipeline that takes no more events.
	ErrClosing = errors.New("the manager is shutting down")
	// ErrReplaced is the error of a Session when the same agent has started another.
	ErrReplaced = errors.New("the agent has started another session")
	// ErrMoved is an ErrReplaced whose other session is with another manager, which finishes the agent's events now.
	ErrMoved = fmt.Errorf("%w with another manager", ErrReplaced)
	// ErrTwin is an ErrReplaced whose other session has another spool: two agents use one id, or the agent's data are new.
	ErrTwin = fmt.Errorf("%w with another spool: if two agents use this id, give each its own", ErrReplaced)

	errNoRuleset = errors.New("no ruleset is in force yet")
)

// Pipeline evaluates events of any number of agents. It is safe for concurrent use.
type Pipeline struct {
	cfg   Config
	deps  Deps
	log   *slog.Logger
	force atomic.Pointer[force] // the ruleset in force

	accepted, alerted, silent, duplicate, failed atomic.Uint64
	givenUp                                      atomic.Uint64 // events on which a pattern was given up
	givenUpLogged                                atomic.Int64  // when that was last logged, Unix nanoseconds

	bytes *semaphore.Weighted // encoded events on their way, over all agents
	flow  *flow
	order *order // with window_time event; nil: events are evaluated as they come
	tasks chan *chunk

	life context.Context // ends when nothing may be published any more
	stop context.CancelFunc
	work sync.WaitGroup

	gate    sync.RWMutex // held for reading while something is started
	closing bool         // no events are taken
	stopped bool         // nothing is started

	mu       sync.Mutex // before a lane's
	lanes    map[laneKey]*lane
	sessions map[string]*Session // by agent
}

// New makes a pipeline that evaluates nothing before the first call of Use.
func New(cfg Config, deps Deps, log *slog.Logger) *Pipeline {
	cfg = cfg.WithDefaults()
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Finished == nil {
		deps.Finished = func(string, string, uint64) {}
	}
	p := &Pipeline{
		cfg: cfg, deps: deps, log: log,
		bytes:    semaphore.NewWeighted(cfg.TotalBytes),
		flow:     newFlow(),
		tasks:    make(chan *chunk, 4*cfg.Workers),
		lanes:    map[laneKey]*lane{},
		sessions: map[string]*Session{},
	}
	p.life, p.stop = context.WithCancel(context.Background())
	if cfg.WindowTime == EventTime {
		p.order = newOrder(p)
		p.work.Go(p.order.run)
	}
	if cfg.Workers > 1 { // with one, the agent's own goroutine decodes
		for range cfg.Workers {
			p.work.Go(p.decodeTasks)
		}
	}
	return p
}

// Counts are the conservation counters: at rest Accepted = Alerted + Silent + Duplicate + Failed.
type Counts struct {
	// Accepted events, resent ones included.
	Accepted uint64
	// Alerted events: their alert is stored.
	Alerted uint64
	// Silent events: no rule wanted an alert.
	Silent uint64
	// Duplicate events: resent, and not evaluated again.
	Duplicate uint64
	// Failed events: they are dead letters.
	Failed uint64
}

// InFlight is how many accepted events have not ended yet.
func (c Counts) InFlight() uint64 {
	ended := c.Alerted + c.Silent + c.Duplicate + c.Failed
	if ended > c.Accepted {
		return 0
	}
	return c.Accepted - ended
}

// Counts gives the counters.
func (p *Pipeline) Counts() Counts {
	// Accepted last: an event may end in between, but none may seem to have ended before it was accepted.
	c := Counts{Alerted: p.alerted.Load(), Silent: p.silent.Load(), Duplicate: p.duplicate.Load(), Failed: p.failed.Load()}
	c.Accepted = p.accepted.Load()
	return c
}

// Idle tells that every accepted event has ended and is finished.
func (p *Pipeline) Idle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lanes {
		if !l.idle() {
			return false
		}
	}
	return true
}

// Close takes no more events, waits until those on their way are finished or ctx ends, and stops.
func (p *Pipeline) Close(ctx context.Context) {
	p.gate.Lock()
	p.closing = true
	p.gate.Unlock()
	p.mu.Lock()
	lanes := make([]*lane, 0, len(p.lanes))
	for _, l := range p.lanes {
		lanes = append(lanes, l)
	}
	p.mu.Unlock()
	for _, l := range lanes {
		l.wake()
	}
	for _, l := range lanes {
		if !l.drained(ctx) {
			p.log.Warn("stopping with events that are not finished; their agents send them again", "events", p.Counts().InFlight())
			break
		}
	}
	p.gate.Lock()
	p.stopped = true
	p.gate.Unlock()
	p.stop()
	p.work.Wait()
}

func (p *Pipeline) isClosing() bool {
	p.gate.RLock()
	defer p.gate.RUnlock()
	return p.closing
}

// start runs f in a goroutine that Close waits for; false: too late.
func (p *Pipeline) start(f func()) bool {
	p.gate.RLock()
	defer p.gate.RUnlock()
	if p.stopped {
		return false
	}
	p.work.Go(f)
	return true
}
