package cloudtrail

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"armor/agent/cloudtrail/notification"
)

// perRequest is how many messages SQS takes or gives at a time.
const perRequest = 10

// longestReturn bounds how long a message that is tried again stays away.
const longestReturn = 15 * time.Minute

func seconds(d time.Duration) int32 { return int32(d / time.Second) }

// receive asks for messages once and returns those that are new here, which are in flight then.
func (q *Queue) receive(ctx context.Context) (list []*message, err error) {
	asked := time.Now()
	out, err := q.api.SQS.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &q.src.Queue, MaxNumberOfMessages: perRequest, WaitTimeSeconds: seconds(q.cfg.Wait), VisibilityTimeout: seconds(q.src.VisibilityTimeout),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameApproximateReceiveCount},
	})
	if err != nil {
		return nil, q.explain(ctx, err, "sqs:ReceiveMessage", "queue "+q.src.Queue, "")
	}
	visible := asked.Add(q.src.VisibilityTimeout)
	q.received.Add(uint64(len(out.Messages)))
	q.qmu.Lock()
	defer q.qmu.Unlock()
	for i := range out.Messages {
		m := &message{id: aws.ToString(out.Messages[i].MessageId), handle: aws.ToString(out.Messages[i].ReceiptHandle), visible: visible}
		m.deliveries, _ = strconv.Atoi(out.Messages[i].Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)])
		if old := q.messages[m.id]; old != nil { // it came again: its time was over. The work goes on under the new handle.
			old.handle, old.visible, old.deliveries = m.handle, visible, m.deliveries
			continue
		}
		var err error
		if m.objects, err = notification.Parse([]byte(aws.ToString(out.Messages[i].Body))); err != nil {
			m.again = m.deliveries < q.src.Attempts
			q.log.Warn("a message of the queue cannot be read", "message", m.id, "reason", err, "deliveries", m.deliveries, "deleted", !m.again)
			if !m.again {
				q.unreadable.Add(1)
			}
		}
		m.left = len(m.objects)
		q.messages[m.id] = m
		list = append(list, m)
	}
	return list, nil
}

// gone takes messages out of flight.
func (q *Queue) gone(list []*message) {
	q.qmu.Lock()
	for _, m := range list {
		if q.messages[m.id] == m {
			delete(q.messages, m.id)
		}
	}
	q.qmu.Unlock()
	select {
	case q.freed <- struct{}{}:
	default:
	}
}

// delete deletes messages whose records are finished. What SQS refuses comes again, and is deleted then.
func (q *Queue) delete(ctx context.Context, list []*message) {
	for part := range slices.Chunk(list, perRequest) {
		var entries []types.DeleteMessageBatchRequestEntry
		for i, m := range part {
			entries = append(entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(q.handle(m))})
		}
		out, err := q.api.SQS.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &q.src.Queue, Entries: entries})
		if err != nil {
			q.complain(ctx, err, "sqs:DeleteMessage")
			return // still in flight: again in a moment
		}
		q.deleted.Add(uint64(len(out.Successful)))
		for _, failed := range out.Failed {
			q.log.Warn("a finished message cannot be deleted; it comes again", "reason", aws.ToString(failed.Message), "code", aws.ToString(failed.Code))
		}
		q.gone(part)
	}
}

// giveBackFor returns messages for a while: the more often they were delivered, the longer.
func (q *Queue) giveBackFor(ctx context.Context, list []*message) {
	for part := range slices.Chunk(list, perRequest) {
		if q.change(ctx, part, func(m *message) time.Duration {
			return min(q.cfg.Retry<<min(max(q.deliveries(m)-1, 0), 12), longestReturn)
		}) {
			q.returned.Add(uint64(len(part)))
			q.gone(part)
		}
	}
}

// giveBack returns at once, at the end, what nobody has read: another agent may. What is spooled is left to its time, in which this
// agent may come back and know it.
func (q *Queue) giveBack(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	var list []*message
	q.qmu.Lock()
	for _, m := range q.messages {
		if m.left > 0 {
			list = append(list, m)
		}
	}
	q.qmu.Unlock()
	for part := range slices.Chunk(list, perRequest) {
		if !q.change(ctx, part, func(*message) time.Duration { return 0 }) {
			return // they come again when their time is over
		}
		q.returned.Add(uint64(len(part)))
		q.gone(part)
	}
}

// extend keeps messages from appearing again.
func (q *Queue) extend(ctx context.Context, list []*message) {
	for part := range slices.Chunk(list, perRequest) {
		asked := time.Now()
		if !q.change(ctx, part, func(*message) time.Duration { return q.src.VisibilityTimeout }) {
			return // again in a moment
		}
		q.extended.Add(uint64(len(part)))
		q.qmu.Lock()
		for _, m := range part {
			m.visible = asked.Add(q.src.VisibilityTimeout)
		}
		q.qmu.Unlock()
	}
}

// change sets when messages appear again; false: nothing was changed. One that SQS does not let be changed comes again by itself.
func (q *Queue) change(ctx context.Context, part []*message, visibility func(*message) time.Duration) bool {
	var entries []types.ChangeMessageVisibilityBatchRequestEntry
	for i, m := range part {
		entries = append(entries, types.ChangeMessageVisibilityBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(q.handle(m)), VisibilityTimeout: seconds(visibility(m)),
		})
	}
	out, err := q.api.SQS.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q.src.Queue, Entries: entries})
	if err != nil {
		q.complain(ctx, err, "sqs:ChangeMessageVisibility")
		return false
	}
	for _, failed := range out.Failed {
		q.log.Debug("the visibility of a message cannot be changed; it comes again", "reason", aws.ToString(failed.Message))
	}
	return true
}

func (q *Queue) handle(m *message) string {
	q.qmu.Lock()
	defer q.qmu.Unlock()
	return m.handle
}

// deliveries of a message so far.
func (q *Queue) deliveries(m *message) int {
	q.qmu.Lock()
	defer q.qmu.Unlock()
	return m.deliveries
}

// complain tells of an answer that keeps messages in flight, unless receiving tells of the same.
func (q *Queue) complain(ctx context.Context, err error, permission string) {
	if ctx.Err() != nil {
		return
	}
	err = q.explain(ctx, err, permission, "queue "+q.src.Queue, "")
	q.qmu.Lock()
	news := q.complaint != err.Error()
	q.complaint = err.Error()
	q.qmu.Unlock()
	if news {
		q.log.Error("messages stay in the queue; trying again", "reason", err)
	}
}
