package mitre

import (
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTable(t *testing.T) {
	table := Read()
	form := regexp.MustCompile(`^T\d{4}(\.\d{3})?$`)
	for id, e := range table {
		if !form.MatchString(id) || e.Name == "" || len(e.Tactics) == 0 {
			t.Errorf("%s: %+v", id, e)
		}
		for _, tactic := range e.Tactics {
			if tactic == "" {
				t.Errorf("%s has an unknown tactic", id)
			}
		}
	}
	want := Technique{Name: "Cron", Tactics: []string{"Execution", "Persistence", "Privilege Escalation"}}
	if d := cmp.Diff(want, table["T1053.003"]); d != "" {
		t.Error(d)
	}
	t.Logf("%d techniques", len(table))
}
