package console

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// testNow is the newest alert of the tests.
var testNow = time.Date(2026, 3, 5, 14, 30, 0, 0, time.UTC)

type alertsAnswer struct {
	Alerts []row
	Total  uint64
	Next   string
}

func TestSpan(t *testing.T) {
	m := &memory{}
	c := newHandler(t, Config{}, Deps{Store: m})
	if got := getJSON[map[string]any](t, c, "/api/v1/span"); got["total"] != 0.0 || got["oldest"] != nil {
		t.Errorf("empty store: %v", got)
	}
	m.put(hit(ec2Alert(1, testNow)), hit(ec2Alert(2, testNow.AddDate(-3, 0, 0))), hit(ec2Alert(3, testNow.Add(-time.Hour))))
	got := getJSON[struct {
		Total          uint64
		Oldest, Newest time.Time
	}](t, c, "/api/v1/span")
	if got.Total != 3 || !got.Newest.Equal(testNow) || !got.Oldest.Equal(testNow.AddDate(-3, 0, 0)) {
		t.Errorf("%+v", got)
	}
}

func TestOverview(t *testing.T) {
	m := &memory{}
	m.put(seed(90, testNow, time.Minute)...)
	m.put(hit(newAlert(alertSpec{key: "one", when: testNow, rule: 5712, level: 13, description: "sshd: brute force", groups: []string{"sshd"}, agent: "web-1", log: "x", data: "{}"})))
	c := newHandler(t, Config{}, Deps{Store: m})
	got := getJSON[overview](t, c, "/api/v1/overview")
	if got.Total != 91 || got.High != 1 || got.Agents != 3 {
		t.Errorf("total %d, high %d, agents %d", got.Total, got.High, got.Agents)
	}
	if len(got.Rules.Buckets) != 5 || got.Rules.Buckets[0].Count != 10 || got.Rules.Other != 41 {
		t.Errorf("rules %+v", got.Rules)
	}
	choices := getJSON[struct{ Agents, Groups []string }](t, c, "/api/v1/values?q=rule.level:>=13")
	if diff := cmp.Diff([]string{"amazon", "amazon-ec2", "sshd"}, choices.Groups); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"audit-eu", "cloud-collector", "web-1"}, choices.Agents); diff != "" {
		t.Error(diff)
	}
	g := got.Groups
	if g.Interval != 60 || g.Last != testNow.Unix() || g.First != testNow.Add(-89*time.Minute).Unix() {
		t.Errorf("axis %d from %d to %d", g.Interval, g.First, g.Last)
	}
	for _, b := range g.Buckets {
		var sum int64
		for _, v := range b.Times {
			sum += v[1]
			if v[0] < g.First || v[0] > g.Last || v[0]%g.Interval != 0 {
				t.Errorf("bar of %s at %d is outside the axis", b.Key, v[0])
			}
		}
		if uint64(sum) != b.Count {
			t.Errorf("bars of %s sum up to %d, not %d", b.Key, sum, b.Count)
		}
	}
}

func TestEveryFilterNarrows(t *testing.T) {
	m := &memory{}
	m.put(seed(90, testNow, time.Minute)...)
	for _, a := range hostile(testNow) {
		m.put(hit(a))
	}
	c := newHandler(t, Config{}, Deps{Store: m})
	for query, want := range map[string]uint64{
		"":                                      95,
		"q=rule.level:>=5":                      25,
		"level=5":                               25,
		"level=12":                              5,
		"agent=audit-eu":                        45,
		"group=hostile":                         5,
		"f=rule.id:80309":                       10,
		"n=rule.id:80309":                       85,
		"f=rule.id:80309&f=agent.name:audit-eu": 5,
		"f=rule.id:80309&n=agent.name:audit-eu": 5,
		"since=" + testNow.Add(-9*time.Minute).Format(time.RFC3339):                                                                 15,
		"until=" + testNow.Add(-80*time.Minute).Format(time.RFC3339):                                                                9,
		"since=" + testNow.Add(-9*time.Minute).Format(time.RFC3339) + "&until=" + testNow.Format(time.RFC3339):                      9,
		"f=" + url.QueryEscape("rule.groups:<i>group</i>"):                                                                          5,
		"f=" + url.QueryEscape("data.url:<script>window.hacked=1</script>"):                                                         5,
		"f=" + url.QueryEscape(`agent.name:web-<u>01</u>`) + "&level=12&q=" + url.QueryEscape("rule.id:100100 OR rule.id:(100101)"): 2,
		"f=rule.id:80309&q=rule.id:80301":                                                                                           0,
		"f=rule.id:8030*":                                                                                                           0, // a filter is the value, not a pattern
	} {
		if got := getJSON[alertsAnswer](t, c, "/api/v1/alerts?"+query); got.Total != want {
			t.Errorf("%s: %d alerts, want %d", query, got.Total, want)
		}
		if got := getJSON[overview](t, c, "/api/v1/overview?"+query); got.Total != want {
			t.Errorf("%s: %d alerts in the overview, want %d", query, got.Total, want)
		}
	}
}

func TestPagesCoverAllOnce(t *testing.T) {
	m := &memory{}
	m.put(seed(95, testNow, time.Second)...)
	c := newHandler(t, Config{}, Deps{Store: m})
	seen, last, next := map[string]bool{}, testNow.Add(time.Hour), ""
	for {
		got := getJSON[alertsAnswer](t, c, "/api/v1/alerts?size=20&page="+next)
		for _, a := range got.Alerts {
			if seen[a.ID] || a.Time.After(last) {
				t.Fatalf("alert %s again or out of order", a.ID)
			}
			seen[a.ID], last = true, a.Time
		}
		if next = got.Next; next == "" {
			break
		}
	}
	if len(seen) != 95 {
		t.Errorf("%d alerts", len(seen))
	}
}

func TestRowsAreShortAndDetailsWhole(t *testing.T) {
	m := &memory{}
	for _, a := range hostile(testNow) {
		m.put(hit(a))
	}
	c := newHandler(t, Config{}, Deps{Store: m})
	w := request(t, c, "/api/v1/alerts")
	if w.Body.Len() > 10_000 {
		t.Errorf("the rows have %d bytes", w.Body.Len())
	}
	got := getJSON[alertsAnswer](t, c, "/api/v1/alerts?f=rule.id:100103").Alerts[0]
	if !got.LogCut || len(got.Log) != logPreview {
		t.Errorf("log of %d bytes, cut: %v", len(got.Log), got.LogCut)
	}
	doc := getJSON[struct {
		FullLog string `json:"full_log"`
	}](t, c, "/api/v1/alerts/"+got.ID)
	if len(doc.FullLog) != 60<<10+2 {
		t.Errorf("full log of %d bytes", len(doc.FullLog))
	}
	if e := getError(t, c, "/api/v1/alerts/none", http.StatusNotFound); e.Kind != kindMissing {
		t.Errorf("%+v", e)
	}
}

func TestQuestionsThatMakeNoSense(t *testing.T) {
	c := newHandler(t, Config{}, Deps{Store: &memory{}})
	for query, message := range map[string]string{
		"size=0": "size", "size=501": "size", "size=x": "size",
		"page=***": "page", "page=YWJj": "page",
		"level=17": "level", "level=-1": "level", "level=high": "level",
		"since=yesterday": "since", "until=2026": "until",
		"f=nothing": "field:value", "n=:x": "field:value",
		"q=" + strings.Repeat("a", maxQueryBytes+1): "bytes",
		"f=" + strings.Repeat("a", 1000) + ":x":     "field:value",
		strings.Repeat("f=a:b&", 51):                "filters",
	} {
		e := getError(t, c, "/api/v1/alerts?"+query, http.StatusBadRequest)
		if e.Kind != kindQuery || !strings.Contains(e.Message, message) {
			t.Errorf("%s: %+v", cut(query, 40), e)
		}
	}
	if e := getError(t, c, "/api/v1/export?format=pdf", http.StatusBadRequest); e.Kind != kindQuery {
		t.Errorf("%+v", e)
	}
}

func TestQueryErrorsSayWhereInCharacters(t *testing.T) {
	c := newHandler(t, Config{}, Deps{Store: &memory{}})
	for query, at := range map[string]int{
		`rule.id:1 rule.level:>=high`: 10,
		`"größe" AND )`:               12,
	} {
		e := getError(t, c, "/api/v1/overview?q="+url.QueryEscape(query), http.StatusBadRequest)
		if e.Kind != kindQuery || e.Position == nil {
			t.Errorf("%s: %+v", query, e)
			continue
		}
		if *e.Position > at || *e.Position < at-2 {
			t.Errorf("%s: position %d (%s)", query, *e.Position, e.Message)
		}
	}
	if e := getError(t, c, "/api/v1/overview?f="+url.QueryEscape("rule.level:high"), http.StatusBadRequest); e.Position != nil {
		t.Errorf("a filter has no position in the search: %+v", e)
	}
}

func TestStoreThatDoesNotAnswer(t *testing.T) {
	m := &memory{hold: make(chan struct{})}
	c := newHandler(t, Config{QueryTimeout: time.Millisecond}, Deps{Store: m})
	for _, path := range []string{"/api/v1/span", "/api/v1/overview", "/api/v1/values", "/api/v1/alerts"} {
		if e := getError(t, c, path, http.StatusGatewayTimeout); e.Kind != kindStore {
			t.Errorf("%s: %+v", path, e)
		}
	}
	m.hold = nil
	m.fail(fmt.Errorf("connect to Elasticsearch: %w", errors.New("connection refused")))
	for _, path := range []string{"/api/v1/span", "/api/v1/overview", "/api/v1/alerts", "/api/v1/alerts/x", "/api/v1/export?format=csv"} {
		if e := getError(t, c, path, http.StatusServiceUnavailable); e.Kind != kindStore || !strings.Contains(e.Message, "connection refused") {
			t.Errorf("%s: %+v", path, e)
		}
	}
}

func TestDamagedDocumentIsAnErrorNotAPanic(t *testing.T) {
	m := &memory{}
	bad := hit(ec2Alert(0, testNow))
	bad.JSON = bad.JSON[:len(bad.JSON)/2]
	m.put(bad)
	c := newHandler(t, Config{}, Deps{Store: m})
	if e := getError(t, c, "/api/v1/alerts", http.StatusServiceUnavailable); !strings.Contains(e.Message, bad.ID) {
		t.Errorf("%+v", e)
	}
}
