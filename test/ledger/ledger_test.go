package ledger

import (
	"fmt"
	"strings"
	"testing"
)

func document(id, event string, rule, level int) string {
	return fmt.Sprintf(`{"id":%q,"rule":{"id":"%d","level":%d},"data":{"aws":{"eventID":%q}}}`+"\n", id, rule, level, event)
}

// The checker itself is checked: each kind of fault must be seen.
func TestEveryFaultIsSeen(t *testing.T) {
	l := New()
	l.Expect(Entry{"a", 80301, 2})
	l.Expect(Entry{"b", 80309, 5})
	l.Expect(Entry{"b", 80309, 5})
	a, b1, b2 := document("1", "a", 80301, 2), document("2", "b", 80309, 5), document("3", "b", 80309, 5)
	for _, c := range []struct {
		name, alerts              string
		lost, duplicate, invented int
	}{
		{"all", a + b1 + b2, 0, 0, 0},
		{"no line end", a + b1 + strings.TrimSuffix(b2, "\n"), 0, 0, 0},
		{"one lost", a + b1, 1, 0, 0},
		{"all lost", "", 3, 0, 0},
		{"one id twice", a + a + b1 + b2, 0, 1, 0},
		{"one event under two ids", a + document("9", "a", 80301, 2) + b1 + b2, 0, 1, 0},
		{"wrong level", document("1", "a", 80301, 3) + b1 + b2, 1, 0, 1},
		{"invented", a + b1 + b2 + document("4", "c", 80301, 2), 0, 0, 1},
	} {
		report, err := l.Check(strings.NewReader(c.alerts))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if len(report.Lost) != c.lost || len(report.Duplicate) != c.duplicate || len(report.Invented) != c.invented {
			t.Errorf("%s: %+v", c.name, report)
		}
		if clean := c.lost+c.duplicate+c.invented == 0; (report.Err() == nil) != clean {
			t.Errorf("%s: Err is %v", c.name, report.Err())
		}
	}
}

func TestBrokenDocuments(t *testing.T) {
	for _, text := range []string{"{\n", "{}\n", `{"id":"1","rule":{"id":"x"}}` + "\n"} {
		if _, err := New().Check(strings.NewReader(text)); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
}

func TestReadCSV(t *testing.T) {
	rows, err := ReadCSV(strings.NewReader("file,index,eventID,rule,level\na.json,0,x,,\na.json,1,,80305,2\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 2 || rows[0].OK || !rows[1].OK || rows[1].Entry != (Entry{"", 80305, 2}) || rows[1].Index != 1 {
		t.Errorf("%+v", rows)
	}
	for _, text := range []string{"", "a,b\n", "file,index,eventID,rule,level\na,x,y,,\n", "file,index,eventID,rule,level\na,1,y,80301,\n"} {
		if _, err := ReadCSV(strings.NewReader(text)); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
}
