package alertstream

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrNoLetter says that there is no dead letter of that number: it was never there, or it was removed.
var ErrNoLetter = errors.New("no such dead letter")

const (
	// letterScan is how many messages of the dead-letter stream are asked for at once.
	letterScan = 500
	// letterReader is how long the server keeps a list's place when its reader has gone.
	letterReader = 30 * time.Second
	// headerDataSize is how the server says the size of what it leaves out.
	headerDataSize = "Nats-Msg-Size"
)

// Letter is one dead letter.
type Letter struct {
	// Number is that of its first message in the stream.
	Number uint64
	// ID is of its reason and bytes.
	ID string
	// Reason is a token, as it stands in the subject.
	Reason string
	// Detail says in words what went wrong, on one line.
	Detail string
	// Time is when the stream took it.
	Time time.Time
	// Size of its bytes.
	Size uint64
	// Origin says whose event it holds; nil: it holds none, or does not say.
	Origin *Origin
	// Data are its bytes; only Letter fills them in.
	Data []byte
	// Incomplete: parts are missing, because a process ended while it wrote or removed the letter. Only Letter tells.
	Incomplete bool

	parts []uint64 // numbers of its messages in order
}

// LetterFilter chooses dead letters: all conditions must hold.
type LetterFilter struct {
	// Reason as a token; empty: any.
	Reason string
	// Since is the earliest time of writing; zero: any. It counts only where From is 0.
	Since time.Time
	// From is the lowest number; 0: any.
	From uint64
}

// ListLetters gives up to most dead letters, oldest first, without their bytes. next is where to go on (From); 0: there are no
// more. total is how many messages match from here on: a letter of several parts counts once for each.
func (c *Conn) ListLetters(ctx context.Context, filter LetterFilter, most int) (list []Letter, next, total uint64, err error) {
	js, err := c.jetStream()
	if err != nil {
		return nil, 0, 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	const doing = "listing dead letters"
	reader, err := js.CreateConsumer(ctx, DeadLetterStream, filter.reader())
	if err != nil {
		return nil, 0, 0, classify(doing, err)
	}
	defer func() {
		gone, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		// What fails here the server does by itself after a while.
		_ = js.DeleteConsumer(gone, DeadLetterStream, reader.CachedInfo().Name)
	}()
	total = reader.CachedInfo().NumPending
	for left := total; left > 0; {
		if err := ctx.Err(); err != nil {
			return nil, 0, 0, fmt.Errorf("%s: %w", doing, err)
		}
		batch, err := reader.FetchNoWait(int(min(left, letterScan)))
		if err != nil {
			return nil, 0, 0, classify(doing, err)
		}
		got := 0
		for m := range batch.Messages() {
			got++
			letter, part, err := readLetter(m)
			switch {
			case err != nil:
				return nil, 0, 0, fmt.Errorf("%s: %w", doing, err)
			case part > 1: // it stands with its first
			case len(list) == most:
				return list, letter.Number, total, nil
			default:
				list = append(list, letter)
			}
		}
		if err := batch.Error(); err != nil {
			return nil, 0, 0, classify(doing, err)
		}
		if got == 0 { // some were removed meanwhile
			break
		}
		left -= uint64(got)
	}
	return list, 0, total, nil
}

func (f LetterFilter) reader() jetstream.ConsumerConfig {
	cfg := jetstream.ConsumerConfig{
		Description:       "Armor: a list of dead letters",
		DeliverPolicy:     jetstream.DeliverAllPolicy,
		AckPolicy:         jetstream.AckNonePolicy,
		HeadersOnly:       true,
		MemoryStorage:     true,
		Replicas:          1,
		InactiveThreshold: letterReader,
		FilterSubject:     deadLetterSubjects,
	}
	if f.Reason != "" {
		cfg.FilterSubject = string(appendToken([]byte(deadLetterPrefix), f.Reason))
	}
	switch {
	case f.From > 0:
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, f.From
	case f.Since.After(time.Unix(0, 0)): // earlier, and too late, is more than the server can count
		since := f.Since.UTC()
		if last := time.Unix(0, math.MaxInt64).UTC(); since.After(last) {
			since = last
		}
		cfg.DeliverPolicy, cfg.OptStartTime = jetstream.DeliverByStartTimePolicy, &since
	}
	return cfg
}

func readLetter(m jetstream.Msg) (letter Letter, part int, err error) {
	meta, err := m.Metadata()
	if err != nil {
		return Letter{}, 0, err
	}
	letter, part, _ = letterOf(m.Subject(), m.Headers(), meta.Sequence.Stream, meta.Timestamp, uint64(len(m.Data())))
	return letter, part, nil
}

// letterOf reads what the headers say; part counts from 1.
func letterOf(subject string, header nats.Header, number uint64, at time.Time, size uint64) (letter Letter, part, parts int) {
	letter = Letter{
		Number: number, ID: header.Get(HeaderLetter), Reason: strings.TrimPrefix(subject, deadLetterPrefix),
		Detail: headerText(header.Get(HeaderDetail)), Time: at, Size: size, Origin: originOf(header), parts: []uint64{number},
	}
	for _, name := range []string{headerDataSize, HeaderSize} {
		if n, err := strconv.ParseUint(header.Get(name), 10, 63); err == nil {
			letter.Size = n
		}
	}
	first, last, several := strings.Cut(header.Get(HeaderPart), "/")
	part, err := strconv.Atoi(first)
	parts, err2 := strconv.Atoi(last)
	if !several || err != nil || err2 != nil || part < 1 || parts < part {
		return letter, 1, 1
	}
	return letter, part, parts
}

// Letter gives one dead letter with its bytes, or ErrNoLetter.
func (c *Conn) Letter(ctx context.Context, number uint64) (*Letter, error) {
	js, err := c.jetStream()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	doing := fmt.Sprintf("reading dead letter %d", number)
	stream, err := js.Stream(ctx, DeadLetterStream)
	if err != nil {
		return nil, classify(doing, err)
	}
	m, err := stream.GetMsg(ctx, number)
	if errors.Is(err, jetstream.ErrMsgNotFound) || number == 0 {
		return nil, fmt.Errorf("%w: %d", ErrNoLetter, number)
	}
	if err != nil {
		return nil, classify(doing, err)
	}
	letter, part, parts := letterOf(m.Subject, m.Header, m.Sequence, m.Time, uint64(len(m.Data)))
	if part > 1 {
		return nil, fmt.Errorf("%w: %d is part %d of one", ErrNoLetter, number, part)
	}
	letter.Data = m.Data
	for next, at := 2, m.Sequence; next <= parts; {
		m, err := stream.GetMsg(ctx, at+1, jetstream.WithGetMsgSubject(m.Subject))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			letter.Incomplete = true
			break
		}
		if err != nil {
			return nil, classify(doing, err)
		}
		at = m.Sequence
		other, part, _ := letterOf(m.Subject, m.Header, m.Sequence, m.Time, 0)
		if other.ID != letter.ID {
			continue
		}
		if part < next { // it was written anew from the first part on
			letter.Incomplete = true
			break
		}
		if part == next {
			letter.Data = append(letter.Data, m.Data...)
			letter.parts = append(letter.parts, at)
			next++
		}
	}
	return &letter, nil
}

// RemoveLetter removes a letter that Letter gave, its first message last: until then the letter is listed.
func (c *Conn) RemoveLetter(ctx context.Context, letter *Letter) error {
	js, err := c.jetStream()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	doing := fmt.Sprintf("removing dead letter %d", letter.Number)
	stream, err := js.Stream(ctx, DeadLetterStream)
	if err != nil {
		return classify(doing, err)
	}
	for _, number := range slices.Backward(letter.parts) {
		if err := stream.DeleteMsg(ctx, number); err != nil {
			if _, there := stream.GetMsg(ctx, number); errors.Is(there, jetstream.ErrMsgNotFound) {
				continue // somebody else was faster
			}
			return classify(doing, err)
		}
	}
	return nil
}
