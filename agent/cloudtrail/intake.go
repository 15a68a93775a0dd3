package cloudtrail

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/types/known/durationpb"

	"armor/agent/batch"
	"armor/agent/cloudtrail/discard"
	"armor/agent/cloudtrail/identity"
	"armor/agent/spool"
	armorv1 "armor/proto/armor/v1"
)

// Sink is the spool, as this package needs it.
type Sink interface {
	batch.Sink
	// Mark names the last event accepted so far; Finished is the mark up to which the manager has finished everything.
	Mark() uint64
	Finished() uint64
}

// Intake is what all CloudTrail inputs of an agent share: records of all of them go through it into the spool, and one that was
// read lately, by whichever input, is not read again. All methods may be called from any goroutine.
type Intake struct {
	sink    Sink
	window  *identity.Window // nil: none
	lag     prometheus.Observer
	now     func() time.Time
	log     *slog.Logger
	objects *objects
	lastLag atomic.Int64 // of the newest record, in nanoseconds

	mu     sync.Mutex
	batch  *batch.Batch[subject]
	fresh  map[identity.Key]struct{} // in the batch: not known to be durable
	keys   []identity.Key
	broken error
	last   newest
}

// IntakeConfig configures an Intake; the zero value is one without a window.
type IntakeConfig struct {
	// Window of the records that were read lately. Nil: each record that is delivered again is evaluated again.
	Window *identity.Window
	// Lag observes the seconds between a record's time and its reading. Nil: nobody does.
	Lag prometheus.Observer
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
}

// NewIntake makes an intake into a spool.
func NewIntake(cfg IntakeConfig, sink Sink, log *slog.Logger) *Intake {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	in := &Intake{
		sink: sink, window: cfg.Window, lag: cfg.Lag, now: cfg.Now, log: log,
		batch: batch.New[subject](armorv1.EventFormat_EVENT_FORMAT_JSON, nil), fresh: map[identity.Key]struct{}{},
	}
	in.objects = newObjects(sink.Positions(objectsInput), cfg.Now)
	if in.window != nil {
		in.window.Add(decodeKeys(sink.Positions(knownInput)[lastBatch]))
	}
	return in
}

// Figures are numbers of all inputs together, by name.
func (in *Intake) Figures() map[string]float64 {
	f := map[string]float64{
		"cloudtrail_lag_seconds": time.Duration(in.lastLag.Load()).Seconds(), "cloudtrail_objects_remembered": float64(in.objects.len()),
	}
	if in.window != nil {
		f["cloudtrail_records_known"] = float64(in.window.Len())
	}
	return f
}

// Close closes the window. No input may run any more.
func (in *Intake) Close() error {
	if in.window == nil {
		return nil
	}
	return in.window.Close()
}

// subject is a file or an object.
type subject interface {
	// Position implements batch.Subject. It is called from any goroutine.
	Position() spool.Position
	// advance notes that so many records were read, and the chain of their sums.
	advance(records, chain uint64)
}

// origin is what the records of one input have in common, and their counters.
type origin struct {
	labels  map[string]string
	discard *discard.Filter
	aliases map[string]string
	// again: records are evaluated although they are known.
	again bool

	records, cut, repeated, discarded atomic.Uint64
	lag                               atomic.Int64 // of the newest record, in nanoseconds; 0: there was none
}

// report fills in what is known of the records.
func (o *origin) report(r *armorv1.InputReport) {
	r.Events = o.records.Load()
	if lag := o.lag.Load(); lag != 0 {
		r.Lag = durationpb.New(time.Duration(lag))
	}
}

func newOrigin(labels map[string]string, r Records) *origin {
	filter, _ := discard.New(r.Discard) // checked
	return &origin{labels: labels, discard: filter, aliases: r.AccountAliases}
}

// element is a record with what is known of its place.
type element struct {
	record   *Record // nil: it is none, and only counts
	frame    *frame
	location string
	read     time.Time
	// number of records with this one, and their chain.
	number, chain uint64
}

// add makes an event of a record, unless it is known or not wanted, and hands the batch on when it is full.
func (in *Intake) add(ctx context.Context, o *origin, s subject, e *element) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.broken != nil {
		return in.broken
	}
	if e.record != nil {
		if err := in.event(ctx, o, e); err != nil {
			return err
		}
	}
	s.advance(e.number, e.chain)
	in.batch.Touch(s)
	return nil
}

func (in *Intake) event(ctx context.Context, o *origin, e *element) error {
	rec := e.record
	if in.window != nil {
		key := identity.KeyOf(&rec.Sum)
		if _, ok := in.fresh[key]; ok || !o.again && in.window.Has(key) {
			o.repeated.Add(1)
			return nil
		}
	}
	if o.discard.Match(rec.Text) {
		o.discarded.Add(1)
		return nil
	}
	need := e.frame.length(rec)
	if !in.batch.Fits(need + len(rec.Sum)) {
		if err := in.hand(ctx); err != nil {
			return err
		}
	}
	at, ok := parseTime(rec.EventTime)
	if !ok {
		at = e.read
	} else {
		lag := in.now().Sub(at)
		in.lastLag.Store(int64(lag))
		o.lag.Store(int64(lag))
		if in.lag != nil {
			in.lag.Observe(lag.Seconds())
		}
	}
	ev := in.batch.Add(at, e.read)
	ev.Labels, ev.Location = o.labels, e.location
	ev.SourceId = in.batch.Keep(rec.Sum[:])
	ev.Body = in.batch.Build(need, func(dst []byte) []byte { return e.frame.appendLine(dst, rec) })
	if rec.Cut || len(ev.Body) > batch.MaxBody {
		ev.Body = ev.Body[:min(len(ev.Body), batch.MaxBody)]
		ev.Truncated = true
		o.cut.Add(1)
	}
	o.records.Add(1)
	if in.window != nil {
		in.fresh[identity.KeyOf(&rec.Sum)] = struct{}{}
	}
	return nil
}

// touch has a subject's position go with the next batch.
func (in *Intake) touch(s subject) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.batch.Touch(s)
}

// flush makes durable what was added.
func (in *Intake) flush(ctx context.Context) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.hand(ctx)
}

// hand hands the batch over. Records become known only when they are durable: what is known is never read again. The keys of the
// newest batch are in it too: the process may end before they are in the window.
func (in *Intake) hand(ctx context.Context) error {
	if in.broken != nil {
		return in.broken
	}
	in.keys = in.keys[:0]
	for key := range in.fresh {
		in.keys = append(in.keys, key)
	}
	if len(in.keys) > 0 {
		in.last = newest(encodeKeys(in.last[:0], in.keys))
		in.batch.Touch(&in.last)
	}
	if err := in.batch.Flush(ctx, in.sink); err != nil {
		in.broken = err
		return err
	}
	if len(in.keys) > 0 {
		clear(in.fresh)
		in.window.Add(in.keys)
	}
	return nil
}

// Where the keys of the newest batch are kept in the spool.
const (
	knownInput = "cloudtrail-known"
	lastBatch  = "last"
)

// newest are the keys of the newest batch.
type newest []byte

// Position implements subject.
func (n *newest) Position() spool.Position {
	return spool.Position{Input: knownInput, Key: lastBatch, Data: *n}
}

func (*newest) advance(uint64, uint64) {}

func encodeKeys(dst []byte, keys []identity.Key) []byte {
	for _, key := range keys {
		dst = append(dst, key[:]...)
	}
	return dst
}

func decodeKeys(data []byte) (keys []identity.Key) {
	for ; len(data) >= len(identity.Key{}); data = data[len(identity.Key{}):] {
		keys = append(keys, identity.Key(data))
	}
	return keys
}
