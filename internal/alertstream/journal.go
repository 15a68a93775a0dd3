package alertstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	armorv1 "armor/proto/armor/v1"
)

// MaxJournalRecord is the largest encoded journal record in bytes.
const MaxJournalRecord = MaxAlertSize

// Journal is the stream of the managers' records, one subject for each agent.
type Journal struct {
	conn   *Conn
	stream jetstream.Stream
}

// Journal opens the stream.
func (c *Conn) Journal(ctx context.Context) (*Journal, error) {
	js, err := c.jetStream()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	stream, err := js.Stream(ctx, JournalStream)
	if err != nil {
		return nil, classify("opening stream "+JournalStream, err)
	}
	return &Journal{conn: c, stream: stream}, nil
}

func journalSubject(agentID string) string { return journalPrefix + agentID }

// Append writes a record if the agent's last one is still that with the number in the stream (0: there is none), else it fails
// with ErrConflict. It gives the record's number. Other errors leave open whether it was written.
func (j *Journal) Append(ctx context.Context, record *armorv1.JournalRecord, last uint64) (uint64, error) {
	doing := "writing the journal of agent " + record.GetAgentId()
	data, err := proto.Marshal(record)
	if err != nil {
		return 0, &PermanentError{fmt.Errorf("%s: %w", doing, err)}
	}
	js, err := j.conn.jetStream()
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, j.conn.cfg.AckTimeout)
	defer cancel()
	ack, err := js.PublishMsg(ctx, &nats.Msg{Subject: journalSubject(record.GetAgentId()), Data: data},
		jetstream.WithExpectStream(JournalStream), jetstream.WithExpectLastSequencePerSubject(last), jetstream.WithRetryAttempts(0))
	if err == nil {
		return ack.Sequence, nil
	}
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
		return 0, fmt.Errorf("%s: %w", doing, ErrConflict)
	}
	return 0, fmt.Errorf("%s: %w", doing, err)
}

// Last gives an agent's last record and its number in the stream; nil and 0: there is none.
func (j *Journal) Last(ctx context.Context, agentID string) (*armorv1.JournalRecord, uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, j.conn.cfg.AckTimeout)
	defer cancel()
	message, err := j.stream.GetLastMsgForSubject(ctx, journalSubject(agentID))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, classify("reading the journal of agent "+agentID, err)
	}
	record, err := decodeRecord(message.Sequence, message.Data)
	return record, message.Sequence, err
}

// Each gives every record behind a number, in order, up to the last one that there is when it comes to it.
func (j *Journal) Each(ctx context.Context, after uint64, f func(number uint64, record *armorv1.JournalRecord) error) error {
	const doing = "reading the journal"
	first, err := j.stream.GetMsg(ctx, after+1, jetstream.WithGetMsgSubject(journalSubjects))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil
	}
	if err != nil {
		return classify(doing, err)
	}
	consumer, err := j.stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: first.Sequence,
	})
	if err != nil {
		return classify(doing, err)
	}
	messages, err := consumer.Messages()
	if err != nil {
		return classify(doing, err)
	}
	defer messages.Stop()
	defer context.AfterFunc(ctx, messages.Stop)()
	for {
		message, err := messages.Next()
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
		}
		if err != nil {
			return classify(doing, err)
		}
		meta, err := message.Metadata()
		if err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
		number := meta.Sequence.Stream
		record, err := decodeRecord(number, message.Data())
		if err != nil {
			return err
		}
		if err := f(number, record); err != nil {
			return err
		}
		if meta.NumPending == 0 {
			return nil
		}
	}
}

// Name tells this stream from one that was made anew after its data were lost: numbers begin again in that.
func (j *Journal) Name() string { return j.stream.CachedInfo().Created.UTC().Format(time.RFC3339Nano) }

// Forget removes an agent's records before a number. The caller keeps the last one, which says how far the agent is finished.
func (j *Journal) Forget(ctx context.Context, agentID string, before uint64) error {
	ctx, cancel := context.WithTimeout(ctx, j.conn.cfg.AckTimeout)
	defer cancel()
	err := j.stream.Purge(ctx, jetstream.WithPurgeSubject(journalSubject(agentID)), jetstream.WithPurgeSequence(before))
	return classify("removing old records from the journal of agent "+agentID, err)
}

func decodeRecord(number uint64, data []byte) (*armorv1.JournalRecord, error) {
	record := new(armorv1.JournalRecord)
	if err := proto.Unmarshal(data, record); err != nil {
		return nil, &PermanentError{fmt.Errorf("decoding record %d of stream %s: %w", number, JournalStream, err)}
	}
	return record, nil
}
