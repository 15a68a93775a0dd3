package manager

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"armor/manager/journal"
	armorv1 "armor/proto/armor/v1"
	"armor/rules"
)

func TestJournalMetrics(t *testing.T) {
	now := time.Unix(1_700_000_060, 0)
	st := journal.Stats{Records: 5, Events: 40, Unremembered: 1, Snapshots: 2, Bytes: 1 << 20, Taken: now.Add(-time.Minute), Failed: errors.New("no space")}
	reg := prometheus.NewRegistry()
	reg.MustRegister(newJournalCollector(func() journal.Stats { return st }))
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		got[strings.TrimPrefix(f.GetName(), "armor_manager_")] = f.GetMetric()[0].GetGauge().GetValue() + f.GetMetric()[0].GetCounter().GetValue()
	}
	want := map[string]float64{
		"journal_records_total": 5, "journal_events_total": 40, "journal_unremembered_total": 1, "snapshots_total": 2,
		"snapshot_bytes": 1 << 20, "snapshot_time_seconds": 1_700_000_000, "snapshot_failing": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	status := &armorv1.ComponentStatus{Counters: map[string]uint64{}, Gauges: map[string]float64{}}
	journalStatus(status, &st, now)
	if diff := cmp.Diff(map[string]uint64{"journal_records": 5, "journal_events": 40, "journal_unremembered": 1, "snapshots": 2}, status.GetCounters()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]float64{"snapshot_bytes": 1 << 20, "snapshot_age_seconds": 60, "snapshot_failing": 1}, status.GetGauges()); diff != "" {
		t.Error(diff)
	}
}

func TestStateMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	reg.MustRegister(newStateCollector(func() rules.StateStats {
		return rules.StateStats{Events: 7, Bytes: 100, DiffBytes: 20, Keys: 3, Masked: 2, Evicted: rules.StateEvictions{ListEvents: 1, ListBytes: 2, Bytes: 3, TooLarge: 4, FirstSeen: 5, Masked: 6, Diffs: 7, Accumulated: 8}}
	}))
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := strings.TrimPrefix(f.GetName(), "armor_manager_state_")
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			got[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	for name, want := range map[string]float64{
		"events": 7, "bytes": 120, "keys": 5, "snapshot_held_seconds": 0,
		"evicted_total list_events": 1, "evicted_total list_bytes": 2, "evicted_total total_bytes": 3, "evicted_total too_large": 4,
		"evicted_total first_seen": 5, "evicted_total ignored": 6, "evicted_total diffs": 7, "evicted_total accumulated": 8,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s is %v, %v; expected %v", name, v, ok, want)
		}
	}
}
