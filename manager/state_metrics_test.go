package manager

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"armor/rules"
)

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
