package conservation

import (
	"strings"
	"testing"

	armorv1 "armor/proto/armor/v1"
)

func status(name string, counters map[string]uint64) *armorv1.ComponentStatus {
	return &armorv1.ComponentStatus{Name: name, Counters: counters}
}

func TestCheck(t *testing.T) {
	for _, c := range []*armorv1.ComponentStatus{
		status("agent", map[string]uint64{"recovered": 2, "read": 8, "receipted": 6, "spooled": 1, "dropped_cut": 3}),
		status("manager", map[string]uint64{"accepted": 10, "alerted": 1, "silent": 7, "duplicate": 1, "failed": 1}),
		status("indexer", map[string]uint64{"received": 4, "indexed": 1, "duplicate": 1, "redelivered": 1, "dead_letter": 1}),
		status("other", map[string]uint64{"in": 1}),
	} {
		if err := Check(c); err != nil {
			t.Errorf("balanced: %v", err)
		}
	}
	err := Check(status("agent", map[string]uint64{"read": 8, "receipted": 6, "dropped_cut": 1}))
	if err == nil || !strings.Contains(err.Error(), "read 8") || !strings.Contains(err.Error(), "dropped_cut 1") {
		t.Errorf("one lost: %v", err)
	}
}
