package kibana_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"armor/indexer/elastic"
	"armor/indexer/field"
	"armor/indexer/kibana"
	"armor/indexer/panels"
	"armor/indexer/query"
	"armor/indexer/store"
	"armor/internal/testenv"
)

// bucket is a value with its count, and its counts over time where a panel shows them.
type bucket struct {
	Key   string
	Count int
	Times map[string]int
}

// shownBy is what a panel shows: buckets, a number, or rows.
type shownBy struct {
	Buckets []bucket
	Number  int
	Rows    []string
}

// barWidth stands for the width of bars that Kibana chooses by the time range.
const barWidth = time.Hour

// expected counts the seed for a panel on a dashboard.
func expected(t *testing.T, all []seeded, d panels.Dashboard, p panels.Panel) shownBy {
	t.Helper()
	var chosen []seeded
	for _, s := range all {
		if s.on(t, d) && s.in(t, p) {
			chosen = append(chosen, s)
		}
	}
	switch {
	case p.Kind == panels.Table:
		slices.SortFunc(chosen, func(a, b seeded) int { return b.at.Compare(a.at) })
		var rows []string
		for _, s := range chosen[:min(len(chosen), p.Size)] {
			rows = append(rows, fmt.Sprintf("%s|%s|%d|%d|%s|%s|log of %s", s.at.Format(time.RFC3339), s.agentName, s.ruleID, s.level, s.description, strings.Join(s.groups, ","), s.id))
		}
		return shownBy{Rows: rows}
	case p.Kind == panels.Tile && p.Measure == panels.CountAlerts:
		return shownBy{Number: len(chosen)}
	}
	counts, times := map[string]int{}, map[string]map[string]int{}
	for _, s := range chosen {
		for _, v := range s.values(t, p.Field) {
			counts[v]++
			if times[v] == nil {
				times[v] = map[string]int{}
			}
			times[v][s.at.Truncate(barWidth).Format(time.RFC3339)]++
		}
	}
	if p.Kind == panels.Tile {
		return shownBy{Number: len(counts)}
	}
	var out []bucket
	for v, n := range counts {
		b := bucket{Key: v, Count: n}
		if p.Kind == panels.Stacked {
			b.Times = times[v]
		}
		out = append(out, b)
	}
	numeric := field.Of(p.Field).Kind == field.Number
	slices.SortFunc(out, func(a, b bucket) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		if numeric && len(a.Key) != len(b.Key) {
			return len(a.Key) - len(b.Key)
		}
		return cmp.Compare(a.Key, b.Key)
	})
	return shownBy{Buckets: out[:min(len(out), p.Size)]}
}

// page is a dashboard as Kibana has it after the import: the filter, and the panels by title.
type page struct {
	filters []object
	panels  map[string]kibana.Object
}

// readPage reads a dashboard out of the exported file, following its references.
func readPage(t *testing.T, file []byte, title string) page {
	t.Helper()
	objects := map[string]kibana.Object{}
	var dashboard kibana.Object
	for line := range bytes.Lines(file) {
		var o kibana.Object
		if err := json.Unmarshal(line, &o); err != nil {
			t.Fatal(err)
		}
		objects[o.Type+" "+o.ID] = o
		if o.Type == "dashboard" && o.Title() == title {
			dashboard = o
		}
	}
	references := map[string]kibana.Object{}
	for _, r := range dashboard.References {
		references[r.Name] = objects[r.Type+" "+r.ID]
	}
	var source struct {
		Filter []struct {
			Meta  struct{ Negate bool }
			Query object
		}
	}
	meta, _ := dashboard.Attributes["kibanaSavedObjectMeta"].(map[string]any)
	unmarshal(t, meta["searchSourceJSON"], &source)
	p := page{panels: map[string]kibana.Object{}}
	for _, f := range source.Filter {
		if f.Meta.Negate {
			f.Query = object{"bool": object{"must_not": f.Query}}
		}
		p.filters = append(p.filters, f.Query)
	}
	var list []struct{ Title, PanelIndex, PanelRefName string }
	unmarshal(t, dashboard.Attributes["panelsJSON"], &list)
	for _, l := range list {
		p.panels[l.Title] = references[l.PanelIndex+":"+l.PanelRefName]
	}
	return p
}

func unmarshal(t *testing.T, text any, into any) {
	t.Helper()
	s, _ := text.(string)
	if err := json.Unmarshal([]byte(s), into); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
}

// lens is the question in a chart.
type lens struct {
	DatasourceStates struct {
		Indexpattern struct {
			Layers map[string]struct {
				ColumnOrder []string
				Columns     map[string]struct {
					OperationType, SourceField string
					Params                     struct {
						Size           int
						OrderDirection string
					}
				}
			}
		}
	}
	Query struct{ Query string }
}

// ask runs a panel as Kibana would, and gives what it shows.
func (p page) ask(t *testing.T, node string, o kibana.Object) shownBy {
	t.Helper()
	if o.Type == "search" {
		return p.list(t, node, o)
	}
	var l lens
	encoded, _ := json.Marshal(o.Attributes["state"])
	if err := json.Unmarshal(encoded, &l); err != nil {
		t.Fatal(err)
	}
	layer := l.DatasourceStates.Indexpattern.Layers["alerts"]
	body := object{"size": 0, "track_total_hits": true, "query": p.question(t, l.Query.Query)}
	inner := body
	for _, id := range layer.ColumnOrder {
		c := layer.Columns[id]
		var agg object
		switch c.OperationType {
		case "count":
			continue
		case "terms":
			agg = object{"terms": object{"field": c.SourceField, "size": c.Params.Size, "order": object{"_count": c.Params.OrderDirection}}}
		case "date_histogram":
			agg = object{"date_histogram": object{"field": c.SourceField, "fixed_interval": fmt.Sprintf("%ds", int(barWidth.Seconds())), "min_doc_count": 1}}
		case "unique_count":
			agg = object{"cardinality": object{"field": c.SourceField}}
		default:
			t.Fatalf("operation %s", c.OperationType)
		}
		inner["aggs"] = object{"x": agg}
		inner = agg
	}
	type answerBucket struct {
		Key         any
		KeyAsString string `json:"key_as_string"`
		Count       int    `json:"doc_count"`
		X           struct {
			Buckets []struct {
				KeyAsString string `json:"key_as_string"`
				Count       int    `json:"doc_count"`
			}
		}
	}
	var answer struct {
		Hits         struct{ Total struct{ Value int } }
		Aggregations *struct {
			X struct {
				Value   *int
				Buckets []answerBucket
			}
		}
	}
	search(t, node, body, &answer)
	if answer.Aggregations == nil {
		return shownBy{Number: answer.Hits.Total.Value}
	}
	if v := answer.Aggregations.X.Value; v != nil {
		return shownBy{Number: *v}
	}
	var out shownBy
	for _, b := range answer.Aggregations.X.Buckets {
		shown := bucket{Key: fmt.Sprint(b.Key), Count: b.Count}
		for _, at := range b.X.Buckets {
			if shown.Times == nil {
				shown.Times = map[string]int{}
			}
			key := at.KeyAsString
			if when, err := time.Parse(time.RFC3339, key); err == nil {
				key = when.Format(time.RFC3339)
			}
			shown.Times[key] = at.Count
		}
		out.Buckets = append(out.Buckets, shown)
	}
	return out
}

// list runs a list of alerts.
func (p page) list(t *testing.T, node string, o kibana.Object) shownBy {
	t.Helper()
	var form struct {
		Columns []string
		Sort    [][]string
		Meta    struct {
			SearchSourceJSON string
		} `json:"kibanaSavedObjectMeta"`
	}
	encoded, _ := json.Marshal(o.Attributes)
	if err := json.Unmarshal(encoded, &form); err != nil {
		t.Fatal(err)
	}
	var source struct{ Query struct{ Query string } }
	unmarshal(t, form.Meta.SearchSourceJSON, &source)
	sort := []object{}
	for _, s := range form.Sort {
		sort = append(sort, object{s[0]: object{"order": s[1]}})
	}
	columns := append([]string{"@timestamp"}, form.Columns...)
	var answer struct {
		Hits struct {
			Hits []struct{ Fields map[string][]any }
		}
	}
	search(t, node, object{"size": panels.LastAlerts().Size, "sort": sort, "_source": false, "fields": columns, "query": p.question(t, source.Query.Query)}, &answer)
	var out shownBy
	for _, h := range answer.Hits.Hits {
		var row []string
		for _, name := range columns {
			var cell []string
			for _, v := range h.Fields[name] {
				cell = append(cell, fmt.Sprint(v))
			}
			if name == "@timestamp" {
				when, err := time.Parse(time.RFC3339, cell[0])
				if err != nil {
					t.Fatal(err)
				}
				cell[0] = when.Truncate(time.Second).Format(time.RFC3339)
			}
			row = append(row, strings.Join(cell, ","))
		}
		out.Rows = append(out.Rows, strings.Join(row, "|"))
	}
	return out
}

// question puts the dashboard's filters and a panel's query together.
func (p page) question(t *testing.T, q string) object {
	t.Helper()
	dsl, err := kqlToDSL(q)
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	return object{"bool": object{"filter": append([]object{dsl}, p.filters...)}}
}

func search(t *testing.T, node string, body object, into any) {
	t.Helper()
	encoded, _ := json.Marshal(body)
	resp, err := http.Post(node+"/armor-alerts-*/_search", "application/json", bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", encoded, answer)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
}

// cluster is a real Elasticsearch with the seed in it.
func cluster(t *testing.T, all []seeded) (node string, s *elastic.Store) {
	t.Helper()
	node = testenv.Elasticsearch(t)
	testenv.WipeElasticsearch(t, node)
	s, err := elastic.New(elastic.Config{URLs: []string{node}}, elastic.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	docs := make([]store.Document, 0, len(all))
	for _, a := range all {
		docs = append(docs, a.document())
	}
	results, err := s.Write(t.Context(), docs)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if r.Outcome != store.Created {
			t.Fatalf("%s: %v %s", docs[i].JSON, r.Outcome, r.Reason)
		}
	}
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return node, s
}

// Every panel of every dashboard, asked as Kibana asks it after the import, and as the console asks it, shows exactly what the
// seed says.
func TestPanelsShowWhatIsThere(t *testing.T) {
	all := seed(900)
	node, s := cluster(t, all)
	file := export(t, "")
	asked := 0
	for _, d := range panels.Dashboards() {
		p := readPage(t, file, d.Title)
		for _, placed := range d.Placed() {
			asked++
			want := expected(t, all, d, placed.Panel)
			if len(want.Buckets) == 0 && len(want.Rows) == 0 && want.Number == 0 {
				t.Errorf("%s, %s: the seed shows nothing: it proves nothing", d.Title, placed.Panel.Title)
			}
			o, ok := p.panels[placed.Panel.Title]
			if !ok {
				t.Errorf("%s has no panel %q", d.Title, placed.Panel.Title)
				continue
			}
			if diff := gocmp.Diff(want, p.ask(t, node, o)); diff != "" {
				t.Errorf("%s, %s, in Kibana (-want +got):\n%s", d.Title, placed.Panel.Title, diff)
			}
			if placed.Panel.Kind == panels.Table {
				continue
			}
			if diff := gocmp.Diff(want, console(t, s, d, placed.Panel)); diff != "" {
				t.Errorf("%s, %s, in the console (-want +got):\n%s", d.Title, placed.Panel.Title, diff)
			}
		}
	}
	t.Logf("%d panels of %d dashboards asked, %d alerts", asked, len(panels.Dashboards()), len(all))
	if asked < 40 {
		t.Errorf("only %d panels were asked", asked)
	}
}

// console asks a panel as the console does.
func console(t *testing.T, s store.Store, d panels.Dashboard, p panels.Panel) shownBy {
	t.Helper()
	n, err := query.Parse(d.Query)
	if err != nil {
		t.Fatal(err)
	}
	a, err := p.Aggregation(store.Filter{Query: n}, barWidth)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Aggregate(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case p.Kind == panels.Tile && p.Measure == panels.CountAlerts:
		return shownBy{Number: int(got.Total)}
	case p.Kind == panels.Tile:
		return shownBy{Number: len(got.Buckets)}
	}
	var out shownBy
	for _, b := range got.Buckets {
		shown := bucket{Key: b.Key, Count: int(b.Count)}
		for _, at := range b.Times {
			if shown.Times == nil {
				shown.Times = map[string]int{}
			}
			shown.Times[at.Start.UTC().Format(time.RFC3339)] = int(at.Count)
		}
		out.Buckets = append(out.Buckets, shown)
	}
	return out
}

// A panel that asks something else shows something else: the comparison above can fail.
func TestPanelsThatAskOtherwiseAreFound(t *testing.T) {
	all := seed(900)
	node, _ := cluster(t, all)
	good := string(export(t, ""))
	for name, c := range map[string]struct{ dashboard, panel, old, new string }{
		"another field":      {"Amazon EC2", "Pie Chart", `"sourceField":"rule.description"`, `"sourceField":"rule.id"`},
		"another size":       {"Amazon EC2", "Pie Chart", `"size":5`, `"size":4`},
		"the rarest":         {"Amazon EC2", "Pie Chart", `"orderDirection":"desc"`, `"orderDirection":"asc"`},
		"time before groups": {"Armor overview", "Stacked Groups", `["values","time","count"]`, `["time","values","count"]`},
		"a lower level":      {"Armor overview", "Level 12 and above", `rule.level >= 12`, `rule.level >= 11`},
		"level 12 left out":  {"Armor overview", "Level 12 and above over time", `rule.level >= 12`, `rule.level > 12`},
		"another code":       {"AWS overview", "Refused calls", `\"AccessDenied\"`, `\"accessdenied\"`},
		"no filter":          {"Amazon EC2", "Regions", `{\"rule.groups\":\"amazon-ec2\"}`, `{\"rule.groups\":\"amazon\"}`},
		"filter turned":      {"Hosts", "Top agents", `\"negate\":true`, `\"negate\":false`},
		"oldest first":       {"Hosts", "Last alerts", `["@timestamp","desc"]`, `["@timestamp","asc"]`},
		"a column less":      {"Hosts", "Last alerts", `"agent.name",`, ``},
		"a field not there":  {"AWS overview", "API calls", `"sourceField":"event.action"`, `"sourceField":"event.acton"`},
		"a wrong reference":  {"AWS overview", "API calls", `"id":"armor-panel-api-calls","name"`, `"id":"armor-panel-regions","name"`},
	} {
		bad := strings.ReplaceAll(good, c.old, c.new)
		if bad == good {
			t.Errorf("%s: nothing is changed by %s", name, c.old)
			continue
		}
		d := panels.Dashboards()[slices.IndexFunc(panels.Dashboards(), func(d panels.Dashboard) bool { return d.Title == c.dashboard })]
		placed := d.Placed()
		panel := placed[slices.IndexFunc(placed, func(p panels.Placed) bool { return p.Panel.Title == c.panel })].Panel
		p := readPage(t, []byte(bad), c.dashboard)
		if gocmp.Equal(expected(t, all, d, panel), p.ask(t, node, p.panels[c.panel])) {
			t.Errorf("%s: the panel %s still shows what it should", name, c.panel)
		}
	}
}

// An index that was just made, with no alert in it, has every field of every panel, and Elasticsearch says itself that alerts can
// be counted by it: Kibana shows an error in a panel whose field is not there.
func TestEmptyIndexHasThePanelsFields(t *testing.T) {
	node, _ := cluster(t, nil)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPut, node+"/armor-alerts-2026.11", http.NoBody)
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	resp, err = http.Get(node + "/armor-alerts-*/_field_caps?fields=*")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var caps struct {
		Fields map[string]map[string]struct{ Aggregatable bool }
	}
	if err := json.NewDecoder(resp.Body).Decode(&caps); err != nil {
		t.Fatal(err)
	}
	countable := func(name string) bool {
		kinds, ok := caps.Fields[name]
		for _, k := range kinds {
			ok = ok && k.Aggregatable
		}
		return ok && len(kinds) == 1
	}
	for _, p := range panels.OfDashboards() {
		if p.Field != "" && !countable(p.Field) {
			t.Errorf("%s: %s: %+v", p.Title, p.Field, caps.Fields[p.Field])
		}
		for _, c := range p.Columns {
			if caps.Fields[c.Field] == nil {
				t.Errorf("%s: %s is not there", p.Title, c.Field)
			}
		}
	}
	if countable("full_log") || countable("rule.descriptoin") || countable("data.aws.eventName") {
		t.Error("the check does not see a text field, or one that is not there")
	}
}
