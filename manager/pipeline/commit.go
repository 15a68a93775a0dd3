package pipeline

import (
	"context"
	"errors"
	"time"

	armorv1 "armor/proto/armor/v1"
)

// Claim is the right of this manager to finish an agent's events. Claims are compared: an agent that was with another manager
// in between comes back with another.
type Claim interface {
	// Commit writes down that the spool is finished up to a sequence, and what of it is to be remembered, in order. It tries until
	// it is stored. Its error is ErrMoved when another manager finishes the agent's events now, or that of ctx.
	Commit(ctx context.Context, p Progress) error
}

// Progress is what a Claim writes down.
type Progress struct {
	// Agent and SpoolID say whose.
	Agent   *Agent
	SpoolID string
	// Finished is the last finished sequence.
	Finished uint64
	// Remembered are the events since the last Commit that changed what the engine remembers.
	Remembered []*armorv1.RememberedEvent
}

// remember keeps of an event what a second evaluation needs. The body is shared.
func remember(ev *armorv1.Event, at time.Time) *armorv1.RememberedEvent {
	return &armorv1.RememberedEvent{
		Event: &armorv1.Event{
			Sequence: ev.GetSequence(), Time: ev.GetTime(), ReadTime: ev.GetReadTime(), Location: ev.GetLocation(), Format: ev.GetFormat(), Body: ev.GetBody(),
		},
		EvaluatedUnixNano: at.UnixNano(),
	}
}

// ready gives how many jobs at the head have all their alerts stored, and what their commit says. l.mu is held.
func (l *lane) ready() (n int, p Progress, news bool) {
	p = Progress{SpoolID: l.key.spoolID, Finished: l.finished}
	for n < len(l.open) && l.open[n].left.Load() == 0 {
		j := l.open[n]
		n++
		p.Agent = j.agent
		p.Remembered = append(p.Remembered, j.remembered...)
		if j.last > p.Finished {
			p.Finished, news = j.last, true
		}
	}
	return n, p, news || len(p.Remembered) > 0
}

// commit writes down what is finished, all that has come together at a time, until nothing is left.
func (l *lane) commit() {
	for {
		l.mu.Lock()
		n, progress, news := l.ready()
		if n == 0 || l.lost {
			l.writing = false
			l.mu.Unlock()
			return
		}
		claim := l.claim
		l.mu.Unlock()
		if claim != nil && news {
			if err := claim.Commit(l.p.life, progress); err != nil {
				l.mu.Lock()
				l.writing = false
				l.mu.Unlock()
				if errors.Is(err, ErrMoved) {
					l.p.lose(l)
				}
				return // else: the pipeline stopped, the agent sends them again
			}
		}
		l.finish(n)
	}
}

// finish takes the first jobs out.
func (l *lane) finish(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost {
		return
	}
	moved := false
	for _, j := range l.open[:n] {
		l.events -= j.count
		l.bytes -= j.bytes
		if j.replay {
			l.replays--
		}
		l.p.bytes.Release(j.bytes)
		if j.last > l.finished {
			l.finished, moved = j.last, true
		}
	}
	clear(l.open[:n])
	l.open = l.open[n:]
	l.p.flow.leave(n)
	if moved {
		// Under the lock, so that it hears of them in order.
		l.p.deps.Finished(l.key.agentID, l.key.spoolID, l.finished)
	}
	l.wakeLocked()
}

// lose ends a lane whose agent another manager has taken over.
func (p *Pipeline) lose(l *lane) {
	p.mu.Lock()
	if p.lanes[l.key] == l {
		delete(p.lanes, l.key)
	}
	if s := p.sessions[l.key.agentID]; s != nil && s.lane == l {
		delete(p.sessions, l.key.agentID)
		s.end(ErrMoved)
	}
	p.mu.Unlock()
	l.abandon()
}

// abandon forgets what is not finished: whoever has the agent now gets it again. What was not evaluated counts as duplicate.
func (l *lane) abandon() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost {
		return
	}
	l.lost = true
	begun := 0
	for _, j := range l.open {
		l.p.bytes.Release(j.bytes)
		if j.begun {
			begun++
		} else {
			l.p.duplicate.Add(uint64(j.count))
		}
	}
	l.queue, l.open, l.events, l.bytes, l.replays = nil, nil, 0, 0, 0
	l.p.flow.leave(begun)
	l.wakeLocked()
}
