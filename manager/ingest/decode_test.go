package ingest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	armorv1 "armor/proto/armor/v1"
)

// batchRequest is a batch as an agent sends it.
func batchRequest(tb testing.TB, n int) []byte {
	tb.Helper()
	at := time.Date(2026, 11, 24, 12, 0, 0, 5, time.UTC)
	batch := &armorv1.EventBatch{}
	for i := range n {
		ev := &armorv1.Event{
			Sequence: uint64(i + 1), SourceId: fmt.Appendf(nil, "%032d", i), Time: timestamppb.New(at), ReadTime: timestamppb.New(at.Add(time.Duration(i/300) * time.Second)),
			Location: "/var/log/auth.log", Format: armorv1.EventFormat_EVENT_FORMAT_SYSLOG,
			Body: fmt.Appendf(nil, "Nov 24 13:09:34 web07 sshd[%d]: Failed password for backup from 198.51.100.7 port 39217 ssh2", i),
		}
		if i%7 == 0 {
			ev.Labels = map[string]string{"site": "north"}
		}
		batch.Events = append(batch.Events, ev)
	}
	data, err := proto.Marshal(&armorv1.StreamRequest{Message: &armorv1.StreamRequest_Batch{Batch: batch}})
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// What agents send is decoded in the short way, and no two events share what is theirs.
func TestDecodeBatch(t *testing.T) {
	data := batchRequest(t, 1000)
	batch, size, ok := decodeBatch(data)
	if !ok || len(batch.GetEvents()) != 1000 || size > len(data) {
		t.Fatalf("%t, %d events of %d bytes in %d", ok, len(batch.GetEvents()), size, len(data))
	}
	clear(data) // the buffer is used again
	for i, ev := range batch.GetEvents() {
		if want := fmt.Sprintf("%032d", i); string(ev.GetSourceId()) != want || ev.GetSequence() != uint64(i+1) || len(ev.GetBody()) < 90 || cap(ev.GetBody()) != len(ev.GetBody()) {
			t.Fatalf("event %d: %v", i, ev)
		}
	}
}

// FuzzDecodeRequest holds the short way equal to the library's.
func FuzzDecodeRequest(f *testing.F) {
	f.Add(batchRequest(f, 40))
	f.Add(request(f, &armorv1.StreamRequest{Message: &armorv1.StreamRequest_Hello{Hello: &armorv1.Hello{AgentId: "001"}}}))
	for _, batch := range []*armorv1.EventBatch{
		{},
		{Replay: true},
		{Events: []*armorv1.Event{{}}},
		{Events: []*armorv1.Event{{Sequence: 1, Time: &timestamppb.Timestamp{}, Truncated: true}, {Sequence: 2, Time: &timestamppb.Timestamp{Seconds: -1, Nanos: -1}}}, Replay: true},
		{Events: []*armorv1.Event{{Labels: map[string]string{"a": "b", "": "", "c": ""}}, {Labels: map[string]string{"a": "b"}}, {Labels: map[string]string{"a": "b"}}, {}}},
		{Events: []*armorv1.Event{{Format: -1, Body: []byte("\x00\xff"), Location: "é"}, {Location: "é", SourceId: []byte{0}}}},
	} {
		f.Add(request(f, &armorv1.StreamRequest{Message: &armorv1.StreamRequest_Batch{Batch: batch}}))
	}
	f.Add([]byte("\x12\x04\x0a\x02\x2a\x00"))                 // an empty location
	f.Add([]byte("\x12\x05\x0a\x03\x2a\x01\xff"))             // no UTF-8
	f.Add([]byte("\x12\x07\x0a\x05\x4a\x03\x0a\x01\xff"))     // no UTF-8 in a label
	f.Add([]byte("\x12\x08\x0a\x06\x3a\x01a\x3a\x01b"))       // a body twice
	f.Add([]byte("\x12\x08\x0a\x06\x08\x01\x08\x02\x08\x03")) // a sequence three times
	f.Add([]byte("\x12\x04\x0a\x02\x50\x01"))                 // a field that nobody knows
	f.Add([]byte("\x12\x02\x10\x01\x12\x02\x0a\x00"))         // a batch in two parts
	f.Add([]byte("\x12\x04\x10\x01\x0a\x00"))                 // replay before the events
	f.Add([]byte("\x12\x0d\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var raw emptypb.Empty
		var want armorv1.StreamRequest
		wantErr, rawErr := proto.Unmarshal(data, &want), proto.Unmarshal(data, &raw)
		if rawErr != nil {
			if wantErr == nil {
				t.Fatalf("as bytes it is refused: %v", rawErr)
			}
			return
		}
		got := decodeRequest(raw.ProtoReflect().GetUnknown())
		if (got.err != nil) != (wantErr != nil) {
			t.Fatalf("%v, expected %v", got.err, wantErr)
		}
		if got.err == nil && !proto.Equal(got.request, &want) {
			t.Error(cmp.Diff(&want, got.request, protocmp.Transform()))
		}
		size := 0
		for _, ev := range want.GetBatch().GetEvents() {
			size += proto.Size(ev)
		}
		if got.err == nil && got.size != size && len(data) == proto.Size(&want) { // others may encode in more bytes or in fewer
			t.Errorf("%d bytes of events, expected %d", got.size, size)
		}
	})
}

func BenchmarkDecodeRequest(b *testing.B) {
	data := batchRequest(b, 1000)
	for name, decode := range map[string]func([]byte) error{
		"short":   func(data []byte) error { return decodeRequest(data).err },
		"library": func(data []byte) error { return proto.Unmarshal(data, &armorv1.StreamRequest{}) },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if err := decode(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
