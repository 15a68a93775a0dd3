package test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"armor/internal/testenv"
	"armor/rules"
	"armor/rules/ruleset"
	"armor/test/ledger"
)

// upOnce reads what is there into a data directory and ends.
func upOnce(t testing.TB, data string, args ...string) result {
	t.Helper()
	return call(t, "armor", append([]string{"up", "--data", data, "--listen", "127.0.0.1:0", "--exit-when-idle", "2s"}, args...)...)
}

// checkStored compares the alerts of a data directory with a ledger.
func checkStored(t testing.TB, data string, want *ledger.Ledger) {
	t.Helper()
	documents := call(t, "armor", "alerts", "search", "--data", data, "--json", "--limit", "0").must(t)
	report, err := want.Check(strings.NewReader(documents))
	if err != nil {
		t.Fatal(err)
	}
	if err := report.Err(); err != nil {
		t.Error(err)
	}
	count := strings.TrimSpace(call(t, "armor", "alerts", "count", "--data", data).must(t))
	if count != strconv.Itoa(want.Len()) {
		t.Errorf("armor alerts count prints %s, want %d", count, want.Len())
	}
}

func TestUpFindsExactlyTheExpectedAlerts(t *testing.T) {
	dir, rows := cloudtrailData(t)
	want := expected(rows)
	for name, args := range map[string][]string{
		"rules of the specification": {"--include", specRules},
		"whole ruleset":              nil,
	} {
		t.Run(name, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "data")
			args := append([]string{"--cloudtrail", dir}, args...)
			upOnce(t, data, args...).must(t)
			if name == "whole ruleset" {
				checkBelow(t, data, rows)
			} else {
				checkStored(t, data, want)
			}
			before := call(t, "armor", "alerts", "count", "--data", data).must(t)
			second := upOnce(t, data, args...).must(t)
			if after := call(t, "armor", "alerts", "count", "--data", data).must(t); after != before {
				t.Errorf("the second run changed the count from %s to %s\n%s", before, after, second)
			}
		})
	}
}

// checkBelow holds the alerts against the specification's rules where more rules are loaded: each expected record ends in the
// expected rule or in one below it.
func checkBelow(t testing.TB, data string, rows []ledger.Row) {
	t.Helper()
	rs, err := rules.Load(rules.Options{}, rules.Source{FS: ruleset.FS()})
	if err != nil {
		t.Fatal(err)
	}
	var below func(id, ancestor int) bool
	below = func(id, ancestor int) bool {
		r, ok := rs.Rule(id)
		return ok && (id == ancestor || slices.ContainsFunc(r.Parents, func(parent int) bool { return below(parent, ancestor) }))
	}
	got := map[string][]int{} // by eventID
	documents := call(t, "armor", "alerts", "search", "--data", data, "--json", "--limit", "0").must(t)
	for text := range strings.Lines(documents) {
		var d struct {
			Rule struct {
				ID string `json:"id"`
			} `json:"rule"`
			Data struct {
				AWS struct {
					EventID string `json:"eventID"`
				} `json:"aws"`
			} `json:"data"`
		}
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			t.Fatal(err)
		}
		id, err := strconv.Atoi(d.Rule.ID)
		if err != nil {
			t.Fatal(err)
		}
		got[d.Data.AWS.EventID] = append(got[d.Data.AWS.EventID], id)
	}
	for _, row := range rows {
		if row.OK && !slices.ContainsFunc(got[row.Entry.EventID], func(id int) bool { return below(id, row.Entry.Rule) }) {
			t.Errorf("%s: alerts of rules %v, none is the expected one or below it", row.Entry, got[row.Entry.EventID])
		}
	}
}

func TestUpWithElasticsearch(t *testing.T) {
	dir, rows := cloudtrailData(t)
	want := expected(rows)
	url := testenv.Elasticsearch(t)
	testenv.WipeElasticsearch(t, url)
	data := filepath.Join(t.TempDir(), "data")
	args := []string{"--cloudtrail", dir, "--include", specRules, "--elasticsearch", url}
	upOnce(t, data, args...).must(t)
	checkStored(t, data, want)
	checkElasticsearch(t, url, want)
	upOnce(t, data, args...).must(t)
	checkStored(t, data, want)
	checkElasticsearch(t, url, want)
}

// checkElasticsearch counts the documents per rule with the server's own aggregation.
func checkElasticsearch(t testing.TB, url string, want *ledger.Ledger) {
	t.Helper()
	request := `{"size":0,"track_total_hits":true,"aggs":{"rules":{"terms":{"field":"rule.id","size":100}}}}`
	if refreshed, err := http.Post(url+"/armor-alerts*/_refresh", "application/json", http.NoBody); err != nil {
		t.Fatal(err)
	} else {
		refreshed.Body.Close()
	}
	response, err := http.Post(url+"/armor-alerts/_search", "application/json", strings.NewReader(request))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Hits struct {
			Total struct{ Value int } `json:"total"`
		} `json:"hits"`
		Aggregations struct {
			Rules struct {
				Buckets []struct {
					Key   string `json:"key"`
					Count int    `json:"doc_count"`
				} `json:"buckets"`
			} `json:"rules"`
		} `json:"aggregations"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if answer.Hits.Total.Value != want.Len() {
		t.Errorf("Elasticsearch holds %d alerts, want %d", answer.Hits.Total.Value, want.Len())
	}
	got := map[int]int{}
	for _, b := range answer.Aggregations.Rules.Buckets {
		rule, err := strconv.Atoi(b.Key)
		if err != nil {
			t.Fatal(err)
		}
		got[rule] = b.Count
	}
	if fmt.Sprint(got) != fmt.Sprint(want.Rules()) {
		t.Errorf("alerts per rule in Elasticsearch: %v, want %v", got, want.Rules())
	}
}

var alertLine = regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  level +\d+ +(\d+)  `)

// What a newcomer sees: the sample folder of the first command, a line per alert, the console's address, a clean end.
func TestFirstRun(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	sample := filepath.Join(testenv.Root(t), "services", "armor", "sample", "cloudtrail")
	args := []string{"up", "--data", data, "--listen", "127.0.0.1:0", "--cloudtrail", sample}
	p := start(t, "armor", args...)
	eventually(t, "the sample is read", p.out.says("waiting for more"))
	rules := map[string]int{}
	for _, line := range alertLine.FindAllStringSubmatch(p.out.String(), -1) {
		rules[line[1]]++
	}
	for _, rule := range []string{"80301", "80303", "80305", "80306", "80308", "80309", "80404", "80411", "80446"} {
		if rules[rule] == 0 {
			t.Errorf("no line for an alert of rule %s", rule)
		}
	}
	url := regexp.MustCompile(`http://127\.0\.0\.1:\d+/\?token=\S+`).FindString(p.out.String())
	if url == "" {
		t.Fatal("no address of the console was printed")
	}
	jar, err := cookiejar.New(nil) // the token is in the address once, then in a cookie
	if err != nil {
		t.Fatal(err)
	}
	page, err := (&http.Client{Jar: jar}).Get(url)
	if err != nil {
		t.Fatal(err)
	}
	page.Body.Close()
	if page.StatusCode != http.StatusOK {
		t.Errorf("the console answers %s", page.Status)
	}
	checkBalanced(t, "--data", data)

	second := call(t, "armor", args...)
	if second.code != 2 || !strings.Contains(second.errors, "in use by process") {
		t.Errorf("a second process on the same directory: code %d, %q", second.code, second.errors)
	}
	if code := p.interrupt(t); code != 0 {
		t.Errorf("Ctrl-C ended with %d", code)
	}
	count := call(t, "armor", "alerts", "count", "--data", data).must(t)
	again := start(t, "armor", args...)
	eventually(t, "the second run is idle", again.out.says("waiting for more"))
	if lines := alertLine.FindAllString(again.out.String(), -1); len(lines) != 0 {
		t.Errorf("the second run printed %d alerts", len(lines))
	}
	if after := call(t, "armor", "alerts", "count", "--data", data).must(t); after != count {
		t.Errorf("the second run changed the count from %s to %s", count, after)
	}
	if code := again.interrupt(t); code != 0 {
		t.Errorf("Ctrl-C ended with %d", code)
	}
	if _, err := os.Stat(filepath.Join(data, "endpoints.json")); !os.IsNotExist(err) {
		t.Errorf("endpoints.json is still there: %v", err)
	}
}

// A new file in a folder and a new line in a log file become alerts while it runs; `alerts watch` shows them.
func TestUpFollows(t *testing.T) {
	folder, logs := t.TempDir(), t.TempDir()
	logFile := filepath.Join(logs, "auth.log")
	if err := os.WriteFile(logFile, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "data")
	p := start(t, "armor", "up", "--data", data, "--listen", "127.0.0.1:0", "--cloudtrail", folder, "--logfile", filepath.Join(logs, "*.log"))
	eventually(t, "it waits", p.out.says("waiting for more"))
	watch := start(t, "armor", "alerts", "watch", "--data", data, "--json")

	appendTo := func(text string) {
		f, err := os.OpenFile(logFile, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	lines := 0
	eventually(t, "the watch shows a log line's alert", func() error {
		lines++ // the watch may begin after the first lines
		appendTo(fmt.Sprintf("Nov 23 02:40:01 web-1 sshd[%d]: Failed password for root from 203.0.113.66 port 4022 ssh2\n", lines))
		return watch.out.says(`"program_name":"sshd"`)()
	})
	record := `{"Records":[{"eventVersion":"1.08","eventTime":"2026-11-23T02:40:00Z","eventSource":"ec2.amazonaws.com","eventName":"AllocateAddress","awsRegion":"eu-west-1","eventID":"11111111-0000-4000-8000-000000000001"}]}`
	temp := filepath.Join(t.TempDir(), "new")
	if err := os.WriteFile(temp, []byte(record), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temp, filepath.Join(folder, "123456789012_CloudTrail_eu-west-1_20261123T0245Z_abcdefghijklmnop.json")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the watch shows the new file's alert", watch.out.says("11111111-0000-4000-8000-000000000001"))
	scanner := bufio.NewScanner(strings.NewReader(watch.out.String()))
	for scanner.Scan() {
		if !json.Valid(scanner.Bytes()) {
			t.Errorf("no JSON: %s", scanner.Text())
		}
	}
	if code := watch.interrupt(t); code != 0 {
		t.Errorf("the watch ended with %d", code)
	}
	if code := p.interrupt(t); code != 0 {
		t.Errorf("Ctrl-C ended with %d", code)
	}
}
