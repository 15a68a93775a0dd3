package registry

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/internal/alertstream"
	armorv1 "armor/proto/armor/v1"
)

// Tell evaluates an event of the manager itself, and returns when it is finished.
type Tell func(ctx context.Context, ev *armorv1.Event) error

const (
	// lookForGone is how often it is looked for agents that are gone, and for those that are back.
	lookForGone = 15 * time.Second
	// localAgent is the agent of the manager's own process, which is never gone.
	localAgent = "000"
)

// Watch tells when an agent has been away for a time, once, and when it is back, until ctx ends. All managers watch all
// agents: what two of them tell has one id.
func (r *Registry) Watch(ctx context.Context, after time.Duration, tell Tell) {
	ticker := time.NewTicker(lookForGone)
	defer ticker.Stop()
	for failing := false; ; {
		err := r.Look(ctx, after, tell)
		if err != nil && !failing && ctx.Err() == nil {
			r.log.Warn("it cannot be told which agents are gone; trying again", "err", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Look tells what Watch does, once.
func (r *Registry) Look(ctx context.Context, after time.Duration, tell Tell) error {
	agents, err := r.store.List(ctx)
	if err != nil {
		return err
	}
	mine := r.known()
	var errs []error
	for _, a := range agents {
		switch {
		case a.GetId() == localAgent || mine[a.GetId()] != nil:
		case a.GetGoneSince() == nil && r.now().Sub(a.GetLastSeen().AsTime()) >= after:
			errs = append(errs, r.tellGone(ctx, a, after, tell))
		}
	}
	for id, a := range mine {
		if a.GetGoneSince() != nil && id != localAgent {
			errs = append(errs, r.tellBack(ctx, a, tell))
		}
	}
	return errors.Join(errs...)
}

// tellGone tells first and notes it then: after a death in between it is told again, under the same id.
func (r *Registry) tellGone(ctx context.Context, a *armorv1.Agent, after time.Duration, tell Tell) error {
	seen := a.GetLastSeen().AsTime()
	err := tell(ctx, ownEvent("agent_gone", "high", a, seen, seen.Add(after), map[string]any{
		"message": fmt.Sprintf("agent %s (%s) is gone: it was last seen at %s", a.GetId(), a.GetName(), seen.Format(time.RFC3339)), "last_seen": seen.Format(time.RFC3339),
	}))
	if err != nil {
		return err
	}
	common, revision, err := r.store.Get(ctx, a.GetId())
	if err != nil || !common.GetLastSeen().AsTime().Equal(seen) {
		return err // it has come back meanwhile
	}
	common.GoneSince = a.GetLastSeen()
	_, err = r.store.Put(ctx, common, revision)
	if errors.Is(err, alertstream.ErrConflict) {
		return nil // looked at again at the next turn
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if rec := r.records[a.GetId()]; rec != nil && rec.sessions == 0 {
		rec.agent.GoneSince = common.GoneSince
	}
	return err
}

func (r *Registry) tellBack(ctx context.Context, a *armorv1.Agent, tell Tell) error {
	since, now := a.GetGoneSince().AsTime(), r.now()
	err := tell(ctx, ownEvent("agent_back", "low", a, since, now, map[string]any{
		"message":   fmt.Sprintf("agent %s (%s) is back", a.GetId(), a.GetName()),
		"last_seen": since.Format(time.RFC3339), "gone_seconds": int64(now.Sub(since).Seconds()),
	}))
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if rec := r.records[a.GetId()]; rec != nil && proto.Equal(rec.agent.GetGoneSince(), a.GetGoneSince()) {
		rec.agent.GoneSince = nil
		rec.dirty = true
	}
	return nil
}

// ownEvent makes an Armor event about an agent (docs/reliability.md). since makes its id.
func ownEvent(kind, severity string, a *armorv1.Agent, since, at time.Time, fields map[string]any) *armorv1.Event {
	fields["event"], fields["severity"] = kind, severity
	fields["agent"] = map[string]string{"id": a.GetId(), "name": a.GetName()}
	body, err := json.Marshal(struct {
		Integration string         `json:"integration"`
		Armor       map[string]any `json:"armor"`
	}{"armor", fields})
	if err != nil {
		panic(err) // strings and numbers
	}
	id := sha256.Sum256([]byte("armor\x00" + kind + "\x00" + a.GetId() + "\x00" + since.UTC().Format(time.RFC3339Nano)))
	stamp := timestamppb.New(at)
	return &armorv1.Event{
		SourceId: id[:], Time: stamp, ReadTime: stamp, Location: "armor", Format: armorv1.EventFormat_EVENT_FORMAT_JSON, Body: body,
	}
}
