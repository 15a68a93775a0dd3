package cloudtrail

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"armor/agent/cloudtrail/notification"
	armorv1 "armor/proto/armor/v1"
)

const (
	// maxInFlight bounds the messages that are worked on or wait for the manager; no more are received then.
	maxInFlight = 500
	// settleEvery is how often what is finished is looked for.
	settleEvery = 200 * time.Millisecond
)

// Queue reads the objects of which the messages of an SQS queue tell. A message is deleted when the manager has finished all records of
// its objects, and never before; one whose object cannot be read goes back.
type Queue struct {
	*remote

	received, deleted, returned, extended, unreadable atomic.Uint64

	qmu       sync.Mutex
	messages  map[string]*message // in flight, by id
	empty     bool                // the last answer held no message
	freed     chan struct{}       // holds one when messages are no longer in flight
	complaint string              // last told
}

// message is one in flight.
type message struct {
	id, handle string
	deliveries int
	visible    time.Time // when it appears again unless it is extended
	objects    []notification.Object
	left       int    // objects that are not settled
	again      bool   // one of them is to be tried again
	mark       uint64 // of the spool, once all are read
	marked     bool
}

// NewQueue prepares an input of mode sqs; Run reads.
func NewQueue(cfg RemoteConfig, intake *Intake, log *slog.Logger) *Queue {
	return &Queue{
		remote:   newRemote(cfg, intake, log.With("input", "cloudtrail", "queue", cfg.Source.Queue)),
		messages: map[string]*message{}, freed: make(chan struct{}, 1),
	}
}

// job is one object of a message.
type job struct {
	m *message
	o notification.Object
}

// Run reads until ctx ends, or in OneShot until the queue is empty. Its error is that of ctx or of the spool.
func (q *Queue) Run(ctx context.Context) error {
	if err := q.connect(ctx); err != nil {
		return q.ended(ctx, err)
	}
	life, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	group, work := &errgroup.Group{}, make(chan job)
	run := func(f func() error) {
		group.Go(func() error {
			err := f()
			if err != nil {
				stop(err)
			}
			return err
		})
	}
	for range q.src.Concurrency {
		run(func() error {
			f := q.fetcher()
			for j := range work {
				if err := q.do(life, f, j); err != nil {
					return err
				}
			}
			return nil
		})
	}
	received := make(chan struct{})
	run(func() error {
		defer close(received)
		defer close(work)
		return q.receiveAll(life, work)
	})
	run(func() error { return q.settleAll(life, received) })
	err := group.Wait()
	if cause := context.Cause(life); ctx.Err() == nil && cause != nil {
		err = cause
	}
	q.giveBack(ctx)
	return q.ended(ctx, err)
}

// receiveAll receives messages and hands out their objects.
func (q *Queue) receiveAll(ctx context.Context, work chan<- job) error {
	for {
		if err := q.awaitRoom(ctx); err != nil {
			return err
		}
		var list []*message
		err := q.persist(ctx, func() (err error) {
			list, err = q.receive(ctx)
			return err
		})
		if err != nil {
			return err
		}
		q.qmu.Lock()
		q.empty = len(list) == 0
		done := q.empty && len(q.messages) == 0
		q.qmu.Unlock()
		if q.cfg.OneShot && done {
			return nil
		}
		for _, m := range list {
			for _, o := range m.objects {
				select {
				case <-ctx.Done():
					return context.Cause(ctx)
				case work <- job{m, o}:
				}
			}
		}
	}
}

// awaitRoom waits until fewer messages are in flight than may be.
func (q *Queue) awaitRoom(ctx context.Context) error {
	for {
		q.qmu.Lock()
		room := len(q.messages) < maxInFlight
		q.qmu.Unlock()
		if room {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-q.freed:
		}
	}
}

// do reads an object of a message.
func (q *Queue) do(ctx context.Context, f *fetcher, j job) error {
	k, wanted := q.src.wants(j.o.Bucket, j.o.Key)
	if !wanted {
		q.ignored.Add(1)
		q.settleObject(j.m, false)
		return nil
	}
	deliveries := q.deliveries(j.m)
	c := candidate{
		owner: q.cfg.Name, bucket: j.o.Bucket, key: j.o.Key, etag: j.o.ETag, size: j.o.Size, until: q.remember(k.Day),
		again: q.src.Reparse && deliveries <= 1,
	}
	for {
		o, v := q.intake.objects.claim(c)
		switch v {
		case isBusy: // another input, or another message of the same object
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-o.done:
			}
			continue
		case readDone:
			q.remove(c.bucket, c.key)
			q.settleObject(j.m, false)
			return nil
		case isPoison:
			q.settleObject(j.m, false)
			return nil
		case notYet:
			q.settleObject(j.m, true)
			return nil
		}
		result, err := q.fetch(ctx, f, o)
		if err != nil {
			return errors.Join(errIntake, err)
		}
		if result == replaced {
			c.etag = "" // whatever is there now
			continue
		}
		if result == readWhole {
			q.remove(c.bucket, c.key)
		}
		q.settleObject(j.m, result == damaged || result == blocked || result == vanished && deliveries < q.src.Attempts)
		if result == vanished && deliveries >= q.src.Attempts {
			q.log.Error("an object that a message tells of is not there; the message is deleted", "object", "s3://"+c.bucket+"/"+c.key, "deliveries", deliveries)
			q.unreadable.Add(1)
		}
		return nil
	}
}

// settleObject notes that nothing more is to be done with an object of a message.
func (q *Queue) settleObject(m *message, again bool) {
	q.qmu.Lock()
	defer q.qmu.Unlock()
	m.left--
	m.again = m.again || again
}

// settleAll deletes, returns and extends, until receiving has ended and nothing is in flight.
func (q *Queue) settleAll(ctx context.Context, received <-chan struct{}) error {
	for {
		if err := q.settle(ctx); err != nil {
			return err
		}
		select {
		case <-received:
			q.qmu.Lock()
			left := len(q.messages)
			q.qmu.Unlock()
			if left == 0 {
				return nil
			}
		default:
		}
		if err := sleep(ctx, settleEvery); err != nil {
			return err
		}
	}
}

// settle looks through the messages in flight once.
func (q *Queue) settle(ctx context.Context) error {
	var read, back, due []*message
	now := time.Now()
	q.qmu.Lock()
	for _, m := range q.messages {
		switch {
		case m.left == 0 && m.again:
			back = append(back, m)
			continue
		case len(m.objects) == 0:
			m.marked = true // such as S3's test event: there is nothing to wait for
		case m.left == 0 && !m.marked:
			read = append(read, m)
		}
		if m.visible.Sub(now) < q.src.VisibilityTimeout/2 {
			due = append(due, m)
		}
	}
	q.qmu.Unlock()
	if len(read) > 0 {
		// What was read may still be in the batch. The mark of all that is in the spool then covers it.
		if err := q.intake.flush(ctx); err != nil {
			return errors.Join(errIntake, err)
		}
		mark := q.intake.sink.Mark()
		q.qmu.Lock()
		for _, m := range read {
			m.mark, m.marked = mark, true
		}
		q.qmu.Unlock()
	}
	finished := q.intake.sink.Finished()
	var done []*message
	q.qmu.Lock()
	for _, m := range q.messages {
		if m.marked && m.mark <= finished {
			done = append(done, m)
		}
	}
	q.qmu.Unlock()
	q.delete(ctx, done)
	q.giveBackFor(ctx, back)
	q.extend(ctx, due)
	return q.removeFinished(ctx)
}

// Idle is true when the last answer held no message and none is in flight but those that wait for the manager.
func (q *Queue) Idle() bool {
	if q.cfg.OneShot && q.isFinished() {
		return true
	}
	if q.bucketProblem() != "" {
		return false
	}
	q.qmu.Lock()
	defer q.qmu.Unlock()
	if !q.empty {
		return false
	}
	for _, m := range q.messages {
		if !m.marked {
			return false
		}
	}
	return true
}

// Report says how far the input is; pending are the messages in flight, those that wait for the manager too.
func (q *Queue) Report(r *armorv1.InputReport) {
	q.report(r)
	q.qmu.Lock()
	defer q.qmu.Unlock()
	r.Pending = uint64(len(q.messages))
}

// Figures are the counters by name.
func (q *Queue) Figures() map[string]float64 {
	f := q.figures()
	q.qmu.Lock()
	f["cloudtrail_messages_in_flight"] = float64(len(q.messages))
	q.qmu.Unlock()
	for name, v := range map[string]*atomic.Uint64{
		"received": &q.received, "deleted": &q.deleted, "returned": &q.returned, "extended": &q.extended, "unreadable": &q.unreadable,
	} {
		f["cloudtrail_messages_"+name] = float64(v.Load())
	}
	return f
}
