package kibana_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"armor/indexer/kibana"
)

// Every check has a file that it finds fault with: the export, with one thing changed.
func TestEveryCheckCanFail(t *testing.T) {
	good := string(export(t, ""))
	// change gives the line of an object with one thing replaced; the object must have it.
	change := func(id, old, changed string) func(t *testing.T) string {
		return func(t *testing.T) string {
			var b strings.Builder
			done := false
			for line := range strings.Lines(good) {
				if strings.Contains(line, `"id":"`+id+`","migrationVersion"`) {
					if !strings.Contains(line, old) {
						t.Fatalf("%s has no %s:\n%s", id, old, line)
					}
					line, done = strings.Replace(line, old, changed, 1), true
				}
				b.WriteString(line)
			}
			if !done {
				t.Fatalf("no object %s", id)
			}
			return b.String()
		}
	}
	whole := func(file string) func(*testing.T) string { return func(*testing.T) string { return file } }
	first, rest, _ := strings.Cut(good, "\n")
	const (
		pie, stacked, tile    = "armor-panel-pie-chart", "armor-panel-stacked-groups", "armor-panel-agents"
		table, ec2, tag, view = "armor-panel-last-alerts", "armor-dashboard-amazon-ec2", "armor-tag", "armor-alerts"
	)
	for name, c := range map[string]struct {
		file func(*testing.T) string
		want string
	}{
		"empty":                      {whole(""), "does not end with a line end"},
		"no last line end":           {whole(strings.TrimSuffix(good, "\n")), "does not end with a line end"},
		"blank line":                 {whole(first + "\n\n" + rest), "line 2: not one JSON object"},
		"two objects on a line":      {whole(first + " " + rest), "line 1: not one JSON object"},
		"an array":                   {whole(good + "[]\n"), "not one JSON object"},
		"null":                       {whole(good + "null\n"), "not one JSON object"},
		"another form":               {whole(good + `{"id":7}` + "\n"), "not a saved object"},
		"twice":                      {whole(good + first + "\n"), "the id is there twice"},
		"export details":             {whole(good + `{"exportedCount":1}` + "\n"), `type "" is none of`},
		"unknown type":               {change(tag, `"type":"tag"`, `"type":"visualization"`), `type "visualization" is none of`},
		"changing id":                {change(table, `"id":"`+table+`"`, `"id":"2f1c7d10-1e6f-11ee-be56-0242ac120002"`), "is not one of Armor's"},
		"no title":                   {change(view, `"title":"armor-alerts-*"`, `"title":""`), "no title"},
		"volatile":                   {change(tag, `"type":"tag"`, `"type":"tag","updated_at":"2026-01-01T00:00:00Z"`), "updated_at belongs to the Kibana"},
		"new kind of version":        {change(tag, `"type":"tag"`, `"type":"tag","typeMigrationVersion":"8.0.0"`), "typeMigrationVersion is unknown"},
		"later core":                 {change(pie, `"coreMigrationVersion":"8.0.0"`, `"coreMigrationVersion":"8.8.0"`), `coreMigrationVersion is "8.8.0"`},
		"later form":                 {change(pie, `{"lens":"8.0.0"}`, `{"lens":"8.9.0"}`), "migrationVersion is map[lens:8.9.0]"},
		"form of another type":       {change(pie, `{"lens":"8.0.0"}`, `{"map":"8.0.0"}`), "migrationVersion is map[map:8.0.0]"},
		"reference outside":          {change(pie, `"references":[{"id":"armor-alerts"`, `"references":[{"id":"logs"`), "leads to index-pattern logs, which is not in the file"},
		"reference missing":          {change(pie, `"name":"indexpattern-datasource-layer-alerts"`, `"name":"indexpattern-datasource-layer-x"`), "there is no reference indexpattern-datasource-layer-alerts"},
		"reference unused":           {change(pie, `"name":"indexpattern-datasource-layer-alerts"`, `"name":"other"`), "reference other is used by nothing"},
		"reference twice":            {change(pie, `"name":"indexpattern-datasource-layer-alerts"`, `"name":"indexpattern-datasource-current-indexpattern"`), "is there twice"},
		"reference of another type":  {change(ec2, `"name":"1:panel_1","type":"lens"`, `"name":"1:panel_1","type":"search"`), "reference 1:panel_1 is a search, want a lens"},
		"data view of others":        {change(view, `armor-alerts-*`, `logs-*`), "the data view is over logs-*"},
		"data view without time":     {change(view, `"timeFieldName":"@timestamp"`, `"timeFieldName":"rule.id"`), "rule.id is of type keyword, and a time is wanted"},
		"data view, broken string":   {change(view, `"fields":"[]"`, `"fields":"["`), "fields does not parse"},
		"data view, no string":       {change(view, `"fields":"[]"`, `"fields":[]`), "fields is not JSON in a string"},
		"unmapped field":             {change(pie, `"sourceField":"rule.description"`, `"sourceField":"rule.descriptoin"`), "rule.descriptoin is not in the index template"},
		"text field":                 {change(pie, `"sourceField":"rule.description"`, `"sourceField":"full_log"`), "full_log is of type text: alerts cannot be counted by it"},
		"object field":               {change(pie, `"sourceField":"rule.description"`, `"sourceField":"rule"`), "rule is of type object"},
		"histogram over no time":     {change(stacked, `"sourceField":"@timestamp"`, `"sourceField":"rule.level"`), "rule.level is of type long, and a time is wanted"},
		"no interval":                {change(stacked, `"interval":"auto"`, `"interval":""`), "column time has no interval"},
		"another kind of field":      {change(stacked, `"dataType":"string"`, `"dataType":"number"`), "column values is a number, and field rule.groups is a string"},
		"no size":                    {change(pie, `"size":5`, `"size":0`), "column values has no size"},
		"order by nothing":           {change(pie, `"columnId":"count"`, `"columnId":"x"`), `column values is ordered by "x"`},
		"unknown operation":          {change(tile, `"operationType":"unique_count"`, `"operationType":"median"`), `column distinct does "median"`},
		"count of later Kibanas":     {change(pie, `"sourceField":"Records"`, `"sourceField":"___records___"`), "in Kibana 8.0 a count is over Records"},
		"unique count of text":       {change(tile, `"sourceField":"agent.id"`, `"sourceField":"full_log"`), "full_log is of type text"},
		"column order too short":     {change(pie, `"columnOrder":["values","count"]`, `"columnOrder":["values"]`), "columnOrder has 1 columns of 2"},
		"column order too long":      {change(pie, `"columnOrder":["values","count"]`, `"columnOrder":["values","x"]`), `columnOrder names column "x"`},
		"draws what is not there":    {change(pie, `"groups":["values"]`, `"groups":["valuse"]`), `the chart draws column "valuse"`},
		"does not draw":              {change(stacked, `"splitAccessor":"values"`, `"splitAccessor":""`), "column values is not drawn"},
		"draws another layer":        {change(stacked, `"layerId":"alerts"`, `"layerId":"x"`), `the chart draws layer "x"`},
		"draws nothing":              {change(tile, `"layerId":"alerts"`, `"layerId":""`), "the chart draws nothing"},
		"layers of later Kibanas":    {change(pie, `"indexpattern":{`, `"formBased":{`), "the chart asks nothing"},
		"state in a string":          {change(pie, `"state":{`, `"state":"{}","x":{`), "the chart has another form"},
		"query in another language":  {change(pie, `"language":"kuery"`, `"language":"lucene"`), `language is "lucene"`},
		"query on an unmapped field": {change("armor-panel-refused-calls", `data.aws.errorCode: \"AccessDenied\"`, `data.aws.errorcode: \"AccessDenied\"`), "data.aws.errorcode is not in the index template"},
		"range on an unmapped field": {change("armor-panel-high-level", `rule.level >= 12`, `rule.lvl >= 12`), "rule.lvl is not in the index template"},
		"query that is not closed":   {change("armor-panel-refused-calls", `\"AccessDenied\"`, `\"AccessDenied`), "is not closed"},
		"table without columns":      {change(table, `"columns":["agent.name","rule.id","rule.level","rule.description","rule.groups","full_log"]`, `"columns":[]`), "no columns"},
		"table, unmapped column":     {change(table, `"agent.name"`, `"agent.nmae"`), "agent.nmae is not in the index template"},
		"table, unsorted":            {change(table, `"sort":[["@timestamp","desc"]]`, `"sort":[]`), "not sorted"},
		"table, sorted by text":      {change(table, `"sort":[["@timestamp","desc"]]`, `"sort":[["full_log","desc"]]`), "full_log is of type text"},
		"table, sorted nowhere":      {change(table, `"sort":[["@timestamp","desc"]]`, `"sort":[["@timestamp","down"]]`), "is not a field and a direction"},
		"table, another form":        {change(table, `"sort":[["@timestamp","desc"]]`, `"sort":"@timestamp"`), "the list has another form"},
		"table, broken source":       {change(table, `"searchSourceJSON":"{`, `"searchSourceJSON":"`), "searchSourceJSON does not parse"},
		"table, no reference":        {change(table, `indexRefName\":\"kibanaSavedObjectMeta.searchSourceJSON.index`, `indexRefName\":\"x`), "there is no reference x"},
		"filter by index id":         {change(ec2, `{\"alias\":null`, `{\"index\":\"f00\",\"alias\":null`), "a filter names the data view f00 itself"},
		"filter without reference":   {change(ec2, `filter[0].meta.index\"`, `filter[1].meta.index\"`), "there is no reference kibanaSavedObjectMeta.searchSourceJSON.filter[1]"},
		"filter asks otherwise":      {change(ec2, `\"key\":\"rule.groups\"`, `\"key\":\"rule.id\"`), "the filter on rule.id asks for something else"},
		"panels that do not parse":   {change(ec2, `"panelsJSON":"[`, `"panelsJSON":"`), "panelsJSON does not parse"},
		"no panels":                  {change(ec2, `"panelsJSON":"[`, `"panelsJSON":"[]","x":"[`), "no panels"},
		"options":                    {change(ec2, `"optionsJSON":"{`, `"optionsJSON":"`), "optionsJSON does not parse"},
		"panel without title":        {change(ec2, `\"title\":\"Pie Chart\"`, `\"title\":\"\"`), "has no title of its own"},
		"two of one title":           {change(ec2, `\"title\":\"Pie Chart\"`, `\"title\":\"Regions\"`), `two panels are called "Regions"`},
		"overlap":                    {change(ec2, `\"w\":16,\"x\":0`, `\"w\":17,\"x\":0`), `panels "Pie Chart" and "Stacked Groups" overlap`},
		"outside of the grid":        {change(ec2, `\"w\":32,\"x\":16`, `\"w\":33,\"x\":16`), `panel "Stacked Groups" lies outside of the grid`},
		"index twice":                {change(ec2, `\"panelIndex\":\"2\"`, `\"panelIndex\":\"1\"`), `panel "Stacked Groups" has the index "1" and "2"`},
		"panel of a later Kibana":    {change(ec2, `\"version\":\"8.0.0\"`, `\"version\":\"8.12.2\"`), `is of version "8.12.2"`},
		"absolute time":              {change(ec2, `"timeRestore":false`, `"timeRestore":true,"timeFrom":"2026-11-01T00:00:00Z"`), "an absolute time: 2026-11-01T00:00"},
		"time that is not relative":  {change(ec2, `"timeRestore":false`, `"timeRestore":true,"timeFrom":"1700000000000"`), "not relative to now"},
	} {
		t.Run(name, func(t *testing.T) {
			var all []string
			for _, p := range kibana.Check([]byte(c.file(t))) {
				all = append(all, p.String())
			}
			if !strings.Contains(strings.Join(all, "\n"), c.want) {
				t.Errorf("found %q, want %q", all, c.want)
			}
		})
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(export(f, ""))
	f.Add([]byte(`{"type":"dashboard","id":"armor-x","attributes":{"panelsJSON":"[{}]","kibanaSavedObjectMeta":7}}` + "\n"))
	f.Add([]byte(`{"type":"lens","attributes":{"state":{"visualization":{"layers":[{}]}}}}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, p := range kibana.Check(file) {
			if p.Message == "" || p.String() == "" {
				t.Errorf("%+v", p)
			}
		}
	})
}

// Broken files give problems and never a panic, wherever they are broken.
func TestCheckOfBrokenFiles(t *testing.T) {
	good := export(t, "")
	r := rand.New(rand.NewPCG(3, 5))
	for range 60 {
		file := bytes.Clone(good)
		for range 1 + r.IntN(40) {
			file[r.IntN(len(file))] = `{}[]",:0atn\`[r.IntN(12)]
		}
		for _, p := range kibana.Check(file[:r.IntN(len(file))]) {
			if p.Message == "" || p.String() == "" {
				t.Errorf("%+v", p)
			}
		}
	}
}
