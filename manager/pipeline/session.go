package pipeline

import (
	"context"
	"errors"
	"sync"

	armorv1 "armor/proto/armor/v1"
)

// Held is what an agent says about its spool.
type Held struct {
	// First is the lowest sequence that it still holds; 0: it is empty.
	First uint64
	// Last is the highest sequence that it holds or has handed over.
	Last uint64
}

// keptLanes is how many idle lanes without a session are remembered; what is forgotten is in the agents' records.
const keptLanes = 10_000

// Session is one connection of an agent. One goroutine submits, another may wait for receipts.
type Session struct {
	p    *Pipeline
	lane *lane

	once     sync.Once
	replaced chan struct{}
	cause    error  // why it was replaced; set before replaced is closed
	sent     uint64 // last receipt given out
}

// Enter starts a session of an agent, ending the one it had. known is the last finished sequence of that spool according to
// the managers' common record; claim is what its events are finished with (nil: nobody writes it down). The second value is the
// last sequence that is finished: the agent goes on with the next.
func (p *Pipeline) Enter(agent Agent, spoolID string, held Held, known uint64, claim Claim) (*Session, uint64, error) {
	if p.isClosing() {
		return nil, 0, ErrClosing
	}
	if p.force.Load() == nil {
		return nil, 0, errNoRuleset
	}
	key := laneKey{agent.ID, spoolID}
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lanes[key]
	if l != nil && l.claim != claim {
		// Another manager had the agent in between: what this one knows of the spool is old.
		l.abandon()
		l = nil
	}
	if l == nil {
		l = newLane(p, key, claim)
		p.forgetLanes(agent.ID)
		p.lanes[key] = l
	}
	s := &Session{p: p, lane: l, replaced: make(chan struct{})}
	if before := p.sessions[agent.ID]; before != nil {
		cause := ErrReplaced
		if before.lane != l {
			cause = ErrTwin
		}
		before.end(cause)
	}
	p.sessions[agent.ID] = s
	s.sent = l.enter(s, &agent, known, held)
	return s, s.sent, nil
}

// forgetLanes drops idle lanes that no session uses: those of the agent, whose spool is another now, and all of them when
// there are very many. p.mu is held.
func (p *Pipeline) forgetLanes(agentID string) {
	all := len(p.lanes) >= keptLanes
	for key, l := range p.lanes {
		if !all && key.agentID != agentID {
			continue
		}
		if s := p.sessions[key.agentID]; (s == nil || s.lane != l) && l.idle() {
			delete(p.lanes, key)
		}
	}
}

// end makes the session submit nothing more; p.mu may be held.
func (s *Session) end(cause error) {
	s.lane.mu.Lock()
	if s.lane.session == s {
		s.lane.session = nil
	}
	s.lane.wakeLocked()
	s.lane.mu.Unlock()
	s.once.Do(func() {
		s.cause = cause
		close(s.replaced)
	})
}

// Replaced is closed when the same agent has started another session.
func (s *Session) Replaced() <-chan struct{} { return s.replaced }

// Cause is ErrReplaced or ErrTwin. It waits for the end of the session.
func (s *Session) Cause() error {
	<-s.replaced
	return s.cause
}

// Explain replaces an ErrReplaced of this session by its cause.
func (s *Session) Explain(err error) error {
	if errors.Is(err, ErrReplaced) {
		return s.Cause()
	}
	return err
}

// Submit takes a batch of at least one event with ascending, gapless sequences, whose encoded size is bytes. It waits while
// the agent's window, or that of all agents, is full. What was taken before is counted as duplicate and not evaluated again. A
// batch that does not continue what was taken fails with a GapError; other errors are ErrReplaced, ErrClosing and those of ctx.
func (s *Session) Submit(ctx context.Context, batch *armorv1.EventBatch, bytes int) error {
	return s.lane.submit(ctx, s, batch, int64(bytes))
}

// NextReceipt waits until a receipt is due and gives the last finished sequence. It fails with the error of ctx, or with
// ErrReplaced.
func (s *Session) NextReceipt(ctx context.Context) (uint64, error) {
	l := s.lane
	for {
		l.mu.Lock()
		if l.session != s {
			l.mu.Unlock()
			return 0, ErrReplaced
		}
		if sequence, due := s.dueLocked(); due {
			l.mu.Unlock()
			return sequence, nil
		}
		changed := l.changed
		l.mu.Unlock()
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-changed:
		}
	}
}

// Drained waits until everything that was submitted is finished; false: ctx ended first.
func (s *Session) Drained(ctx context.Context) bool { return s.lane.drained(ctx) }

// Replayed waits until no submitted replay is unfinished; false: ctx ended first.
func (s *Session) Replayed(ctx context.Context) bool {
	return s.lane.until(ctx, func() bool { return s.lane.replays == 0 })
}

// Leave ends the session. What it submitted is evaluated nevertheless. True: it was the agent's current one.
func (s *Session) Leave() bool {
	s.p.mu.Lock()
	current := s.p.sessions[s.lane.key.agentID] == s
	if current {
		delete(s.p.sessions, s.lane.key.agentID)
	}
	s.p.mu.Unlock()
	s.end(ErrReplaced)
	return current
}

// creditBytes is what an event on its way is reckoned with when windows are shared out.
const creditBytes = 512

// Credit is how many events an agent may have on the way without a receipt: the configured window, or less when there are so
// many agents that they would not fit into memory together. A batch always fits.
func (p *Pipeline) Credit() int {
	share := p.cfg.TotalBytes / creditBytes / int64(max(p.Sessions(), 1))
	return int(min(max(share, 1000), int64(p.cfg.Window)))
}

// Sessions is how many agents have a session.
func (p *Pipeline) Sessions() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.sessions)
}

// ReceiptDue gives the receipt that is due, if one is, without waiting.
func (s *Session) ReceiptDue() (uint64, bool) {
	l := s.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session != s {
		return 0, false
	}
	return s.dueLocked()
}

// dueLocked is for one goroutine at a time, like NextReceipt; l.mu is held. What was resent is receipted again when all of it
// is finished.
func (s *Session) dueLocked() (uint64, bool) {
	l := s.lane
	if l.finished <= s.sent && !(l.echo && len(l.open) == 0) {
		return 0, false
	}
	l.echo = false
	s.sent = l.finished
	return s.sent, true
}
