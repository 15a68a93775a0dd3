package cloudtrail

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"armor/agent/cloudtrail/layout"
	"armor/agent/spool"
	armorv1 "armor/proto/armor/v1"
)

const (
	// sweepEvery is how often the long listing is made that finds late files.
	sweepEvery = 24 * time.Hour
	// sweepMargin is how much earlier than the last long listing an object may have been delivered that it did not see: clocks differ.
	sweepMargin = 2 * time.Hour
)

// Bucket reads the objects of a bucket by listing it. How much it asks depends on the look-back, not on how much the bucket holds.
type Bucket struct {
	*remote
	state    bucketState
	kept     kept[bucketState]
	placesMu sync.Mutex
	places   []layout.Place
	placesAt time.Time
	expired  time.Time

	requests atomic.Uint64
	clean    atomic.Bool // the last listing left nothing to do
}

// bucketState is when the bucket was listed; Unix seconds, 0 for never.
type bucketState struct {
	first  int64 // start of the first listing
	polled int64 // start of the last whole listing
	swept  int64 // start of the last whole long listing
	since  int64 // of the setting since, when everything since then was read
}

// Position implements batch.Subject.
func (b *Bucket) Position() spool.Position {
	return spool.Position{Input: b.cfg.Name, Key: "listing", Data: b.kept.data(bucketState.encode)}
}

func (*Bucket) advance(uint64, uint64) {}

func (s bucketState) encode() []byte {
	data := []byte{1}
	for _, v := range []int64{s.first, s.polled, s.swept, s.since} {
		data = binary.AppendVarint(data, v)
	}
	return data
}

func decodeBucketState(data []byte) (s bucketState) {
	if len(data) == 0 || data[0] != 1 {
		return s
	}
	data = data[1:]
	for _, v := range []*int64{&s.first, &s.polled, &s.swept, &s.since} {
		value, n := binary.Varint(data)
		if n <= 0 {
			return bucketState{}
		}
		*v, data = value, data[n:]
	}
	return s
}

// NewBucket prepares an input of mode bucket; Run reads.
func NewBucket(cfg RemoteConfig, intake *Intake, log *slog.Logger) *Bucket {
	b := &Bucket{remote: newRemote(cfg, intake, log.With("input", "cloudtrail", "bucket", cfg.Source.Bucket))}
	b.state = decodeBucketState(intake.sink.Positions(cfg.Name)["listing"])
	if b.src.Reparse {
		b.log.Warn("reparse is set: what was read before is read once more at this start, and at each one until it is removed")
		b.state = bucketState{}
	}
	return b
}

// Run reads until ctx ends, or in OneShot until everything that is there has been read. Its error is that of ctx or of the spool.
func (b *Bucket) Run(ctx context.Context) error {
	if err := b.connect(ctx); err != nil {
		return b.ended(ctx, err)
	}
	life, stop := context.WithCancelCause(ctx)
	group := &errgroup.Group{}
	err := b.follow(life, group)
	stop(err)
	return b.ended(ctx, errors.Join(err, group.Wait()))
}

// follow lists, and lists again.
func (b *Bucket) follow(ctx context.Context, group *errgroup.Group) error {
	for first := true; ; first = false {
		again, err := b.poll(ctx, b.span())
		if err == nil && first {
			// What is new comes first; everything since a day is read beside it.
			if b.catchUp(ctx, group); b.cfg.OneShot {
				err = group.Wait()
			}
		}
		if err == nil {
			err = b.removeFinished(ctx)
		}
		if err != nil || b.cfg.OneShot && !again {
			return err
		}
		if err := b.wait(ctx, again); err != nil {
			return err
		}
	}
}

// catchUp reads once everything since the day that is set.
func (b *Bucket) catchUp(ctx context.Context, group *errgroup.Group) {
	since, _ := parseWhen(b.src.Since)
	b.mu.Lock()
	due := !since.IsZero() && b.state.since != since.Unix()
	b.mu.Unlock()
	if !due {
		return
	}
	b.log.Info("everything since a day is read once", "since", b.src.Since)
	group.Go(func() error {
		for {
			again, err := b.poll(ctx, span{from: since, late: since, all: true})
			if err != nil || !again {
				return err
			}
			if err := sleep(ctx, b.cfg.Retry); err != nil {
				return err
			}
		}
	})
}

// poll is a pass that is repeated while AWS refuses it.
func (b *Bucket) poll(ctx context.Context, sp span) (again bool, err error) {
	err = b.persist(ctx, func() (err error) {
		again, err = b.pass(ctx, sp)
		return err
	})
	return again, err
}

// wait waits for the next listing; what is finished meanwhile is removed.
func (b *Bucket) wait(ctx context.Context, again bool) error {
	left := b.src.Poll
	if again {
		left = min(left, b.cfg.Retry)
	}
	for left > 0 {
		step := min(left, time.Second)
		if err := sleep(ctx, step); err != nil {
			return err
		}
		left -= step
		if err := b.removeFinished(ctx); err != nil {
			return err
		}
	}
	return nil
}

// span is what one listing looks at.
type span struct {
	from  time.Time // day
	late  time.Time // objects of days before it count only if they were delivered since delivered
	since time.Time // delivered
	sweep bool      // it is the long listing of the day
	all   bool      // it is everything since the day that is set

	ignored *atomic.Uint64 // objects that are not to be read
}

// span of the listing that is due.
func (b *Bucket) span() (sp span) {
	now := b.intake.now()
	b.mu.Lock()
	state := b.state
	b.mu.Unlock()
	sp.late = now.Add(-b.src.LookBack)
	if state.polled != 0 { // what was delivered while the agent did not run
		if t := time.Unix(state.polled, 0).Add(-b.src.LookBack); t.Before(sp.late) {
			sp.late = t
		}
	}
	sp.from = sp.late
	if state.first != 0 && now.Sub(time.Unix(max(state.swept, state.first), 0)) >= sweepEvery {
		sp.sweep = true
		last := time.Unix(state.swept, 0)
		if state.swept == 0 {
			last = time.Unix(state.first, 0).Add(-b.src.LookBack)
		}
		sp.since = last.Add(-sweepMargin)
		if t := now.Add(-b.src.Sweep); t.Before(sp.from) {
			sp.from = t
		}
	}
	if since, _ := parseWhen(b.src.Since); sp.from.Before(since) {
		sp.from = since
	}
	return sp
}

// pass lists once and reads what is new. again says that some objects are to be tried again soon.
func (b *Bucket) pass(ctx context.Context, sp span) (again bool, err error) {
	now := b.intake.now()
	places, err := b.findPlaces(ctx)
	if err != nil {
		return false, err
	}
	work := make(chan candidate)
	sp.ignored = new(atomic.Uint64)
	var later, anything atomic.Bool
	readers, readCtx := errgroup.WithContext(ctx)
	for range b.src.Concurrency {
		readers.Go(func() error {
			f := b.fetcher()
			for c := range work {
				done, err := b.one(readCtx, f, c)
				if err != nil {
					return err
				}
				if !done {
					later.Store(true)
				}
				anything.Store(true)
			}
			return nil
		})
	}
	if !sp.all {
		for _, c := range b.intake.objects.pending(b.cfg.Name) {
			if b.cfg.OneShot {
				c.limit = b.src.Attempts
			}
			select {
			case <-readCtx.Done():
			case work <- c:
			}
		}
	}
	listErr := b.list(readCtx, places, sp, work)
	close(work)
	if err := readers.Wait(); err != nil {
		return false, err
	}
	if !sp.all && !sp.sweep {
		b.ignored.Store(sp.ignored.Load())
	}
	if err := b.note(ctx, now, sp, listErr == nil); err != nil {
		return false, err
	}
	b.clean.Store(listErr == nil && !later.Load() && !anything.Load())
	return later.Load(), listErr
}

// note makes durable what the pass read, and when it was.
func (b *Bucket) note(ctx context.Context, now time.Time, sp span, whole bool) error {
	b.mu.Lock()
	if b.state.first == 0 {
		b.state.first = now.Unix()
	}
	switch since, _ := parseWhen(b.src.Since); {
	case !whole:
	case sp.all:
		b.state.since = since.Unix()
	default:
		b.state.polled = now.Unix()
		if sp.sweep {
			b.state.swept = now.Unix()
		}
	}
	b.kept.set(b.state)
	expire := whole && now.Sub(b.expired) > time.Hour
	if expire {
		b.expired = now
	}
	b.mu.Unlock()
	b.intake.touch(b)
	if expire {
		for _, o := range b.intake.objects.expire() {
			b.intake.touch(o)
		}
	}
	if err := b.intake.flush(ctx); err != nil {
		return errors.Join(errIntake, err)
	}
	return nil
}

// one reads a candidate; done says that nothing is left to do with it.
func (b *Bucket) one(ctx context.Context, f *fetcher, c candidate) (done bool, err error) {
	for {
		o, v := b.intake.objects.claim(c)
		switch v {
		case isBusy:
			select {
			case <-ctx.Done():
				return false, context.Cause(ctx)
			case <-o.done:
			}
			continue
		case readDone, isPoison:
			return true, nil
		case notYet:
			return false, nil
		}
		result, err := b.fetch(ctx, f, o)
		if err != nil {
			return false, errors.Join(errIntake, err)
		}
		if result == readWhole {
			b.remove(c.bucket, c.key)
		}
		return result == readWhole || result == poisoned, nil
	}
}

// list sends the objects of a span that are new. The error is the first one; places that cannot be listed hold no others up.
func (b *Bucket) list(ctx context.Context, places []layout.Place, sp span, work chan<- candidate) error {
	var mu sync.Mutex
	var first error
	group := errgroup.Group{}
	group.SetLimit(listers)
	for _, place := range places {
		group.Go(func() error {
			if err := b.listPlace(ctx, place, sp, work); err != nil {
				mu.Lock()
				defer mu.Unlock()
				if first == nil {
					first = err
				}
			}
			return nil
		})
	}
	_ = group.Wait() // the errors are in first
	return first
}

func (b *Bucket) listPlace(ctx context.Context, place layout.Place, sp span, work chan<- candidate) error {
	in := &s3.ListObjectsV2Input{Bucket: &b.src.Bucket, Prefix: aws.String(place.Prefix), StartAfter: aws.String(place.From(sp.from))}
	pages := s3.NewListObjectsV2Paginator(b.api.S3, in)
	until, _ := parseWhen(b.src.Until)
	for pages.HasMorePages() {
		b.requests.Add(1)
		page, err := pages.NextPage(ctx)
		if err != nil {
			return b.explain(ctx, err, "s3:ListBucket", fmt.Sprintf("bucket %s", b.src.Bucket), b.src.Bucket)
		}
		for i := range page.Contents {
			c, k, ok := b.candidate(&page.Contents[i], sp)
			if !until.IsZero() && !k.Day.Before(until) {
				return nil // keys are in order of their days
			}
			if !ok {
				continue
			}
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case work <- c:
			}
		}
	}
	return nil
}

// candidate says whether a listed object is to be read.
func (b *Bucket) candidate(obj *types.Object, sp span) (candidate, layout.Key, bool) {
	c := candidate{
		owner: b.cfg.Name, bucket: b.src.Bucket, key: aws.ToString(obj.Key), etag: strings.Trim(aws.ToString(obj.ETag), `"`), size: aws.ToInt64(obj.Size), again: b.src.Reparse,
	}
	if b.cfg.OneShot {
		c.limit = b.src.Attempts
	}
	k, ok := b.src.wants(c.bucket, c.key)
	if !ok {
		sp.ignored.Add(1)
		return c, k, false
	}
	late := k.Day.Add(24 * time.Hour).Before(sp.late)
	if late && aws.ToTime(obj.LastModified).Before(sp.since) {
		return c, k, false
	}
	c.until = b.remember(k.Day)
	settled, whole := b.intake.objects.settled(c)
	if whole {
		b.remove(c.bucket, c.key) // where that is set
	}
	if settled {
		return c, k, false
	}
	if late {
		b.late.Add(1)
	}
	return c, k, true
}

// Idle is true when the last listing found nothing new.
func (b *Bucket) Idle() bool {
	if b.cfg.OneShot {
		return b.isFinished()
	}
	return b.clean.Load() && b.bucketProblem() == ""
}

// Report says how far the input is.
func (b *Bucket) Report(r *armorv1.InputReport) { b.report(r) }

// Figures are the counters by name.
func (b *Bucket) Figures() map[string]float64 {
	f := b.figures()
	f["cloudtrail_listing_requests"] = float64(b.requests.Load())
	return f
}
