package console

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	armorv1 "armor/proto/armor/v1"
)

const (
	heartbeat     = 15 * time.Second
	batchWait     = 500 * time.Millisecond // alerts within it travel as one event
	batchLatest   = 10                     // alerts of a batch that are named; the others are counted
	watchDeadline = 10 * time.Second       // for one write; a browser that takes longer is gone
)

// news is what a batch says of an alert. The page asks the store for the rest.
type news struct {
	ID          string `json:"id"`
	Level       uint32 `json:"level"`
	Rule        uint32 `json:"rule"`
	Description string `json:"description"`
}

type batch struct {
	// Count of the alerts in the batch, and of those missed before because this watcher read too slowly.
	Count  uint64 `json:"count"`
	Missed uint64 `json:"missed"`
	// Alerts are the newest of the batch.
	Alerts []news `json:"alerts"`
}

func newBatch(alert *armorv1.Alert, missed uint64) batch {
	rule := alert.GetRule()
	return batch{Count: 1, Missed: missed, Alerts: []news{{ID: alert.GetId(), Level: rule.GetLevel(), Rule: rule.GetId(), Description: rule.GetDescription()}}}
}

func (b *batch) merge(one batch) {
	b.Count += one.Count
	b.Missed += one.Missed
	b.Alerts = append(b.Alerts, one.Alerts...)
	if extra := len(b.Alerts) - batchLatest; extra > 0 {
		b.Alerts = b.Alerts[extra:]
	}
}

// watch sends new alerts as server-sent events: `ready` at once, `alerts` in batches, `heartbeat` when nothing happens, and `unavailable`, after which the
// connection ends, when there is nothing to watch or too many watch already.
func (c *Console) watch(w http.ResponseWriter, r *http.Request) error {
	out := &events{w: w, control: http.NewResponseController(w)}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	if c.feeds == nil {
		return out.send("unavailable", map[string]string{"reason": "no alert stream is connected"})
	}
	select {
	case c.watchers <- struct{}{}:
		defer func() { <-c.watchers }()
	default:
		c.log.Warn("console watcher refused", "watchers", cap(c.watchers))
		return out.send("unavailable", map[string]string{"reason": fmt.Sprintf("%d watchers are connected, the most allowed (max_watchers)", cap(c.watchers))})
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	source, err := c.feeds.open(ctx)
	if err != nil {
		c.log.Warn("console cannot watch alerts", "error", err)
		return out.send("unavailable", map[string]string{"reason": err.Error()})
	}
	defer source.close()
	if err := out.send("ready", map[string]string{}); err != nil {
		return nil // the browser went away
	}
	if err := follow(ctx, source, out); err != nil && ctx.Err() == nil {
		c.log.Debug("console watcher ended", "error", err)
	}
	return nil
}

// follow passes alerts on until the context, the feed or the browser ends.
func follow(ctx context.Context, source feed, out *events) error {
	ctx, cancel := context.WithCancel(ctx)
	arrived, failed := make(chan batch), make(chan error, 1)
	go func() { failed <- pump(ctx, source, arrived) }()
	defer func() {
		cancel()
		_ = <-failed // ended by cancel
	}()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	var pending batch
	var due <-chan time.Time
	for {
		select {
		case one := <-arrived:
			pending.merge(one)
			if due == nil {
				due = time.After(batchWait)
			}
			continue
		case <-due:
			if err := out.send("alerts", pending); err != nil {
				return err
			}
			pending, due = batch{}, nil
		case <-beat.C:
			if err := out.send("heartbeat", map[string]string{}); err != nil {
				return err
			}
		case err := <-failed:
			failed <- err
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// pump reads the feed until it ends.
func pump(ctx context.Context, source feed, arrived chan<- batch) error {
	for {
		alert, missed, err := source.next(ctx)
		if err != nil {
			return err
		}
		select {
		case arrived <- newBatch(alert, missed):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// events writes server-sent events.
type events struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (e *events) send(name string, body any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("write event %s: %w", name, err)
	}
	// Not every ResponseWriter has deadlines; the server's own then hold.
	_ = e.control.SetWriteDeadline(time.Now().Add(watchDeadline))
	if _, err := fmt.Fprintf(e.w, "event: %s\ndata: %s\n\n", name, data); err != nil {
		return fmt.Errorf("write event %s: %w", name, err)
	}
	return e.control.Flush()
}
