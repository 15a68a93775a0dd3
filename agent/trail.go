package agent

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"armor/agent/cloudtrail"
	"armor/agent/cloudtrail/identity"
	"armor/agent/spool"
)

// remote says whether an input reads from AWS.
func (in *InputConfig) remote() bool {
	return in.Type == "cloudtrail" && (in.Mode == cloudtrail.ModeBucket || in.Mode == cloudtrail.ModeQueue)
}

// trailProblems are the mistakes in a cloudtrail input's own settings.
func (in *InputConfig) trailProblems() (errs []error) {
	errs = in.Records.Problems()
	if !in.remote() && in.AWS != nil {
		errs = append(errs, errors.New("aws: goes with mode bucket or sqs; an input of mode dir has none"))
	}
	if in.remote() && in.Path != "" {
		errs = append(errs, fmt.Errorf("path: an input of mode %s has none; see aws.bucket and aws.prefix", in.Mode))
	}
	if in.remote() && in.AWS == nil {
		errs = append(errs, fmt.Errorf("aws: missing; an input of mode %s needs it", in.Mode))
	}
	if in.remote() && in.AWS != nil {
		for _, err := range in.AWS.Problems(in.Mode) {
			errs = append(errs, fmt.Errorf("aws.%w", err))
		}
	}
	return errs
}

// newLag makes the histogram of CloudTrail records' lag. CloudTrail takes about 5 minutes to deliver, and up to days.
func newLag() prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{
		Namespace: "armor", Subsystem: "agent", Name: "cloudtrail_lag_seconds",
		Help:    "Seconds from a CloudTrail record's time to its reading.",
		Buckets: []float64{60, 120, 300, 450, 600, 900, 1800, 3600, 4 * 3600, 24 * 3600, 7 * 24 * 3600},
	})
}

// newIntake makes what the CloudTrail inputs share; nil if there are none. Without its folder the inputs work too: what is delivered
// again is then evaluated again, which gives no second alert.
func (a *Agent) newIntake(s *spool.Spool) *cloudtrail.Intake {
	if !slices.ContainsFunc(a.cfg.Inputs, func(in InputConfig) bool { return in.Type == "cloudtrail" }) {
		return nil
	}
	window, err := identity.Open(filepath.Join(a.cfg.DataDir, "cloudtrail"), identity.Options{Log: a.log})
	if err != nil {
		a.log.Warn("cloudtrail: records that are delivered again will not be recognised", "error", err)
	}
	return cloudtrail.NewIntake(cloudtrail.IntakeConfig{Window: window, Lag: a.lag}, s, a.log)
}

// newTrail makes a cloudtrail input of a checked configuration.
func newTrail(a *Agent, cfg *InputConfig, s *spool.Spool, intake *cloudtrail.Intake) input {
	if !cfg.remote() {
		return cloudtrail.New(cloudtrail.Config{
			Name: cfg.name(), Path: cfg.Path, OneShot: a.cfg.OneShot, Labels: a.cfg.labels(cfg), Records: cfg.Records, Intake: intake,
		}, s, a.log)
	}
	remote := cloudtrail.RemoteConfig{
		Name: cfg.name(), Source: *cfg.AWS, Records: cfg.Records, Labels: a.cfg.labels(cfg), OneShot: a.cfg.OneShot,
	}
	if cfg.Mode == cloudtrail.ModeQueue {
		return cloudtrail.NewQueue(remote, intake, a.log)
	}
	return cloudtrail.NewBucket(remote, intake, a.log)
}
