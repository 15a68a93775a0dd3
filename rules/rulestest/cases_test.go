package rulestest_test

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"armor/rules/rulestest"
)

// The tests beside a ruleset are found, read and shown; what cannot be read is named and holds the others not up.
func TestBeside(t *testing.T) {
	tree := fstest.MapFS{
		"tests.yaml":       {Data: []byte("tests:\n  - name: one\n    events:\n      - {log: a <b>, after: 10s, repeat: 3, expect: {rule: 100101, level: 5, groups: [x, y], fields: {srcip: 203.0.113.66}}}\n")},
		"tests/deep/b.yml": {Data: []byte("tests:\n  - name: two\n    events:\n      - log: first\n      - {json: {a: 1}, expect: {not: [100101, 100102]}}\n")},
		"tests/c.ini":      {Data: []byte("[three]\nlog 1 pass = x\nlog 1 pass = y\nlog 2 fail = z\nrule = 7\nalert = 3\ndecoder = d\n")},
		"tests/broken.yml": {Data: []byte("tests:\n  - nome: x\n")},
		"tests/notes.csv":  {Data: []byte("a,b\n")},
		"rules/tests.yaml": {Data: []byte("no test file")},
	}
	got, errs := rulestest.Beside(tree)
	if len(errs) != 1 {
		t.Errorf("errors %v, want one about tests/broken.yml", errs)
	}
	want := []rulestest.Case{
		{File: "tests.yaml", Line: 2, Name: "one", Events: []rulestest.CaseEvent{{Log: "a <b>", After: 10 * time.Second, Repeat: 3,
			Wants: []rulestest.Want{{"rule", "100101"}, {"level", "5"}, {"groups", "x, y"}, {"fields", "srcip: 203.0.113.66"}}}}},
		{File: "tests/c.ini", Line: 2, Name: "three: log 1 pass", Events: []rulestest.CaseEvent{{Log: "x", Repeat: 1},
			{Log: "y", Repeat: 1, Wants: []rulestest.Want{{"rule", "7"}, {"level", "3"}, {"decoder", "d"}}}}},
		{File: "tests/c.ini", Line: 4, Name: "three: log 2 fail", Events: []rulestest.CaseEvent{{Log: "z", Repeat: 1, Wants: []rulestest.Want{{"not", "7"}}}}},
		{File: "tests/deep/b.yml", Line: 2, Name: "two", Events: []rulestest.CaseEvent{{Log: "first", Repeat: 1},
			{Log: `{"a":1}`, Repeat: 1, Wants: []rulestest.Want{{"not", "100101, 100102"}}}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, c := range []struct {
		of, rule     int
		named, fires bool
	}{{0, 100101, true, true}, {0, 5, false, false}, {1, 7, true, true}, {2, 7, true, false}, {3, 100102, true, false}} {
		if named, fires := got[c.of].Names(c.rule); named != c.named || fires != c.fires {
			t.Errorf("test %d and rule %d: named %v, fires %v", c.of, c.rule, named, fires)
		}
	}
	if cases, errs := rulestest.Beside(fstest.MapFS{"rules/a.xml": {}}); cases != nil || errs != nil {
		t.Errorf("a tree without tests: %v, %v", cases, errs)
	}
}
