package ingest

import (
	"testing"

	"google.golang.org/protobuf/proto"

	armorv1 "armor/proto/armor/v1"
)

func request(f *testing.F, r *armorv1.StreamRequest) []byte {
	f.Helper()
	data, err := proto.Marshal(r)
	if err != nil {
		f.Fatal(err)
	}
	return data
}

// FuzzStreamRequest is the edge where bytes of an agent come in: what passes the checks keeps the limits that the rest of the
// manager counts on.
func FuzzStreamRequest(f *testing.F) {
	f.Add(request(f, &armorv1.StreamRequest{Message: &armorv1.StreamRequest_Hello{Hello: &armorv1.Hello{AgentId: "001", SpoolId: "s", FirstSequence: 1, LastSequence: 2}}}))
	f.Add(request(f, &armorv1.StreamRequest{Message: &armorv1.StreamRequest_Batch{Batch: &armorv1.EventBatch{Events: []*armorv1.Event{
		{Sequence: 7, Body: []byte("a\x00\xff"), Labels: map[string]string{"a": "b"}}, {Sequence: 8},
	}}}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		in := decodeRequest(data)
		if in.err != nil {
			return
		}
		r, size := in.request, in.size
		if h := r.GetHello(); h != nil && checkHello(h) == nil {
			if len(h.GetAgentId()) == 0 || len(h.GetAgentId()) > 64 || h.GetSpoolId() == "" || h.GetFirstSequence() > h.GetLastSequence() || h.GetLastSequence() > maxSequence {
				t.Errorf("passed: %v", h)
			}
		}
		if b := r.GetBatch(); b != nil {
			if checkBatch(b, size) != nil {
				return
			}
			n := uint64(len(b.GetEvents()))
			first, last := b.GetEvents()[0].GetSequence(), b.GetEvents()[n-1].GetSequence()
			if n > maxEvents || first == 0 || last-first != n-1 || size > maxBatchBytes && n > 1 || size < 0 {
				t.Errorf("passed: %d events from %d to %d, %d bytes", n, first, last, size)
			}
		}
	})
}
