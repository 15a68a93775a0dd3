// Package uplink hands the spool's events to a manager: in order, as many at a time as the manager wants, again from the last
// finished one after every break, and an event leaves the spool only by the manager's receipt.
package uplink

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"armor/agent/spool"
	armorv1 "armor/proto/armor/v1"
)

// Limits of a batch, in events and encoded bytes.
const (
	maxEvents = 1000
	maxBytes  = 2 << 20
)

// Times.
const (
	// helloTimeout is how long the manager may take to answer the Hello.
	helloTimeout = 30 * time.Second
	// drainTimeout is how long, at the end, receipts of what was sent are waited for.
	drainTimeout = 2 * time.Second
	// Pauses before a new attempt: a random part of a bound that doubles from the first to the second.
	firstPause = 500 * time.Millisecond
	longPause  = 30 * time.Second
	// After a refusal that no repetition cures: half to all of a bound that doubles from the first to the second.
	firstRefused = 2 * time.Second
	longRefused  = 2 * time.Minute
	// stable is how long a session lasts for the pauses to begin small again.
	stable = 30 * time.Second
)

// Config says who sends.
type Config struct {
	// AgentID, AgentName and Version are told to the manager.
	AgentID, AgentName, Version string
	// Random returns a number from 0 to below 1, for the pauses. Nil: math/rand.
	Random func() float64
	// Report says how the agent is, for the manager. Nil: it is not told.
	Report func() *armorv1.AgentReport
}

// Uplink is the connection to a manager.
type Uplink struct {
	cfg    Config
	client armorv1.IngestServiceClient
	spool  *spool.Spool
	log    *slog.Logger

	handed handed        // used by the session's feed and, before and after, by Run
	news   chan struct{} // holds one when there is something to report

	mu     sync.Mutex
	status Status
}

// handed is the highest sequence that may ever have been given to a manager, of one spool id. A manager that has finished more
// than that does not speak of this spool.
type handed struct {
	id   string
	last uint64
}

// Status is how the connection is.
type Status struct {
	// Connected says that a manager takes events.
	Connected bool
	// Manager is its name.
	Manager string
	// Reason is why there is no connection; empty if there is one.
	Reason string
	// Sessions is how many times a manager has said Welcome.
	Sessions uint64
	// Sent events, those sent again included.
	Sent uint64
	// Replayed are finished events that were sent again by order.
	Replayed uint64
	// Violations are messages of a manager that break the contract.
	Violations uint64
}

// New prepares the uplink; Run connects. conn stays the caller's.
func New(cfg Config, conn grpc.ClientConnInterface, s *spool.Spool, log *slog.Logger) *Uplink {
	if cfg.Random == nil {
		cfg.Random = rand.Float64
	}
	u := &Uplink{cfg: cfg, client: armorv1.NewIngestServiceClient(conn), spool: s, log: log, news: make(chan struct{}, 1)}
	id, _, last := s.Bounds()
	u.handed = handed{id, last}
	u.status.Reason = "not connected yet"
	return u
}

// Status returns how the connection is.
func (u *Uplink) Status() Status {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.status
}

// News says that something began or ended that the manager is to know soon: a report is sent.
func (u *Uplink) News() {
	select {
	case u.news <- struct{}{}:
	default:
	}
}

// Violation is a message of the manager that breaks the contract.
type Violation struct{ Reason string }

func (v *Violation) Error() string { return "the manager breaks the contract: " + v.Reason }

// Run connects, and connects again, until ctx ends.
func (u *Uplink) Run(ctx context.Context) error {
	bound, refusal := firstPause, firstRefused
	for {
		began := time.Now()
		err := u.session(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, spool.ErrRenewed) {
			u.log.Info("the spool has a new id; connecting again")
			continue
		}
		if errors.Is(err, spool.ErrDiscarded) {
			u.log.Info("events on their way were given up; connecting again behind them")
			continue
		}
		if errors.Is(err, spool.ErrClosed) {
			return err
		}
		if time.Since(began) >= stable {
			bound, refusal = firstPause, firstRefused
		}
		pause := time.Duration(u.cfg.Random() * float64(bound))
		if refused(err) {
			pause = refusal/2 + time.Duration(u.cfg.Random()*float64(refusal/2))
			refusal = min(2*refusal, longRefused)
		}
		bound = min(2*bound, longPause)
		u.disconnected(err, pause)
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case <-timer.C:
		}
	}
}

// refused says whether a session ended for a reason that no repetition cures.
func refused(err error) bool {
	if _, ok := errors.AsType[*Violation](err); ok {
		return true
	}
	switch status.Code(err) {
	case codes.PermissionDenied, codes.Unauthenticated, codes.InvalidArgument, codes.FailedPrecondition, codes.Unimplemented:
		return true
	}
	return false
}

// disconnected notes and logs why there is no connection. The same reason again is not news, except when it is a refusal.
func (u *Uplink) disconnected(err error, pause time.Duration) {
	reason := explain(err)
	u.mu.Lock()
	if !u.status.Connected && vague.MatchString(reason) && strings.Contains(u.status.Reason, refusedTLS) {
		reason = u.status.Reason // a refused certificate shows in this form too, depending on who is faster
	}
	news := u.status.Connected || u.status.Reason != reason
	u.status.Connected, u.status.Reason = false, reason
	if _, ok := errors.AsType[*Violation](err); ok {
		u.status.Violations++
	}
	u.mu.Unlock()
	switch {
	case refused(err):
		u.log.Error("the manager refuses this agent; its events are kept", "reason", reason, "next attempt in", pause.Round(time.Millisecond))
	case news:
		u.log.Warn("no connection to a manager; events are kept", "reason", reason, "next attempt in", pause.Round(time.Millisecond))
	default:
		u.log.Debug("no connection to a manager; events are kept", "reason", reason, "next attempt in", pause.Round(time.Millisecond))
	}
}

func (u *Uplink) connected(w *armorv1.Welcome) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.status.Connected, u.status.Manager, u.status.Reason = true, w.GetManagerName(), ""
	u.status.Sessions++
	u.log.Info("connected to a manager", "manager", w.GetManagerName(), "finished", w.GetLastFinishedSequence(), "window", w.GetWindow())
}
