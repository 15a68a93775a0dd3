package allinone

import (
	"context"
	"time"

	armorv1 "armor/proto/armor/v1"
	"armor/services/armor/conservation"
)

const (
	lookEvery   = 100 * time.Millisecond // between two looks at whether all is finished
	drainLimit  = 10 * time.Second       // for what is on its way when the run ends; the rest waits on disk
	watchBuffer = 4096                   // alerts on their way to the screen
)

// supervise waits until ctx ends, a part fails (whose error is told by stopping it), or everything is finished and the run
// is to end then.
func (r *run) supervise(ctx context.Context, failed <-chan error) (finished bool) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	var since time.Time // when it became idle; zero: it is not
	var told Summary
	first := true
	for {
		select {
		case <-ctx.Done():
			return false
		case err := <-failed:
			r.log.Error("a part has failed: stopping", "err", err)
			return false
		case now := <-look.C:
			if !r.idle() {
				since = time.Time{}
				continue
			}
			if since.IsZero() {
				since = now
			}
			if s := r.summary(); first || s.Read != told.Read || s.Indexed != told.Indexed {
				first, told = false, s
				if r.events.Idle != nil {
					r.tell(func() { r.events.Idle(s) })
				}
			}
			if r.cfg.ExitWhenIdle > 0 && now.Sub(since) >= r.cfg.ExitWhenIdle {
				return true
			}
		}
	}
}

// idle says that nothing is on its way: every input is at its end, everything read is evaluated, every alert is stored.
func (r *run) idle() bool {
	return (r.agent == nil || r.agent.Idle()) && r.finished()
}

// finished says that what the manager took is in the store.
func (r *run) finished() bool {
	return r.manager.Idle() && r.indexer.Idle()
}

// drain waits until what is on its way is in the store, or ctx ends.
func (r *run) drain(ctx context.Context) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for !r.finished() {
		select {
		case <-ctx.Done():
			r.log.Warn("stopping before every alert is in the store: the next run goes on with the rest", "after", drainLimit)
			return
		case <-look.C:
		}
	}
}

// showAlerts tells alerts as they are published, and at the end those that are there already.
func (r *run) showAlerts(ctx context.Context) error {
	defer r.watch.Close()
	for {
		alert, missed, err := r.watch.Next(ctx)
		if ctx.Err() != nil {
			r.showRest()
			return nil
		}
		if err != nil {
			return err
		}
		r.show(alert, missed)
	}
}

// showRest tells the alerts that NATS has delivered already.
func (r *run) showRest() {
	ctx, cancel := context.WithTimeout(context.Background(), lookEvery)
	defer cancel()
	for {
		alert, missed, err := r.watch.Next(ctx)
		if err != nil {
			return
		}
		r.show(alert, missed)
	}
}

func (r *run) show(alert *armorv1.Alert, missed uint64) {
	r.tell(func() {
		if missed > 0 && r.events.Missed != nil {
			r.events.Missed(missed)
		}
		if r.events.Alert != nil {
			r.events.Alert(alert)
		}
	})
}

// summary adds up what the parts have counted.
func (r *run) summary() Summary {
	managed, indexed := r.manager.Status().GetCounters(), r.indexer.Status().GetCounters()
	s := Summary{
		Alerts:      managed["alerted"],
		Indexed:     indexed["indexed"],
		DeadLetters: managed["failed"] + indexed["dead_letter"],
	}
	if r.agent != nil {
		s.Read = r.agent.Status().GetCounters()["read"]
		s.Damaged = r.agent.Damaged()
	}
	return s
}

// status is how every part is.
func (r *run) status() []*armorv1.ComponentStatus {
	parts := []*armorv1.ComponentStatus{r.manager.Status(), r.indexer.Status()}
	if r.agent != nil {
		parts = append(parts, r.agent.Status())
	}
	return parts
}

// audit lists the conservation equations that do not hold.
func (r *run) audit() (unbalanced []string) {
	for _, p := range r.status() {
		if err := conservation.Check(p); err != nil {
			unbalanced = append(unbalanced, err.Error())
		}
	}
	return unbalanced
}
