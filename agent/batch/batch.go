// Package batch collects the events of an input, in memory that is used again, until they go to the spool together with how far
// the input has read.
package batch

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/agent/spool"
	armorv1 "armor/proto/armor/v1"
)

// Limits.
const (
	// MaxBody is the largest body of an event, in bytes; a longer one is cut.
	MaxBody = 1 << 20
	// maxEvents and arenaBytes are when a batch is full.
	maxEvents  = 1000
	arenaBytes = 2 << 20
)

// Sink takes events and positions, all of them or none, and returns when they are durable. It waits rather than refuse.
type Sink interface {
	// Append does not keep hold of what it is given.
	Append(ctx context.Context, events []*armorv1.Event, positions ...spool.Position) error
	// Positions returns the newest position of each key of an input.
	Positions(input string) map[string][]byte
}

// Subject is a file, or whatever else an input reads and keeps a position of.
type Subject interface {
	comparable
	// Position is how far it has been read by the events added so far.
	Position() spool.Position
}

// Batch is the events and the subjects that were read since the last Flush.
type Batch[S Subject] struct {
	format   armorv1.EventFormat
	labels   map[string]string
	events   []*armorv1.Event // all that were ever made
	n        int              // of them in use
	arena    []byte           // of what they refer to
	subjects []S
	touched  map[S]struct{}
}

// New makes a batch of events that have a format and labels in common.
func New[S Subject](format armorv1.EventFormat, labels map[string]string) *Batch[S] {
	return &Batch[S]{format: format, labels: labels, touched: map[S]struct{}{}}
}

// Fits says whether an event with so many bytes of body and source id can be added. If not, Flush first.
func (b *Batch[S]) Fits(bytes int) bool {
	return b.n == 0 || b.n < maxEvents && len(b.arena)+bytes <= arenaBytes
}

// Add returns the next event, with its times set, for the caller to fill in. What it refers to must come from Keep or Build.
func (b *Batch[S]) Add(at, read time.Time) *armorv1.Event {
	if b.n == len(b.events) {
		b.events = append(b.events, &armorv1.Event{
			Time: &timestamppb.Timestamp{}, ReadTime: &timestamppb.Timestamp{}, Format: b.format, Labels: b.labels,
		})
	}
	ev := b.events[b.n]
	b.n++
	ev.Time.Seconds, ev.Time.Nanos = at.Unix(), int32(at.Nanosecond())
	ev.ReadTime.Seconds, ev.ReadTime.Nanos = read.Unix(), int32(read.Nanosecond())
	ev.Truncated = false
	return ev
}

// Keep copies bytes for an event of the batch.
func (b *Batch[S]) Keep(p []byte) []byte {
	return b.Build(len(p), func(dst []byte) []byte { return append(dst, p...) })
}

// Build keeps for an event what f appends, which is at most size bytes.
func (b *Batch[S]) Build(size int, f func([]byte) []byte) []byte {
	if len(b.arena)+size > cap(b.arena) {
		b.arena = make([]byte, 0, max(size, arenaBytes)) // events still refer to the old one
	}
	start := len(b.arena)
	b.arena = f(b.arena)
	return b.arena[start:len(b.arena):len(b.arena)]
}

// Touch notes that a subject's position is to go with the batch.
func (b *Batch[S]) Touch(s S) {
	if _, ok := b.touched[s]; !ok {
		b.touched[s] = struct{}{}
		b.subjects = append(b.subjects, s)
	}
}

// Flush hands the batch over and empties it. After an error the batch must not be used any more.
func (b *Batch[S]) Flush(ctx context.Context, sink Sink) error {
	if b.n == 0 && len(b.subjects) == 0 {
		return nil
	}
	positions := make([]spool.Position, len(b.subjects))
	for i, s := range b.subjects {
		positions[i] = s.Position()
	}
	if err := sink.Append(ctx, b.events[:b.n], positions...); err != nil {
		return err
	}
	clear(b.touched)
	clear(b.subjects)
	b.n, b.arena, b.subjects = 0, b.arena[:0], b.subjects[:0]
	return nil
}
