package panels

import (
	"testing"
	"time"

	"armor/indexer/store"
)

func TestPanelsOfTheSpecification(t *testing.T) {
	a, err := PieChart().Aggregation(store.Filter{}, time.Hour)
	if err != nil || PieChart().Title != "Pie Chart" || a.Field != "rule.description" || a.Size != 5 || a.Interval != 0 {
		t.Errorf("pie %+v, %v", a, err)
	}
	a, err = StackedGroups().Aggregation(store.Filter{}, time.Hour)
	if err != nil || StackedGroups().Title != "Stacked Groups" || a.Field != "rule.groups" || a.Size != 5 || a.Interval != time.Hour {
		t.Errorf("stacked %+v, %v", a, err)
	}
	var columns []string
	for _, c := range LastAlerts().Columns {
		columns = append(columns, c.Field)
	}
	want := []string{"@timestamp", "agent.name", "rule.id", "rule.level", "rule.description", "rule.groups", "full_log"}
	if len(columns) != len(want) {
		t.Fatalf("columns %v", columns)
	}
	for i := range want {
		if columns[i] != want[i] {
			t.Errorf("column %d is %s, want %s", i, columns[i], want[i])
		}
	}
}

func TestPanels(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range Console() {
		if p.ID == "" || p.Title == "" || seen[p.ID] {
			t.Errorf("panel %+v", p)
		}
		seen[p.ID] = true
		checkAggregation(t, p)
	}
	if _, err := (Panel{Title: "x", Query: "("}).Narrow(store.Filter{}); err == nil {
		t.Error("a wrong query is not told")
	}
}

func TestInterval(t *testing.T) {
	for span := time.Second; span < 200*365*24*time.Hour; span += span/7 + time.Second {
		i := Interval(span)
		if i < time.Second || i%time.Second != 0 || span/i > 90 {
			t.Fatalf("%v: interval %v gives %d buckets", span, i, span/i)
		}
		if a := (store.Aggregation{Interval: i}); true {
			if _, err := a.Check(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// checkAggregation holds a panel to a filter and an aggregation that stores take.
func checkAggregation(t *testing.T, p Panel) {
	t.Helper()
	a, err := p.Aggregation(store.Filter{}, time.Minute)
	if err != nil {
		t.Errorf("%s: %v", p.Title, err)
		return
	}
	if _, err := a.Filter.Check(time.Now()); err != nil {
		t.Errorf("%s: %v", p.Title, err)
	}
	if _, err := a.Check(); err != nil {
		t.Errorf("%s: %v", p.Title, err)
	}
}
