package ruleset_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"go.yaml.in/yaml/v3"

	"armor/internal/testenv"
	"armor/rules"
	"armor/rules/ruleset"
	"armor/rules/rulestest"
)

// kinds is what the tests show of one rule: an event that ends in it, and one like it that does not.
type kinds struct{ fires, silent bool }

// written are the tests in tests/*.yaml, which also run with "armor rules test".
func written(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("tests/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %d test files", err, len(files))
	}
	return files
}

func TestWrittenEvents(t *testing.T) {
	runner := rulestest.Runner{Ruleset: load(t, rules.Options{})}
	var report rulestest.Report
	for _, file := range written(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r, err := runner.Run(context.Background(), file, data)
		if err != nil {
			t.Fatal(err)
		}
		report.Add(r)
	}
	for _, f := range report.Failures() {
		t.Error(f)
	}
	t.Logf("%d passed, %d failed", report.Passed, report.Failed)
}

// TestEveryRuleFiresAndIsSilent counts what the written events and the real records expect: a rule without an event
// that ends in it, or without one that must not, is a failure. Rules that never are the end of an event (noalert)
// are left out.
func TestEveryRuleFiresAndIsSilent(t *testing.T) {
	seen := map[int]*kinds{}
	at := func(id int) *kinds {
		if seen[id] == nil {
			seen[id] = &kinds{}
		}
		return seen[id]
	}
	for _, file := range written(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Tests []struct {
				Events []struct {
					Expect struct {
						Rule string `yaml:"rule"`
						Not  []int  `yaml:"not"`
					} `yaml:"expect"`
				} `yaml:"events"`
			} `yaml:"tests"`
		}
		if err := yaml.Unmarshal(data, &doc); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, test := range doc.Tests {
			for _, e := range test.Events {
				if id, err := strconv.Atoi(e.Expect.Rule); err == nil {
					at(id).fires = true
				}
				for _, id := range e.Expect.Not {
					at(id).silent = true
				}
			}
		}
	}
	for _, r := range realRecords(t) {
		at(r.fires).fires = true
	}
	at(inOverlay).fires, at(inOverlay).silent = true, true
	total, noEnd := 0, 0
	for _, r := range load(t, rules.Options{}).Rules() {
		if strings.Contains(r.XML, `noalert="1"`) {
			noEnd++
			continue
		}
		total++
		if k := at(r.ID); !k.fires || !k.silent {
			t.Errorf("%s:%d: rule %d: has a firing test: %v, a silent one: %v", r.File, r.Line, r.ID, k.fires, k.silent)
		}
	}
	t.Logf("%d rules with a firing and a silent test, %d that never are the end of an event, %d real records", total, noEnd, len(realRecords(t)))
}

// realRecord is a row of tests/cloudtrail-records.csv: a record of the test data and the rule that it ends in, alone.
type realRecord struct {
	fires, index  int
	file, eventID string
}

func realRecords(t *testing.T) []realRecord {
	t.Helper()
	f, err := os.Open("tests/cloudtrail-records.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := make([]realRecord, 0, len(rows))
	for _, row := range rows[1:] {
		r := realRecord{file: row[1], eventID: row[3]}
		if r.fires, err = strconv.Atoi(row[0]); err == nil {
			r.index, err = strconv.Atoi(row[2])
		}
		if err != nil {
			t.Fatalf("cloudtrail-records.csv: %v: %v", row, err)
		}
		out = append(out, r)
	}
	return out
}

// Real records end in the rule that the table names.
func TestRealRecords(t *testing.T) {
	dir := filepath.Join(testenv.Data(t), "cloudtrail")
	rs := load(t, rules.Options{})
	files := map[string][]json.RawMessage{}
	for _, r := range realRecords(t) {
		if files[r.file] == nil {
			files[r.file] = records(t, filepath.Join(dir, r.file))
		}
		v := rules.NewEngine(rs, rules.EngineOptions{}).Evaluate(&rules.Event{Log: line(t, files[r.file][r.index], "log.json.gz")})
		if id, _ := v.Field("aws.eventID"); id != r.eventID {
			t.Errorf("%s record %d: event %q, the table says %q", r.file, r.index, id, r.eventID)
		}
		if v.Rule == nil || v.Rule.ID != r.fires {
			t.Errorf("%s record %d: ends in %+v, expected rule %d", r.file, r.index, v.Rule, r.fires)
		}
	}
}

// inOverlay is the rule that fires only with a list of the user: TestTrustedListsInAnOverlay has both its events.
const inOverlay = 201207

// The lists come empty; a user's overlay fills them.
func TestTrustedListsInAnOverlay(t *testing.T) {
	overlay := fstest.MapFS{
		"lists/aws-trusted-networks": {Data: []byte("203.0.113.0/24:office\n")},
		"lists/aws-trusted-accounts": {Data: []byte("999988887777:partner\n")},
	}
	own, err := rules.Load(rules.Options{}, rules.Source{FS: ruleset.FS()}, rules.Source{Name: "overlay", FS: overlay})
	if err != nil {
		t.Fatal(err)
	}
	const login = `{"integration":"aws","aws":{"source":"cloudtrail","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","sourceIPAddress":"203.0.113.9","userIdentity":{"type":"IAMUser","userName":"alice"},"responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{"MFAUsed":"No"}}}`
	const assume = `{"integration":"aws","aws":{"source":"cloudtrail","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AWSAccount","accountId":"999988887777"}}}`
	for _, c := range []struct {
		rs      *rules.Ruleset
		log     string
		rule    int
		comment string
	}{
		{load(t, rules.Options{}), login, 201206, "login, no trusted network"},
		{own, login, inOverlay, "login from a trusted network"},
		{own, strings.Replace(login, "203.0.113.9", "198.51.100.9", 1), 201206, "login from elsewhere"},
		{load(t, rules.Options{}), assume, 201220, "role, no trusted account"},
		{own, assume, 201010, "role, trusted account"},
	} {
		v := rules.NewEngine(c.rs, rules.EngineOptions{}).Evaluate(&rules.Event{Log: c.log})
		if v.Rule == nil || v.Rule.ID != c.rule {
			t.Errorf("%s: %+v, expected rule %d", c.comment, v.Rule, c.rule)
		}
	}
}
