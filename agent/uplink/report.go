package uplink

import (
	"context"
	"time"

	armorv1 "armor/proto/armor/v1"
)

// Times of reports.
const (
	// reportEvery is how often the manager hears how the agent is.
	reportEvery = 10 * time.Second
	// reportRest is the least time between two reports, however much begins and ends.
	reportRest = time.Second
)

// reports tells the manager how the agent is: now, at intervals, and soon after something began or ended.
func (s *session) reports(ctx context.Context) error {
	if s.u.cfg.Report == nil {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	out := s.newSender()
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	for {
		report := &armorv1.StreamRequest_Report{Report: s.u.cfg.Report()}
		if err := out.send(ctx, &armorv1.StreamRequest{Message: report}); err != nil {
			return err
		}
		timer.Reset(reportRest)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
		}
		timer.Reset(reportEvery - reportRest)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
		case <-s.u.news:
		}
	}
}
