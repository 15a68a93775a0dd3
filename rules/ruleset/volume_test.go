package ruleset_test

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"armor/internal/testenv"
	"armor/rules"
)

var update = flag.Bool("update", false, "write the table of alert volume into docs/aws-rules.md")

const (
	volumeDoc   = "../../docs/aws-rules.md"
	volumeBegin = "<!-- volume: begin -->\n"
	volumeEnd   = "<!-- volume: end -->"
	// shareLimit is the largest share of the alerts at noteworthy or above that one rule may have without a reason.
	shareLimit = 0.20
	noteworthy = 5
)

// volumeReasons are the reasons of rules above shareLimit.
var volumeReasons = map[int]string{}

// volume counts the alerts of each rule on all real records, in the order in which they happened, each at its time.
func volume(t *testing.T) (counts map[int]int, seen int, rs *rules.Ruleset) {
	t.Helper()
	dir := filepath.Join(testenv.Data(t), "cloudtrail")
	type event struct {
		at  time.Time
		log string
	}
	var all []event
	files := map[string][]json.RawMessage{}
	for _, e := range expectations(t, dir) {
		if files[e.file] == nil {
			files[e.file] = records(t, filepath.Join(dir, e.file))
		}
		record := files[e.file][e.index]
		var head struct {
			EventTime time.Time `json:"eventTime"`
		}
		if err := json.Unmarshal(record, &head); err != nil {
			t.Logf("%s record %d has no time: %v", e.file, e.index, err)
		}
		all = append(all, event{head.EventTime, line(t, record, "log.json.gz")})
	}
	slices.SortStableFunc(all, func(a, b event) int { return a.at.Compare(b.at) })
	var now time.Time
	rs = load(t, rules.Options{})
	engine := rules.NewEngine(rs, rules.EngineOptions{Now: func() time.Time { return now }})
	counts = map[int]int{}
	for _, e := range all {
		now = e.at
		if v := engine.Evaluate(&rules.Event{Location: "aws-cloudtrail", Log: e.log}); v.Alert {
			counts[v.Rule.ID]++
		}
	}
	return counts, len(all), rs
}

// TestAlertVolume holds the table in docs/aws-rules.md up to date and no rule too loud. "go test -update" writes it.
func TestAlertVolume(t *testing.T) {
	counts, seen, rs := volume(t)
	total, loud := 0, 0
	var fired []*rules.Rule
	for id, n := range counts {
		r, _ := rs.Rule(id)
		fired = append(fired, r)
		total += n
		if r.Level >= noteworthy {
			loud += n
		}
	}
	slices.SortFunc(fired, func(a, b *rules.Rule) int {
		return cmp.Or(counts[b.ID]-counts[a.ID], a.ID-b.ID)
	})
	var b strings.Builder
	fmt.Fprintf(&b, "%d records, %d alerts, %d of them at level %d or higher. The share is of these.\n\n", seen, total, loud, noteworthy)
	b.WriteString("| rule | level | alerts | share | description |\n|---|---|---|---|---|\n")
	for _, r := range fired {
		share := ""
		if r.Level >= noteworthy {
			part := float64(counts[r.ID]) / float64(loud)
			share = fmt.Sprintf("%.1f %%", 100*part)
			if part > shareLimit {
				reason := volumeReasons[r.ID]
				if reason == "" {
					t.Errorf("rule %d makes %s of the alerts at level %d or higher, and no reason is given", r.ID, share, noteworthy)
				}
				share += ": " + reason
			}
		}
		fmt.Fprintf(&b, "| %d | %d | %d | %s | %s |\n", r.ID, r.Level, counts[r.ID], share, r.Description)
	}
	doc, err := os.ReadFile(volumeDoc)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(doc), volumeBegin)
	old, after, closed := strings.Cut(rest, volumeEnd)
	if !ok || !closed {
		t.Fatalf("%s has no place for the table: %q to %q", volumeDoc, volumeBegin, volumeEnd)
	}
	if old == b.String() {
		return
	}
	if !*update {
		t.Fatalf("the table in %s is out of date; run go test ./rules/ruleset -run TestAlertVolume -update", volumeDoc)
	}
	if err := os.WriteFile(volumeDoc, []byte(before+volumeBegin+b.String()+volumeEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
