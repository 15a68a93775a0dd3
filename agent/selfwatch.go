package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/agent/gate"
	"armor/agent/notice"
	"armor/agent/spool"
	armorv1 "armor/proto/armor/v1"
)

// Parts of the spool, in per cent, at which it counts as high and as normal again.
const (
	spoolHigh   = 80
	spoolNormal = 70
)

const (
	lookEvery = time.Second
	ageEvery  = time.Minute
)

// selfwatch looks after the agent itself: what begins and what ends becomes an event, and the manager is told soon.
type selfwatch struct {
	a        *Agent
	p        *parts
	board    *notice.Board
	damaged  []string // files of the spool, found damaged at the start without loss
	started  time.Time
	aged     time.Time // when old events were looked for last
	problems []string  // at the last look
	records  []float64 // of each cloudtrail input, at the last look
	dropped  uint64    // for want of room, at the last look
	owed     []*armorv1.Event
}

func newSelfwatch(a *Agent, p *parts, found *spool.Recovery) *selfwatch {
	who := &notice.Agent{ID: a.id, Name: a.cfg.Agent.Name, Labels: a.cfg.Agent.Labels}
	return &selfwatch{a: a, p: p, board: notice.NewBoard(who, p.spool), damaged: found.Warnings, started: time.Now()}
}

// run looks until ctx ends, and then once more for what was dropped.
func (w *selfwatch) run(ctx context.Context) error {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		w.look(ctx)
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookEvery)
			defer cancel()
			for _, g := range w.p.gates {
				w.failed(g.Tell(last, w.board, true))
			}
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}

// failed notes that something could not be told: it is told at the next look.
func (w *selfwatch) failed(err error) {
	if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, spool.ErrClosed) {
		w.a.log.Debug("an event about the agent itself has to wait", "error", err)
	}
}

// news sends a report if something has been told.
func (w *selfwatch) news(news bool, err error) {
	w.failed(err)
	if news {
		w.p.uplink.News()
	}
}

func (w *selfwatch) look(ctx context.Context) {
	now := time.Now()
	w.gaps(ctx)
	st := w.p.spool.Stats()
	w.level(ctx, now, &st)
	problems := []string{fmt.Sprint(st.Failure)}
	for i, g := range w.p.gates {
		problem := w.p.inputs[i].Problem()
		problems = append(problems, problem)
		w.readable(ctx, now, g.Config(), problem)
		w.trail(ctx, now, i)
		w.silence(ctx, now, g, w.a.cfg.Inputs[i].SilenceAfter)
		w.failed(g.Tell(ctx, w.board, false))
	}
	if limit := w.a.cfg.Spool.MaxAge; limit > 0 && now.Sub(w.aged) >= min(ageEvery, limit/2) {
		w.aged = now
		w.failed(w.age(ctx, now, limit))
	}
	if !slices.Equal(problems, w.problems) {
		w.problems = problems
		w.p.uplink.News()
	}
}

// gaps tells of lost events, and of damage that lost none.
func (w *selfwatch) gaps(ctx context.Context) {
	for len(w.damaged) > 0 {
		n := &notice.Notice{
			Kind: notice.SpoolDamaged, Message: "the spool was damaged: " + w.damaged[0], At: w.started, Range: w.damaged[0] + "\x00" + notice.Time(w.started),
			Fields: map[string]any{"found": "start", "reason": w.damaged[0]},
		}
		if err := w.board.Tell(ctx, n); err != nil {
			w.failed(err)
			return
		}
		w.damaged = w.damaged[1:]
	}
	told := 0
	for _, gap := range w.p.spool.Untold() {
		events, found := gap.Last-gap.First+1, "start"
		if gap.Running {
			found = "running"
		}
		n := &notice.Notice{
			Kind: notice.SpoolGap, Message: fmt.Sprintf("%d events are lost: %s", events, gap.Reason), At: gap.Found,
			Range: fmt.Sprintf("%s\x00%d\x00%d\x00%s", gap.SpoolID, gap.First, gap.Last, notice.Time(gap.Found)),
			Fields: map[string]any{
				"spool": map[string]any{"id": gap.SpoolID, "first": gap.First, "last": gap.Last}, "events": events, "found": found, "reason": gap.Reason,
			},
		}
		if err := w.board.Tell(ctx, n); err != nil {
			w.failed(err)
			break
		}
		told++
	}
	if told > 0 {
		w.news(true, w.p.spool.Told(told))
	}
}

// trail notes that a CloudTrail input has given events: several of them share one way into the spool.
func (w *selfwatch) trail(ctx context.Context, now time.Time, i int) {
	if w.records == nil {
		w.records = make([]float64, len(w.p.inputs))
	}
	if w.a.cfg.Inputs[i].Type != "cloudtrail" {
		return
	}
	if records := w.p.inputs[i].Figures()["cloudtrail_records"]; records != w.records[i] {
		w.records[i] = records
		w.failed(w.p.gates[i].Seen(ctx, now))
	}
}

const (
	conditionHigh = "spool high"
	conditionFull = "spool full"
)

// level tells how full the spool is.
func (w *selfwatch) level(ctx context.Context, now time.Time, st *spool.Stats) {
	percent := (st.Bytes - st.KeptBytes) * 100 / st.MaxBytes
	at := func(kind notice.Kind, message string) *notice.Notice {
		return &notice.Notice{Kind: kind, Message: message, At: now, Fields: map[string]any{"spool": map[string]any{
			"id": w.p.spool.ID(), "bytes": st.Bytes - st.KeptBytes, "max_bytes": st.MaxBytes, "percent": percent, "events": st.Spooled,
		}}}
	}
	if percent > spoolHigh {
		w.news(w.board.Begin(ctx, conditionHigh, now, at(notice.SpoolHigh, fmt.Sprintf("the spool is %d %% full", percent))))
	}
	dropped := w.p.dropped()[gate.Full]
	full := st.Full || dropped > w.dropped
	w.dropped = dropped
	if full {
		w.news(w.board.Begin(ctx, conditionFull, now, at(notice.SpoolFull, "the spool is full: inputs wait, or drop")))
	}
	if percent < spoolNormal && !full {
		w.news(w.board.End(ctx, at(notice.SpoolNormal, fmt.Sprintf("the spool is %d %% full, no more", percent)), conditionHigh, conditionFull))
	}
}

// readable tells whether an input can be read.
func (w *selfwatch) readable(ctx context.Context, now time.Time, in gate.Config, problem string) {
	condition := "unreadable:" + in.Name
	since, holds := w.board.Holds(condition)
	switch {
	case problem != "" && !holds:
		w.news(w.board.Begin(ctx, condition, now, &notice.Notice{
			Kind: notice.InputUnreadable, Message: fmt.Sprintf("input %s cannot be read: %s", in.Name, problem), At: now,
			Fields: map[string]any{"input": in.Fields(), "reason": problem},
		}))
	case problem == "" && holds && now.Sub(w.started) > lookEvery: // the inputs have looked
		w.news(w.board.End(ctx, &notice.Notice{
			Kind: notice.InputReadable, Message: fmt.Sprintf("input %s can be read again", in.Name), At: now,
			Fields: map[string]any{"input": in.Fields(), "unreadable_since": notice.Time(since)},
		}, condition))
	}
}

// silence tells that an input gives no events, and that it does again.
func (w *selfwatch) silence(ctx context.Context, now time.Time, g *gate.Gate, limit time.Duration) {
	if limit == 0 {
		return
	}
	in := g.Config()
	condition := "silent:" + in.Name
	here, before := g.Last()
	since, holds := w.board.Holds(condition)
	if holds && here.IsZero() {
		return
	}
	if holds && here.After(since) {
		w.news(w.board.End(ctx, &notice.Notice{
			Kind: notice.InputSpeaks, Message: fmt.Sprintf("input %s gives events again", in.Name), At: now,
			Fields: map[string]any{"input": in.Fields(), "silent_since": notice.Time(since), "silent_seconds": int64(here.Sub(since).Seconds())},
		}, condition))
		return
	}
	fields := map[string]any{"input": in.Fields(), "silence_after": int64(limit.Seconds())}
	from := w.started
	if last := latest(here, before); !last.IsZero() {
		from = last
		fields["last_event"] = notice.Time(last)
	}
	if now.Sub(from) >= limit {
		w.news(w.board.Begin(ctx, condition, from, &notice.Notice{
			Kind: notice.InputSilent, Message: fmt.Sprintf("input %s gave no event for %v", in.Name, limit), At: now, Fields: fields,
		}))
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// age gives up events that have waited too long, after that is told. What tells of earlier losses is not given up, but spooled anew.
func (w *selfwatch) age(ctx context.Context, now time.Time, limit time.Duration) error {
	if err := w.again(ctx); err != nil {
		return err
	}
	aged, found, err := w.p.spool.Aged(ctx, now.Add(-limit), func(ev *armorv1.Event) bool { return ev.GetLocation() == notice.Location })
	if err != nil || !found {
		return err
	}
	w.owed = aged.Own
	for _, ev := range w.owed {
		ev.ReadTime = timestamppb.New(now)
	}
	if aged.Events > 0 {
		ev, err := w.board.Event(agedNotice(now, limit, &aged))
		if err != nil {
			return err
		}
		w.owed = append(w.owed, ev)
		w.a.log.Error("events were dropped: they waited longer than spool.max_age", "events", aged.Events, "spool", aged.SpoolID, "first", aged.First, "last", aged.Last)
	}
	// In a spool that is full to the last byte there is room only afterwards.
	told := w.again(ctx)
	if told != nil && !errors.Is(told, spool.ErrFull) {
		w.owed = nil
		return told
	}
	w.p.uplink.News()
	return errors.Join(w.p.spool.Discard(aged.SpoolID, aged.Last), w.again(ctx))
}

// again spools what could not be spooled before.
func (w *selfwatch) again(ctx context.Context) error {
	if len(w.owed) == 0 {
		return nil
	}
	if err := w.p.spool.Report(ctx, w.owed); err != nil {
		return err
	}
	w.owed = nil
	return nil
}

func agedNotice(now time.Time, limit time.Duration, aged *spool.Aged) *notice.Notice {
	return &notice.Notice{
		Kind: notice.EventsDropped, At: now, Message: fmt.Sprintf("%d events were dropped: they waited longer than spool.max_age, %v", aged.Events, limit),
		Range: fmt.Sprintf("%s\x00%d\x00%d", aged.SpoolID, aged.First, aged.Last),
		Fields: map[string]any{
			"input": map[string]string{"name": "all", "type": "spool"}, "reason": droppedAge, "events": aged.Events,
			"spool": map[string]any{"id": aged.SpoolID, "first": aged.First, "last": aged.Last},
			"first": map[string]string{"time": notice.Time(aged.FirstTime), "location": aged.FirstLocation},
			"last":  map[string]string{"time": notice.Time(aged.LastTime), "location": aged.LastLocation},
		},
	}
}
