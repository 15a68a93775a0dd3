package alertstream

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Letters are the dead letters of one reason.
type Letters struct {
	// Reason as it stands in the subject.
	Reason string
	// Messages of that reason; a letter larger than 768 KiB is several.
	Messages uint64
	// Last is when the newest was written; zero: not known.
	Last time.Time
	// Detail of the newest, in words.
	Detail string
}

// Letters counts the dead letters by reason, in order of the reasons.
func (c *Conn) Letters(ctx context.Context) ([]Letters, error) {
	js, err := c.jetStream()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	stream, err := js.Stream(ctx, DeadLetterStream)
	if err != nil {
		return nil, classify("asking for stream "+DeadLetterStream, err)
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(deadLetterSubjects))
	if err != nil {
		return nil, classify("counting dead letters", err)
	}
	out := make([]Letters, 0, len(info.State.Subjects))
	for subject, n := range info.State.Subjects {
		one := Letters{Reason: strings.TrimPrefix(subject, deadLetterPrefix), Messages: n}
		newest, err := stream.GetLastMsgForSubject(ctx, subject)
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound): // taken away meanwhile
			continue
		case err != nil:
			return nil, classify("reading the newest dead letter of "+subject, err)
		}
		one.Last, one.Detail = newest.Time, newest.Header.Get(HeaderDetail)
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b Letters) int { return strings.Compare(a.Reason, b.Reason) })
	return out, nil
}

// LetterCount is how many messages the dead-letter stream holds, of whatever reason.
func (c *Conn) LetterCount(ctx context.Context) (uint64, error) {
	js, err := c.jetStream()
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	stream, err := js.Stream(ctx, DeadLetterStream)
	if err != nil {
		return 0, classify("asking for stream "+DeadLetterStream, err)
	}
	return stream.CachedInfo().State.Msgs, nil
}
