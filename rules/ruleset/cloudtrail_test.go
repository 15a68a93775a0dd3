package ruleset_test

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"armor/internal/testenv"
	"armor/rules"
)

// line is a record in the form in which the agent sends it.
func line(t testing.TB, record []byte, file string) string {
	t.Helper()
	var b bytes.Buffer
	b.WriteString(`{"integration":"aws","aws":{"log_info":{"aws_account_alias":"","log_file":"` + file + `","s3bucket":"trail"},"source":"cloudtrail","aws_account_id":"123456789012",`)
	var compact bytes.Buffer
	if err := json.Compact(&compact, record); err != nil {
		t.Fatal(err)
	}
	b.Write(compact.Bytes()[1:])
	b.WriteByte('}')
	return b.String()
}

// records reads the records of a CloudTrail file.
func records(t testing.TB, path string) []json.RawMessage {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	var doc struct{ Records []json.RawMessage }
	if err := json.NewDecoder(r).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	return doc.Records
}

type expectation struct {
	file, eventID string
	index         int
	rule, level   int // rule 0: none
}

func expectations(t testing.TB, dir string) []expectation {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "expected.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []expectation
	for _, row := range rows[1:] {
		e := expectation{file: row[0], eventID: row[2]}
		e.index, _ = strconv.Atoi(row[1])
		if row[3] != "" {
			e.rule, _ = strconv.Atoi(row[3])
			e.level, _ = strconv.Atoi(row[4])
		}
		out = append(out, e)
	}
	return out
}

// below says whether a rule is another one or hangs below it.
func below(rs *rules.Ruleset, id, ancestor int) bool {
	r, ok := rs.Rule(id)
	return ok && (id == ancestor || slices.ContainsFunc(r.Parents, func(parent int) bool { return below(rs, parent, ancestor) }))
}

// TestExpectedCloudTrail evaluates every real record: exactly the expected alerts come out with the EC2 rules alone; with
// the whole ruleset a record ends in the expected rule or below it.
func TestExpectedCloudTrail(t *testing.T) {
	dir := filepath.Join(testenv.Data(t), "cloudtrail")
	want := expectations(t, dir)
	for name, opts := range map[string]rules.Options{
		"whole ruleset":  {},
		"EC2 rules only": {Include: []string{"*amazon-ec2*"}},
	} {
		t.Run(name, func(t *testing.T) {
			rs := load(t, opts)
			engine := rules.NewEngine(rs, rules.EngineOptions{})
			x := engine.NewEvaluation()
			files := map[string][]json.RawMessage{}
			counts := map[int]int{}
			for _, e := range want {
				if files[e.file] == nil {
					files[e.file] = records(t, filepath.Join(dir, e.file))
				}
				ev := rules.Event{Location: "aws-cloudtrail", Log: line(t, files[e.file][e.index], "log.json.gz")}
				engine.Decode(&ev, x)
				v := engine.Match(x)
				rule, level := 0, 0
				if v.Alert {
					rule, level = v.Rule.ID, v.Rule.Level
					counts[rule]++
				}
				if opts.Include == nil {
					// With more rules a record ends in the expected one or below it, and no other in one of the ten.
					level = e.level
					switch r := v.Rule; {
					case e.rule > 0 && r != nil && below(rs, r.ID, e.rule):
						rule = e.rule
					case e.rule == 0 && (r == nil || r.ID == 80300 || !strings.Contains(r.File, "amazon-ec2_rules")):
						rule = 0
					}
				}
				if rule != e.rule || level != e.level {
					t.Errorf("%s record %d: alert of rule %d level %d, expected rule %d level %d", e.file, e.index, rule, level, e.rule, e.level)
				}
				if v.Decoder != "cloudtrail" {
					t.Errorf("%s record %d: decoder %q", e.file, e.index, v.Decoder)
				}
				if id, _ := v.Field("aws.eventID"); id != e.eventID {
					t.Errorf("%s record %d: aws.eventID %q, expected %q", e.file, e.index, id, e.eventID)
				}
				if data := v.AppendData(nil); !json.Valid(data) {
					t.Errorf("%s record %d: data is no JSON: %s", e.file, e.index, data)
				}
			}
			t.Logf("%d records, alerts by rule: %v", len(want), counts)
			if len(want) < 4106 {
				t.Errorf("only %d records ran", len(want))
			}
		})
	}
}
