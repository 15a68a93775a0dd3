// Package spooltest reads spools in tests: what an input has put into one is seen as the uplink sees it.
package spooltest

import (
	"testing"

	"armor/agent/spool"
	armorv1 "armor/proto/armor/v1"
)

// Drain takes all events that a spool holds, and frees them.
func Drain(t testing.TB, s *spool.Spool) (list []*armorv1.Event) {
	t.Helper()
	id, first, last := s.Bounds()
	rd, err := s.NewReader(id, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	for first <= last {
		b, err := rd.Next(t.Context(), 1000, 4<<20)
		if err != nil {
			t.Fatal(err)
		}
		got, err := b.Events()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, got...)
		first = b.Last + 1
		if err := s.Free(id, b.Last); err != nil {
			t.Fatal(err)
		}
	}
	return list
}
