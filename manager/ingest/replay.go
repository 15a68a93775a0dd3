package ingest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"

	"google.golang.org/protobuf/types/known/timestamppb"

	armorv1 "armor/proto/armor/v1"
)

var (
	// ErrNotHere is the error of Replay for an agent without a stream to this manager.
	ErrNotHere = errors.New("the agent has no stream to this manager")
	// ErrReplaying is that for an agent that is at one already.
	ErrReplaying = errors.New("the agent is at a replay already")
	// ErrReplayEnded is that of a replay that ended before everything was sent.
	ErrReplayEnded = errors.New("the replay ended early")
)

// replays finds the stream of an agent.
type replays struct {
	mu    sync.Mutex
	links map[string]*link
}

// link is an agent's stream as a replay sees it.
type link struct {
	out  *sender
	gone chan struct{} // closed at the end of the stream

	mu    sync.Mutex
	order string // id of the replay under way; empty: none
	news  chan *armorv1.ReplayProgress
}

func (r *replays) enter(agentID string, out *sender) *link {
	l := &link{out: out, gone: make(chan struct{})}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.links[agentID] = l
	return l
}

func (r *replays) leave(agentID string, l *link) {
	close(l.gone)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.links[agentID] == l {
		delete(r.links, agentID)
	}
}

func (r *replays) find(agentID string) *link {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.links[agentID]
}

// progress hands news to who waits for them; only the newest counts. What nobody asked for is left out.
func (l *link) progress(p *armorv1.ReplayProgress) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.order == "" || p.GetId() != l.order {
		return
	}
	select {
	case <-l.news:
	default:
	}
	l.news <- p
}

func (l *link) begin() (id string, news <-chan *armorv1.ReplayProgress, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.order != "" {
		return "", nil, false
	}
	l.order, l.news = rand.Text(), make(chan *armorv1.ReplayProgress, 1)
	return l.order, l.news, true
}

func (l *link) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.order = ""
}

// Replay has an agent send again the finished events that it keeps, and calls each with the progress. It returns nil when all
// are evaluated. It fails with ErrNotHere, ErrReplaying, ErrReplayEnded or the error of ctx or each; the agent may go on then.
func (s *Service) Replay(ctx context.Context, agentID string, since *timestamppb.Timestamp, each func(sent, total uint64) error) error {
	l := s.replays.find(agentID)
	if l == nil {
		return ErrNotHere
	}
	id, news, ok := l.begin()
	if !ok {
		return ErrReplaying
	}
	defer l.end()
	if err := l.out.replay(&armorv1.ReplayOrder{Id: id, Since: since}); err != nil {
		return fmt.Errorf("%w: %w", ErrReplayEnded, err)
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.closing:
			return fmt.Errorf("%w: the manager is shutting down", ErrReplayEnded)
		case <-l.gone:
			return fmt.Errorf("%w: the agent's stream ended", ErrReplayEnded)
		case p := <-news:
			if p.GetError() != "" {
				return fmt.Errorf("%w after %d of %d events: %s", ErrReplayEnded, p.GetSent(), p.GetTotal(), p.GetError())
			}
			if err := each(p.GetSent(), p.GetTotal()); err != nil || p.GetDone() {
				return err
			}
		}
	}
}
