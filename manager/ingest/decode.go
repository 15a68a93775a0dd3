package ingest

import (
	"bytes"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	armorv1 "armor/proto/armor/v1"
)

// receiveRequest takes the next message of a stream. What the message type does not know of itself it keeps as it came: so the bytes
// are had, and batches, which are nearly everything that comes, are decoded with far less memory than message by message.
func receiveRequest(stream Stream) received {
	var raw emptypb.Empty
	if err := stream.RecvMsg(&raw); err != nil {
		return received{err: err}
	}
	return decodeRequest(raw.ProtoReflect().GetUnknown())
}

// decodeRequest gives what proto.Unmarshal gives, and the encoded size of the events of a batch.
func decodeRequest(data []byte) received {
	if batch, size, ok := decodeBatch(data); ok {
		return received{request: &armorv1.StreamRequest{Message: &armorv1.StreamRequest_Batch{Batch: batch}}, size: size}
	}
	request := &armorv1.StreamRequest{}
	if err := proto.Unmarshal(data, request); err != nil {
		return received{err: status.Errorf(codes.InvalidArgument, "the message is no StreamRequest: %v", err)}
	}
	size := 0
	for _, ev := range request.GetBatch().GetEvents() {
		size += proto.Size(ev)
	}
	return received{request: request, size: size}
}

// Numbers of fields in the wire contract.
const (
	requestBatch = 2

	batchEvents = 1
	batchReplay = 2

	eventSequence  = 1
	eventSourceID  = 2
	eventTime      = 3
	eventReadTime  = 4
	eventLocation  = 5
	eventFormat    = 6
	eventBody      = 7
	eventTruncated = 8
	eventLabels    = 9

	entryKey   = 1
	entryValue = 2
)

// slabEvents is how many events are made with one allocation: as many as the pipeline lets go of at a time.
const slabEvents = 32

// decodeBatch decodes a request that is a batch in the form in which agents send them: each field once, in the order of their
// numbers. What events have in common they share. False: it is anything else, for somebody else to decode.
func decodeBatch(data []byte) (batch *armorv1.EventBatch, size int, ok bool) {
	body, rest, ok := bytesField(data, requestBatch)
	if !ok || len(rest) > 0 {
		return nil, 0, false
	}
	count := 0
	for at := body; ; count++ {
		if _, at, ok = bytesField(at, batchEvents); !ok {
			break
		}
	}
	batch = &armorv1.EventBatch{Events: make([]*armorv1.Event, 0, count)}
	var slab []armorv1.Event
	var shared common
	for len(batch.Events) < count {
		var encoded []byte
		encoded, body, _ = bytesField(body, batchEvents)
		if len(slab) == 0 {
			slab = make([]armorv1.Event, min(slabEvents, count-len(batch.Events)))
		}
		if !shared.decode(&slab[0], encoded) {
			return nil, 0, false
		}
		size += len(encoded)
		batch.Events = append(batch.Events, &slab[0])
		slab = slab[1:]
	}
	if replay, rest, ok := varintField(body, batchReplay); ok {
		batch.Replay, body = protowire.DecodeBool(replay), rest
	}
	return batch, size, len(body) == 0
}

// common is what the event before had.
type common struct {
	time, readTime *timestamppb.Timestamp
	location       string
	labelBytes     []byte
	labels         map[string]string
}

// decode fills an event in. Body and source id are copied, into memory of this event alone: the engine remembers parts of bodies.
func (c *common) decode(ev *armorv1.Event, data []byte) bool {
	var ok bool
	if v, rest, found := varintField(data, eventSequence); found {
		ev.Sequence, data = v, rest
	}
	var id, body []byte
	if v, rest, found := bytesField(data, eventSourceID); found {
		id, data = v, rest
	}
	if v, rest, found := bytesField(data, eventTime); found {
		if c.time, ok = timestamp(v, c.time); !ok {
			return false
		}
		ev.Time, data = c.time, rest
	}
	if v, rest, found := bytesField(data, eventReadTime); found {
		near := c.readTime
		if near == nil {
			near = ev.Time
		}
		if c.readTime, ok = timestamp(v, near); !ok {
			return false
		}
		ev.ReadTime, data = c.readTime, rest
	}
	if v, rest, found := bytesField(data, eventLocation); found {
		if string(v) != c.location {
			if !utf8.Valid(v) {
				return false
			}
			c.location = string(v)
		}
		ev.Location, data = c.location, rest
	}
	if v, rest, found := varintField(data, eventFormat); found {
		ev.Format, data = armorv1.EventFormat(int32(v)), rest
	}
	if v, rest, found := bytesField(data, eventBody); found {
		body, data = v, rest
	}
	if v, rest, found := varintField(data, eventTruncated); found {
		ev.Truncated, data = protowire.DecodeBool(v), rest
	}
	if len(data) > 0 {
		if !c.decodeLabels(data) {
			return false
		}
		ev.Labels = c.labels
	}
	kept := make([]byte, len(body)+len(id))
	n := copy(kept, body)
	copy(kept[n:], id)
	if len(body) > 0 {
		ev.Body = kept[:n:n]
	}
	if len(id) > 0 {
		ev.SourceId = kept[n:]
	}
	return true
}

// timestamp decodes a time, or gives near if it is the same.
func timestamp(data []byte, near *timestamppb.Timestamp) (*timestamppb.Timestamp, bool) {
	var seconds, nanos uint64
	if v, rest, ok := varintField(data, 1); ok {
		seconds, data = v, rest
	}
	if v, rest, ok := varintField(data, 2); ok {
		nanos, data = v, rest
	}
	if len(data) > 0 {
		return near, false
	}
	if near != nil && near.Seconds == int64(seconds) && near.Nanos == int32(nanos) {
		return near, true
	}
	return &timestamppb.Timestamp{Seconds: int64(seconds), Nanos: int32(nanos)}, true
}

// decodeLabels decodes what is behind the other fields: labels, and nothing else.
func (c *common) decodeLabels(data []byte) bool {
	if c.labels != nil && bytes.Equal(data, c.labelBytes) {
		return true
	}
	labels := map[string]string{}
	for at := data; len(at) > 0; {
		entry, rest, ok := bytesField(at, eventLabels)
		if !ok {
			return false
		}
		at = rest
		var key, value []byte
		if v, rest, found := bytesField(entry, entryKey); found {
			key, entry = v, rest
		}
		if v, rest, found := bytesField(entry, entryValue); found {
			value, entry = v, rest
		}
		if len(entry) > 0 || !utf8.Valid(key) || !utf8.Valid(value) {
			return false
		}
		labels[string(key)] = string(value)
	}
	c.labelBytes, c.labels = data, labels
	return true
}

// bytesField takes a field of a number and of the type bytes from the front of a message; false: something else stands there.
func bytesField(data []byte, number protowire.Number) (value, rest []byte, ok bool) {
	if len(data) == 0 || data[0] != byte(number<<3)|byte(protowire.BytesType) { // numbers here are below 16: a tag is a byte
		return nil, data, false
	}
	value, n := protowire.ConsumeBytes(data[1:])
	if n < 0 {
		return nil, data, false
	}
	return value, data[1+n:], true
}

// varintField is bytesField for numbers.
func varintField(data []byte, number protowire.Number) (value uint64, rest []byte, ok bool) {
	if len(data) == 0 || data[0] != byte(number<<3)|byte(protowire.VarintType) {
		return 0, data, false
	}
	value, n := protowire.ConsumeVarint(data[1:])
	if n < 0 {
		return 0, data, false
	}
	return value, data[1+n:], true
}
