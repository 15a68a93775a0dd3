package cloudtrail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"armor/agent/cloudtrail/access"
	armorv1 "armor/proto/armor/v1"
)

// RemoteConfig is a bucket or a queue.
type RemoteConfig struct {
	// Name of the input, under which its state is kept.
	Name string
	// Source says where, and how it is asked; it must be without Problems.
	Source Source
	// Records says what is left out, and how accounts are called.
	Records Records
	// Labels of every event.
	Labels map[string]string
	// OneShot ends Run when everything that is there has been read.
	OneShot bool
	// Connect makes the clients. Nil: access.Connect.
	Connect func(context.Context, access.Options) (*access.Clients, error)
	// Retry is the first pause before AWS is asked again; it doubles up to 5 minutes. Zero: 5 s, and 0.5 s in OneShot.
	Retry time.Duration
	// Wait is how long SQS waits for a message before it says that there is none, up to 20 s. Zero: 20 s, and 1 s in OneShot.
	Wait time.Duration
}

// longestRetry bounds the pause before AWS is asked again.
const longestRetry = 5 * time.Minute

// remote is what the inputs that read from AWS have in common.
type remote struct {
	cfg    RemoteConfig
	src    Source
	log    *slog.Logger
	intake *Intake
	origin *origin
	api    *access.Clients

	bytes, whole, ignored, late, removed atomic.Uint64
	reading                              atomic.Int64 // objects

	mu       sync.Mutex
	problem  error // of the bucket or queue as a whole
	reported string
	finished bool
	removals map[objectID]*removal
}

// removal is an object that goes when everything up to mark is finished.
type removal struct {
	bucket, key  string
	mark         uint64
	marked, told bool
}

func newRemote(cfg RemoteConfig, intake *Intake, log *slog.Logger) *remote {
	if cfg.Connect == nil {
		cfg.Connect = access.Connect
	}
	if cfg.Retry == 0 {
		cfg.Retry = 5 * time.Second
		if cfg.OneShot {
			cfg.Retry = 500 * time.Millisecond
		}
	}
	if cfg.Wait == 0 {
		cfg.Wait = 20 * time.Second
		if cfg.OneShot {
			cfg.Wait = time.Second
		}
	}
	r := &remote{cfg: cfg, src: withDefaults(cfg.Source), log: log, intake: intake, origin: newOrigin(cfg.Labels, cfg.Records), removals: map[objectID]*removal{}}
	r.origin.again = r.src.Reparse
	return r
}

// persist does work until it succeeds, with longer and longer pauses; its trouble shows as the input's problem. The error is that of ctx
// or of the spool, or in a one-shot run, after some attempts, that of the work.
func (r *remote) persist(ctx context.Context, work func() error) error {
	pause := r.cfg.Retry
	for try := 1; ; try++ {
		err := work()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err == nil || errors.Is(err, errIntake) {
			r.trouble(nil, 0)
			return err
		}
		next := pause/2 + time.Duration(rand.Int64N(int64(pause/2)+1))
		r.trouble(err, next)
		if r.cfg.OneShot && try >= r.src.Attempts {
			return err
		}
		if err := sleep(ctx, next); err != nil {
			return err
		}
		pause = min(2*pause, longestRetry)
	}
}

// ended is the error with which Run ends: a one-shot run that AWS refused has ended too; Damaged says why.
func (r *remote) ended(ctx context.Context, err error) error {
	if err == nil || r.cfg.OneShot && ctx.Err() == nil && !errors.Is(err, errIntake) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.finished = true
		return nil
	}
	return err
}

// trouble notes why the bucket or the queue cannot be read, or that it can; what is not new is not logged again.
func (r *remote) trouble(err error, next time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problem = err
	switch {
	case err == nil && r.reported != "":
		r.log.Info("AWS answers again", "was", r.reported)
		r.reported = ""
	case err != nil && err.Error() != r.reported:
		r.reported = err.Error()
		r.log.Error("AWS cannot be read; trying again", "reason", r.reported, "next attempt in", next.Round(time.Millisecond))
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// connect makes the clients, and tries until the settings allow it: a profile or a region may come later.
func (r *remote) connect(ctx context.Context) error {
	return r.persist(ctx, func() (err error) {
		r.api, err = r.cfg.Connect(ctx, r.src.Options)
		return err
	})
}

// outcome of one attempt at an object.
type outcome int

const (
	readWhole outcome = iota
	damaged           // tried again, until it is poison
	poisoned          // given up
	blocked           // AWS keeps it back: tried again for ever
	vanished          // there is no such object any more
	replaced          // it is another one by now
)

// fetch reads a claimed object. The error is that of ctx or of the spool.
func (r *remote) fetch(ctx context.Context, f *fetcher, o *object) (outcome, error) {
	r.reading.Add(1)
	err := f.read(ctx, o)
	r.reading.Add(-1)
	if ctx.Err() != nil || errors.Is(err, errIntake) {
		r.intake.objects.drop(o)
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return blocked, err
	}
	if err == nil {
		was := o.reason
		r.intake.objects.whole(o)
		r.intake.touch(o)
		r.whole.Add(1)
		if was != "" {
			r.log.Info("an object that could not be read has been read whole now", "object", o.url(), "was", was)
		}
		return readWhole, nil
	}
	if p, ok := errors.AsType[*access.Problem](err); ok && p.Kind == access.Changed {
		r.intake.objects.drop(o)
		return replaced, nil
	} else if ok && p.Kind == access.Gone {
		if o.reason != "" {
			r.log.Warn("an object that could not be read whole is gone", "object", o.url(), "reason", o.reason, "records read", o.records)
		}
		r.intake.objects.vanished(o)
		r.intake.touch(o)
		return vanished, nil
	}
	_, isDamage := errors.AsType[*damage](err)
	pause := min(r.cfg.Retry<<min(o.attempts, 10), longestRetry)
	poison := r.intake.objects.failed(o, err.Error(), isDamage, r.src.Attempts, pause)
	r.intake.touch(o)
	switch {
	case poison:
		r.log.Error("an object cannot be read whole; it is left until it changes", "object", o.url(), "reason", err, "records read", o.records)
		return poisoned, nil
	case isDamage:
		r.log.Warn("an object cannot be read whole; trying again", "object", o.url(), "reason", err, "records read", o.records)
		return damaged, nil
	default:
		r.log.Debug("AWS keeps an object back; trying again", "object", o.url(), "reason", err)
		return blocked, nil
	}
}

// remember is until when an object of a day must be remembered: no listing looks further back, but for the daily one, which looks at
// what was delivered since the one before.
func (r *remote) remember(day time.Time) time.Time {
	now := r.intake.now()
	if end := day.Add(24 * time.Hour); end.After(now) {
		now = end
	}
	return now.Add(r.src.LookBack + 2*sweepEvery)
}

// remove has an object removed when the manager has finished its last record. It must have been read whole.
func (r *remote) remove(bucket, key string) {
	if !r.src.RemoveAfter {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	id := idOf(bucket, key)
	if _, ok := r.removals[id]; !ok {
		r.removals[id] = &removal{bucket: bucket, key: key}
	}
}

// removeFinished removes what is finished. The error is that of the spool.
func (r *remote) removeFinished(ctx context.Context) error {
	r.mu.Lock()
	var unmarked, marked []*removal
	for _, d := range r.removals {
		if d.marked {
			marked = append(marked, d)
		} else {
			unmarked = append(unmarked, d)
		}
	}
	r.mu.Unlock()
	if len(unmarked) > 0 {
		if err := r.intake.flush(ctx); err != nil {
			return errors.Join(errIntake, err)
		}
		mark := r.intake.sink.Mark()
		for _, d := range unmarked { // of this goroutine alone
			d.mark, d.marked = mark, true
		}
	}
	finished := r.intake.sink.Finished()
	for _, d := range marked {
		if d.mark > finished || ctx.Err() != nil {
			continue
		}
		_, err := r.api.S3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &d.bucket, Key: &d.key})
		if err != nil {
			err = access.Explain(err, "s3:DeleteObject", "s3://"+d.bucket+"/"+d.key)
			if !d.told && ctx.Err() == nil {
				r.log.Warn("an object that was read cannot be removed; trying again", "reason", err)
				d.told = true
			}
			return nil // not one after the other while it is refused
		}
		r.removed.Add(1)
		r.mu.Lock()
		delete(r.removals, idOf(d.bucket, d.key))
		r.mu.Unlock()
	}
	return nil
}

// Damaged lists the objects that could not be read whole, with where and why, and in a one-shot run what AWS keeps back.
func (r *remote) Damaged() []string {
	u := r.intake.objects.unread(r.cfg.Name)
	list := u.poison
	if r.cfg.OneShot {
		list = slices.Concat(u.poison, u.damaged, u.blocked)
	}
	if p := r.bucketProblem(); p != "" {
		list = append(list, p)
	}
	return list
}

// Problem says why something cannot be read at present; empty if all of it can.
func (r *remote) Problem() string {
	if p := r.bucketProblem(); p != "" {
		return p
	}
	blocked := r.intake.objects.unread(r.cfg.Name).blocked
	switch len(blocked) {
	case 0:
		return ""
	case 1:
		return blocked[0]
	default:
		return fmt.Sprintf("%s (and %d more objects)", blocked[0], len(blocked)-1)
	}
}

func (r *remote) bucketProblem() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.problem == nil {
		return ""
	}
	return r.problem.Error()
}

func (r *remote) isFinished() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.finished
}

// report fills in how far the input is; pending are the objects that are read now or tried again.
func (r *remote) report(to *armorv1.InputReport) {
	r.origin.report(to)
	u := r.intake.objects.unread(r.cfg.Name)
	to.Sources, to.Pending = r.whole.Load(), uint64(r.reading.Load())+uint64(len(u.damaged)+len(u.blocked))
}

// figures are the counters by name.
func (r *remote) figures() map[string]float64 {
	u := r.intake.objects.unread(r.cfg.Name)
	r.mu.Lock()
	waiting := len(r.removals)
	r.mu.Unlock()
	return map[string]float64{
		"cloudtrail_records": float64(r.origin.records.Load()), "cloudtrail_records_cut": float64(r.origin.cut.Load()),
		"cloudtrail_records_repeated": float64(r.origin.repeated.Load()), "cloudtrail_records_discarded": float64(r.origin.discarded.Load()),
		"cloudtrail_objects": float64(r.whole.Load()), "cloudtrail_objects_late": float64(r.late.Load()),
		"cloudtrail_objects_ignored": float64(r.ignored.Load()), "cloudtrail_objects_removed": float64(r.removed.Load()),
		"cloudtrail_objects_to_remove": float64(waiting), "cloudtrail_bytes": float64(r.bytes.Load()),
		"cloudtrail_objects_damaged": float64(len(u.poison)), "cloudtrail_objects_blocked": float64(len(u.blocked)),
	}
}

func (r *remote) fetcher() *fetcher {
	return newFetcher(r.api.S3, r.intake, r.origin, func(n int64) { r.bytes.Add(uint64(n)) })
}

// explain makes a problem of an error, and asks S3 where a bucket is if the answer does not tell.
func (r *remote) explain(ctx context.Context, err error, permission, what, bucket string) error {
	err = access.Explain(err, permission, what)
	p, ok := errors.AsType[*access.Problem](err)
	if !ok || p.Kind != access.WrongRegion || p.Region != "" || bucket == "" {
		return err
	}
	_, head := r.api.S3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String(bucket)})
	if hp, ok := errors.AsType[*access.Problem](access.Explain(head, "s3:ListBucket", what)); ok && hp.Region != "" {
		return hp
	}
	return err
}
