package alertstream

import (
	"errors"
	"fmt"
	"time"
)

const (
	sweepInterval  = 250 * time.Millisecond
	recoverFirst   = 50 * time.Millisecond
	reportInterval = 10 * time.Second
)

// fail starts a recovery: every flight is sent again.
func (p *Publisher) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.flights {
		if f != nil {
			f.sent = time.Time{}
		}
	}
	if len(p.flights) > 0 {
		p.recoverLocked(err)
	}
}

// recoverLocked makes new alerts wait and wakes the recovery; p.mu is held.
func (p *Publisher) recoverLocked(err error) {
	p.cause = err
	if !p.recovering {
		p.recovering = true
		signal(p.kick)
	}
	signal(p.landed)
}

// run looks after flights that need it, until Close.
func (p *Publisher) run() {
	ticker := time.NewTicker(sweepInterval)
	defer ticker.Stop()
	for {
		select {
		case <-p.done:
			return
		case <-p.kick:
			p.recover()
		case <-ticker.C:
			p.sweep()
		}
	}
}

// sweep ends the flights whose caller has gone and starts a recovery when an acknowledgement is overdue.
func (p *Publisher) sweep() {
	var gone []*flight
	overdue := time.Now().Add(-p.conn.cfg.AckTimeout)
	p.mu.Lock()
	for _, f := range p.flights {
		switch {
		case f == nil:
		case f.ctx.Err() != nil:
			gone = append(gone, f)
		case !f.sent.IsZero() && f.sent.Before(overdue):
			f.sent = time.Time{}
			p.recoverLocked(fmt.Errorf("no acknowledgement within %s", p.conn.cfg.AckTimeout))
		}
	}
	for _, f := range gone {
		p.land(f)
	}
	p.mu.Unlock()
	for _, f := range gone {
		p.finish(f, fmt.Errorf("publishing alert %s: %w", f.id, f.ctx.Err()))
	}
}

// recover sends what is not acknowledged again, in order: one alert first, and twice as many after each success, so that a
// server in trouble is not flooded. It returns when nothing is left behind.
func (p *Publisher) recover() {
	started, reported := time.Now(), time.Time{}
	ok := false
	for attempt, batch := 0, 1; ; {
		if !ok && !p.pause(backOff(attempt, recoverFirst)) {
			return
		}
		var finished bool
		ok, finished = p.resend(batch)
		switch {
		case finished:
			if !reported.IsZero() {
				p.conn.log.Info("publishing alerts works again", "nats", p.conn.cfg.where(), "after", time.Since(started).Round(time.Millisecond))
			}
			p.conn.setProblem(p.part(), nil)
			return
		case ok:
			attempt, batch = 0, batch*2
		default:
			attempt, batch = attempt+1, 1
			if attempt > 1 {
				reported = p.report(started, reported, attempt)
			}
		}
	}
}

// report makes a trouble that lasts visible: in the readiness at once, in the log once per interval.
func (p *Publisher) report(started, reported time.Time, attempt int) time.Time {
	p.mu.Lock()
	cause := p.cause
	p.mu.Unlock()
	if cause == nil {
		cause = errors.New("no acknowledgement")
	}
	cause = explainFull(cause)
	p.conn.setProblem(p.part(), fmt.Errorf("alerts cannot be published since %s: %w", started.UTC().Format(time.RFC3339), cause))
	if time.Since(reported) < reportInterval {
		return reported
	}
	p.conn.log.Warn("publishing alerts fails, trying again", "nats", p.conn.cfg.where(), "attempt", attempt, "waiting", p.InFlight(), "err", cause)
	return time.Now()
}

// pause waits, sweeping meanwhile; false: closed.
func (p *Publisher) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	ticker := time.NewTicker(sweepInterval)
	defer ticker.Stop()
	for {
		select {
		case <-p.done:
			return false
		case <-timer.C:
			return true
		case <-ticker.C:
			p.sweep()
		}
	}
}

// resend sends the first n flights and waits for their answers. finished: nothing waits behind them any more and the recovery
// is over.
func (p *Publisher) resend(n int) (ok, finished bool) {
	p.mu.Lock()
	sent, err := make([]*flight, 0, min(n, len(p.flights))), error(nil)
	for _, f := range p.flights {
		if f == nil {
			continue
		}
		if len(sent) == n {
			break
		}
		if err = p.send(f); err != nil {
			f.sent = time.Time{}
			p.cause = err
			break
		}
		p.conn.metrics.retries.Inc()
		sent = append(sent, f)
	}
	if err == nil && len(sent) < n {
		// Everything is on its way: from here on it is as if nothing had happened.
		p.recovering, p.cause = false, nil
		p.mu.Unlock()
		return true, true
	}
	p.mu.Unlock()
	if err != nil && !errors.Is(err, ErrClosed) {
		return false, false
	}
	return p.await(sent), false
}

// await waits until all flights are answered; false: one failed, or is overdue.
func (p *Publisher) await(sent []*flight) bool {
	for {
		waiting, failed := 0, false
		p.mu.Lock()
		for _, f := range sent {
			if f.number < p.first || p.flights[f.number-p.first] == nil {
				continue
			}
			waiting++
			failed = failed || f.sent.IsZero()
		}
		p.mu.Unlock()
		if waiting == 0 {
			return true
		}
		if failed {
			return false
		}
		if !p.pauseUntilLanded() {
			return false
		}
	}
}

// pauseUntilLanded waits for an answer, sweeping meanwhile; false: closed.
func (p *Publisher) pauseUntilLanded() bool {
	timer := time.NewTimer(sweepInterval)
	defer timer.Stop()
	select {
	case <-p.done:
		return false
	case <-p.landed:
	case <-timer.C:
		p.sweep()
	}
	return true
}
