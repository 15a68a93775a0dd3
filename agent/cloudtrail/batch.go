package cloudtrail

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/agent/spool"
	armorv1 "armor/proto/armor/v1"
)

// Limits of a batch, and of one event's body, in bytes.
const (
	batchEvents = 1000
	batchBytes  = 2 << 20
	maxBody     = 1 << 20
)

// batch collects events, with memory that it uses again, until they go to the spool together.
type batch struct {
	labels map[string]string
	events []*armorv1.Event // all that were ever made
	n      int              // of them in use
	arena  []byte           // of bodies and source ids
	files  []*file          // whose progress goes with it
}

func newBatch(labels map[string]string) *batch {
	return &batch{labels: labels, arena: make([]byte, 0, batchBytes)}
}

func (b *batch) empty() bool { return b.n == 0 && len(b.files) == 0 }

// fits says whether an event of a size can be added before the batch must go. One that never fits goes alone.
func (b *batch) fits(size int) bool {
	return b.n == 0 || b.n < batchEvents && len(b.arena)+size <= cap(b.arena)
}

// add makes an event of a record; cut says that its body was too long.
func (b *batch) add(f *file, fr *frame, r *Record, now time.Time) (cut bool) {
	if b.n == len(b.events) {
		b.events = append(b.events, &armorv1.Event{
			Time: &timestamppb.Timestamp{}, ReadTime: &timestamppb.Timestamp{}, Format: armorv1.EventFormat_EVENT_FORMAT_JSON, Labels: b.labels,
		})
	}
	ev := b.events[b.n]
	b.n++
	if need := fr.length(r) + len(r.Sum); len(b.arena)+need > cap(b.arena) {
		b.arena = make([]byte, 0, max(need, batchBytes)) // the old one is still referred to
	}
	start := len(b.arena)
	b.arena = append(b.arena, r.Sum[:]...)
	ev.SourceId = b.arena[start:len(b.arena):len(b.arena)]
	start = len(b.arena)
	b.arena = fr.appendLine(b.arena, r)
	ev.Body = b.arena[start:len(b.arena):len(b.arena)]
	cut = r.Cut || len(ev.Body) > maxBody
	if cut {
		ev.Body = ev.Body[:min(len(ev.Body), maxBody)]
	}
	ev.Truncated = cut
	ev.Location = f.path
	t, ok := parseTime(r.EventTime)
	if !ok {
		t = now
	}
	ev.Time.Seconds, ev.Time.Nanos = t.Unix(), int32(t.Nanosecond())
	ev.ReadTime.Seconds, ev.ReadTime.Nanos = now.Unix(), int32(now.Nanosecond())
	return cut
}

// touch notes that a file's progress is to go with the batch.
func (b *batch) touch(f *file) {
	if !f.touched {
		f.touched = true
		b.files = append(b.files, f)
	}
}

// flush hands the batch to the spool and is empty then.
func (b *batch) flush(ctx context.Context, input string, sink Sink) error {
	if b.empty() {
		return nil
	}
	positions := make([]spool.Position, len(b.files))
	for i, f := range b.files {
		positions[i] = spool.Position{Input: input, Key: f.rel}
		if !f.forgotten {
			positions[i].Data = f.progress.encode()
		}
		f.touched = false
	}
	if err := sink.Append(ctx, b.events[:b.n], positions...); err != nil {
		return err
	}
	clear(b.files)
	b.n, b.arena, b.files = 0, b.arena[:0], b.files[:0]
	return nil
}
