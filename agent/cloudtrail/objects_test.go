package cloudtrail

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestObjectState(t *testing.T) {
	for _, s := range []objectState{
		{known: known{tag: 7, until: 1 << 33, state: objectDone}},
		{known: known{tag: 1<<63 | 5, state: objectPoison}, records: 300, chain: 1 << 63, attempts: 5, bucket: "b", key: "k/é", reason: "why", owner: "in"},
		{known: known{until: -5}, bucket: "b", key: "k"},
	} {
		got, ok := decodeObject(s.encode())
		if diff := cmp.Diff(s, got, cmp.AllowUnexported(objectState{}, known{})); diff != "" || !ok {
			t.Errorf("%v %s", ok, diff)
		}
	}
	state := bucketState{first: 1, polled: 2, swept: 3, since: 1 << 40}
	if got := decodeBucketState(state.encode()); got != state {
		t.Errorf("%+v", got)
	}
	if got := decodeBucketState([]byte{1, 2}); got != (bucketState{}) {
		t.Errorf("%+v", got)
	}
}

// FuzzObjectState: whatever stands in the spool, nothing panics, and what is taken is written again as it was meant.
func FuzzObjectState(f *testing.F) {
	f.Add(objectState{known: known{tag: 3, state: objectPoison}, records: 9, bucket: "b", key: "k", reason: "r"}.encode())
	f.Add(objectState{known: known{tag: 3, state: objectDone}}.encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		decodeBucketState(data)
		s, ok := decodeObject(data)
		if !ok {
			return
		}
		again, ok := decodeObject(s.encode())
		if !ok || !bytes.Equal(again.encode(), s.encode()) {
			t.Errorf("%+v became %+v", s, again)
		}
	})
}

func TestClaims(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	r := newObjects(nil, func() time.Time { return now })
	c := candidate{owner: "in", bucket: "b", key: "k", etag: "1", until: now.Add(time.Hour)}
	claim := func(want verdict) *object {
		t.Helper()
		o, v := r.claim(c)
		if v != want {
			t.Fatalf("verdict %d, want %d", v, want)
		}
		return o
	}
	o := claim(claimed)
	claim(isBusy)
	if r.failed(o, "bad", true, 2, time.Minute) {
		t.Error("poison after one attempt")
	}
	claim(notYet)
	now = now.Add(time.Minute)
	if o = claim(claimed); !r.failed(o, "bad", true, 2, time.Minute) {
		t.Error("not poison after two attempts")
	}
	now = now.Add(time.Hour)
	claim(isPoison)
	if u := r.unread("in"); len(u.poison) != 1 || len(r.unread("other").poison) != 0 || len(r.pending("in")) != 0 {
		t.Errorf("%+v", u)
	}
	c.etag, c.until = "2", now.Add(time.Hour)
	o = claim(claimed)
	r.failed(o, "no permission", false, 2, time.Minute)
	if u := r.unread("in"); len(u.blocked) != 1 || len(r.pending("in")) != 1 {
		t.Errorf("%+v", u)
	}
	now = now.Add(time.Minute)
	r.whole(claim(claimed))
	claim(readDone)
	if settled, whole := r.settled(c); !settled || !whole || len(r.unread("in").blocked) != 0 {
		t.Error("not settled")
	}
	c.again = true
	r.whole(claim(claimed))
	claim(readDone) // once in a process
	now = now.Add(2 * time.Hour)
	if gone := r.expire(); len(gone) != 1 || gone[0].Position().Data != nil || r.len() != 0 {
		t.Errorf("%d gone, %d left", len(gone), r.len())
	}
}
