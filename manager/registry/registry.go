// Package registry knows the agents: when each was seen, and how far its spool is finished. What it promises: a record never
// says that more is finished than is, and it is written soon after (at most once a second), wherever the agent connects next.
package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/internal/alertstream"
	armorv1 "armor/proto/armor/v1"
)

const (
	// writeInterval is how often changed records are written.
	writeInterval = time.Second
	// heartbeat is how often the record of a connected agent is written even if nothing changed.
	heartbeat = 30 * time.Second
	// staleAfter is when a record that says connected is not believed any more: its manager has died.
	staleAfter = 3 * heartbeat
	// writers is how many records are written at once.
	writers = 8
	// keptRecords is how many records of agents that have gone are kept in memory.
	keptRecords = 10_000
)

// Store is where the records are; alertstream.Agents is one.
type Store interface {
	// Get gives a record and its revision; nil and 0 for an unknown agent.
	Get(ctx context.Context, id string) (*armorv1.Agent, uint64, error)
	// Put writes a record whose revision is still the given one, else fails with alertstream.ErrConflict.
	Put(ctx context.Context, agent *armorv1.Agent, revision uint64) (uint64, error)
	// List gives all records, by id.
	List(ctx context.Context) ([]*armorv1.Agent, error)
}

// Registry holds the records of this manager's agents in memory and writes them behind. It is safe for concurrent use.
type Registry struct {
	store   Store
	manager string
	now     func() time.Time
	log     *slog.Logger

	mu      sync.Mutex
	records map[string]*record
}

// record is an agent that is or was connected to this manager.
type record struct {
	agent    *armorv1.Agent
	revision uint64
	dirty    bool
	written  time.Time
	sessions int
}

// New makes a registry for the manager of that name; now is its clock.
func New(store Store, manager string, now func() time.Time, log *slog.Logger) *Registry {
	return &Registry{store: store, manager: manager, now: now, log: log, records: map[string]*record{}}
}

// Finished gives the last finished sequence of an agent's spool according to the common record, 0 if it knows none. The error
// is that of the store; without it nobody knows what was finished elsewhere.
func (r *Registry) Finished(ctx context.Context, agentID, spoolID string) (uint64, error) {
	common, revision, err := r.store.Get(ctx, agentID)
	if alertstream.IsPermanent(err) && revision > 0 {
		r.log.Error("an agent's record cannot be read and is written anew; what it resends is evaluated again", "agent", agentID, "err", err)
		common, err = nil, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading the record of agent %s: %w", agentID, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	rec := r.records[agentID]
	if rec == nil {
		rec = &record{agent: &armorv1.Agent{Id: agentID}}
		r.forget()
		r.records[agentID] = rec
	}
	known := uint64(0)
	if rec.agent.GetSpoolId() == spoolID {
		known = rec.agent.GetLastFinishedSequence()
	}
	if common != nil {
		if common.GetSpoolId() == spoolID {
			known = max(known, common.GetLastFinishedSequence())
		}
		if first := common.GetFirstSeen(); first.IsValid() {
			rec.agent.FirstSeen = first
		}
		rec.agent.GoneSince = common.GetGoneSince()
	}
	rec.revision = revision
	return known, nil
}

// Connected notes a session: what the agent says about itself, and from where its spool goes on.
func (r *Registry) Connected(hello *armorv1.Hello, ip string, finished uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rec := r.records[hello.GetAgentId()]
	if rec == nil { // forgotten in between, which many thousand agents can bring about
		rec = &record{agent: &armorv1.Agent{Id: hello.GetAgentId()}}
		r.records[hello.GetAgentId()] = rec
	}
	now := timestamppb.New(r.now())
	a := rec.agent
	if a.FirstSeen == nil {
		a.FirstSeen = now
	}
	a.Name, a.Ip, a.Version, a.ManagerName = hello.GetAgentName(), ip, hello.GetVersion(), r.manager
	a.State, a.LastSeen = armorv1.AgentState_AGENT_STATE_CONNECTED, now
	a.SpoolId, a.LastFinishedSequence = hello.GetSpoolId(), finished
	a.LastKnownSequence = max(hello.GetLastSequence(), finished)
	rec.sessions++
	rec.dirty, rec.written = true, time.Time{}
}

// Progress notes how far a spool is finished; it only stores the number.
func (r *Registry) Progress(agentID, spoolID string, sequence uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rec := r.records[agentID]
	if rec == nil || rec.agent.GetSpoolId() != spoolID {
		return // events of an older spool: the record is about the one in use
	}
	rec.agent.LastFinishedSequence = sequence
	rec.agent.LastKnownSequence = max(rec.agent.LastKnownSequence, sequence)
	rec.agent.LastSeen = timestamppb.New(r.now())
	rec.dirty = true
}

// largestReport is how many bytes of a report are kept in a record.
const largestReport = 64 << 10

// Reported notes what an agent says about itself. Of a report that is too large the inputs are left out.
func (r *Registry) Reported(agentID string, report *armorv1.AgentReport) {
	if proto.Size(report) > largestReport {
		report = proto.CloneOf(report)
		report.Inputs = nil
		if proto.Size(report) > largestReport {
			report.DroppedEvents = nil
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	rec := r.records[agentID]
	if rec == nil {
		return
	}
	now := timestamppb.New(r.now())
	rec.agent.Report, rec.agent.ReportTime, rec.agent.LastSeen = report, now, now
	rec.dirty = true
}

// Disconnected notes the end of a session.
func (r *Registry) Disconnected(agentID string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rec := r.records[agentID]
	if rec == nil {
		return
	}
	if rec.sessions--; rec.sessions > 0 {
		return // a newer session has taken over
	}
	rec.sessions = 0
	rec.agent.State = armorv1.AgentState_AGENT_STATE_DISCONNECTED
	rec.agent.LastSeen = timestamppb.New(r.now())
	rec.dirty, rec.written = true, time.Time{} // at the next turn
}

// Connections is how many agents have a session here.
func (r *Registry) Connections() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, rec := range r.records {
		if rec.sessions > 0 {
			n++
		}
	}
	return n
}

// Totals are what the connected agents report, together.
type Totals struct {
	// Spooled events wait for a receipt; Lost ones are gone by damage, Dropped ones were not taken.
	Spooled, Lost, Dropped uint64
	// Lag is the age of the oldest event that waits.
	Lag time.Duration
}

// Totals sums up what the agents that have a session here report.
func (r *Registry) Totals() Totals {
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	var t Totals
	for _, rec := range r.records {
		if rec.sessions == 0 {
			continue
		}
		report := rec.agent.GetReport()
		t.Spooled += report.GetSpooledEvents()
		t.Lost += report.GetLostEvents()
		for _, n := range report.GetDroppedEvents() {
			t.Dropped += n
		}
		if oldest := report.GetOldestUnfinished(); oldest.IsValid() {
			t.Lag = max(t.Lag, now.Sub(oldest.AsTime()))
		}
	}
	return t
}

// forget drops records that are written and not in use when there are very many; r.mu is held.
func (r *Registry) forget() {
	if len(r.records) < keptRecords {
		return
	}
	for id, rec := range r.records {
		if rec.sessions == 0 && !rec.dirty {
			delete(r.records, id)
		}
	}
}

// Run writes changed records until ctx ends.
func (r *Registry) Run(ctx context.Context) {
	ticker := time.NewTicker(writeInterval)
	defer ticker.Stop()
	for failing := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		r.beat()
		err := r.Flush(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			r.log.Warn("agents' records cannot be written; trying again", "err", err)
		}
		failing = err != nil
	}
}

// beat marks the records of connected agents whose turn has come.
func (r *Registry) beat() {
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rec := range r.records {
		if rec.sessions > 0 && now.Sub(rec.written) >= heartbeat {
			rec.agent.LastSeen = timestamppb.New(now)
			rec.dirty = true
		}
	}
}

// Flush writes all changed records now.
func (r *Registry) Flush(ctx context.Context) error {
	r.mu.Lock()
	var ids []string
	for id, rec := range r.records {
		if rec.dirty {
			ids = append(ids, id)
		}
	}
	r.mu.Unlock()
	var group errgroup.Group
	group.SetLimit(writers)
	for _, id := range ids {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error { return r.write(ctx, id) })
	}
	return errors.Join(group.Wait(), ctx.Err())
}

// write writes one record; when another manager was faster, it brings both together and tries once more.
func (r *Registry) write(ctx context.Context, id string) error {
	for range 3 {
		r.mu.Lock()
		rec := r.records[id]
		if rec == nil || !rec.dirty {
			r.mu.Unlock()
			return nil
		}
		agent, revision := proto.CloneOf(rec.agent), rec.revision
		rec.dirty = false
		r.mu.Unlock()

		next, err := r.store.Put(ctx, agent, revision)
		r.mu.Lock()
		if err == nil {
			rec.revision, rec.written = next, r.now()
			r.mu.Unlock()
			return nil
		}
		rec.dirty = true
		r.mu.Unlock()
		if !errors.Is(err, alertstream.ErrConflict) {
			return err
		}
		if err := r.reconcile(ctx, id); err != nil {
			return err
		}
	}
	return nil // still dirty: at the next turn
}

// reconcile takes over what another manager wrote. The one that the agent is connected to, or saw it last, has the say; what
// either finished is finished.
func (r *Registry) reconcile(ctx context.Context, id string) error {
	common, revision, err := r.store.Get(ctx, id)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	rec := r.records[id]
	if rec == nil {
		return nil
	}
	rec.revision = revision
	if common == nil {
		return nil
	}
	mine := rec.agent
	if common.GetFirstSeen().IsValid() && (!mine.GetFirstSeen().IsValid() || common.GetFirstSeen().AsTime().Before(mine.GetFirstSeen().AsTime())) {
		mine.FirstSeen = common.GetFirstSeen()
	}
	if rec.sessions == 0 {
		mine.GoneSince = common.GetGoneSince()
	}
	finished := mine.GetLastFinishedSequence()
	if common.GetSpoolId() == mine.GetSpoolId() && common.GetManagerName() != mine.GetManagerName() {
		finished = max(finished, common.GetLastFinishedSequence())
	}
	theirs := rec.sessions == 0 && common.GetManagerName() != r.manager && !common.GetLastSeen().AsTime().Before(mine.GetLastSeen().AsTime())
	if theirs {
		sameSpool := common.GetSpoolId() == mine.GetSpoolId()
		rec.agent = common
		if !sameSpool || finished <= common.GetLastFinishedSequence() {
			rec.dirty = false
			return nil
		}
	}
	rec.agent.LastFinishedSequence = finished
	rec.dirty = true
	return nil
}

// known gives this manager's view of its connected agents, by id.
func (r *Registry) known() map[string]*armorv1.Agent {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make(map[string]*armorv1.Agent, len(r.records))
	for id, rec := range r.records {
		if rec.sessions > 0 || rec.dirty && rec.agent.GetManagerName() == r.manager {
			out[id] = proto.CloneOf(rec.agent)
		}
	}
	return out
}

// SignOff writes all records with nobody connected any more: the manager stops.
func (r *Registry) SignOff(ctx context.Context) {
	r.mu.Lock()
	for _, rec := range r.records {
		if rec.sessions > 0 {
			rec.sessions = 0
			rec.agent.State = armorv1.AgentState_AGENT_STATE_DISCONNECTED
			rec.agent.LastSeen = timestamppb.New(r.now())
			rec.dirty = true
		}
	}
	r.mu.Unlock()
	if err := r.Flush(ctx); err != nil {
		r.log.Warn("agents' records could not be written; what they resend is evaluated again", "err", err)
	}
}
