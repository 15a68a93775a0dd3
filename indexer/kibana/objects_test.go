package kibana_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"armor/indexer/kibana"
)

var update = flag.Bool("update", false, "write the golden file and the tables of docs/kibana.md")

// golden is the export as a file, to be looked at where it changes, and to be imported by hand.
const golden = "testdata/armor.ndjson"

func export(t testing.TB, space string) []byte {
	t.Helper()
	file, err := kibana.Export(space)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestExportIsSound(t *testing.T) {
	for _, space := range []string{"", "default", "soc"} {
		for _, p := range kibana.Check(export(t, space)) {
			t.Errorf("space %q: %v", space, p)
		}
	}
}

func TestExportIsTheGoldenFile(t *testing.T) {
	file := export(t, "")
	if *update {
		if err := os.WriteFile(golden, file, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(file, want) {
		t.Errorf("%s is not what the panels say: run go test ./indexer/kibana -update", golden)
	}
	if !bytes.Equal(file, export(t, "default")) {
		t.Error("the default space has another export than no space")
	}
}

// Kibana keeps an id to one space: another space's objects must not meet those of the default one.
func TestSpacesKeepApart(t *testing.T) {
	ids := map[string]bool{}
	for _, space := range []string{"", "soc"} {
		objects, err := kibana.Objects(space)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			if ids[o.Type+o.ID] {
				t.Errorf("%s %s is in two spaces", o.Type, o.ID)
			}
			ids[o.Type+o.ID] = true
		}
	}
}

// What the order and design ask for by name.
func TestNames(t *testing.T) {
	objects, err := kibana.Objects("")
	if err != nil {
		t.Fatal(err)
	}
	byType := map[string][]string{}
	for _, o := range objects {
		byType[o.Type] = append(byType[o.Type], o.Title())
		switch o.Title() {
		case "armor-alerts-*":
			if o.ID != "armor-alerts" || o.Attributes["timeFieldName"] != "@timestamp" {
				t.Errorf("data view %+v", o)
			}
		case "Amazon EC2":
			panels, _ := o.Attributes["panelsJSON"].(string)
			for _, title := range []string{"Pie Chart", "Stacked Groups", "Last alerts"} {
				if !strings.Contains(panels, `"title":"`+title+`"`) {
					t.Errorf("no panel %q in %s", title, panels)
				}
			}
			meta, _ := json.Marshal(o.Attributes["kibanaSavedObjectMeta"])
			if !strings.Contains(string(meta), `match_phrase\":{\"rule.groups\":\"amazon-ec2\"`) {
				t.Errorf("filter of Amazon EC2: %s", meta)
			}
		}
	}
	if want := []string{"Amazon EC2", "AWS overview", "Armor overview", "Hosts"}; !slices.Equal(byType["dashboard"], want) {
		t.Errorf("dashboards %q, want %q", byType["dashboard"], want)
	}
	if want := []string{"armor-alerts-*"}; !slices.Equal(byType["index-pattern"], want) {
		t.Errorf("data views %q, want %q", byType["index-pattern"], want)
	}
	if len(byType["tag"]) != 1 || len(byType["search"]) != 2 || len(byType["lens"]) < 20 {
		t.Errorf("%d tags, %d searches, %d charts", len(byType["tag"]), len(byType["search"]), len(byType["lens"]))
	}
	if objects[0].Type != "tag" || objects[1].Type != "index-pattern" {
		t.Errorf("the file begins with %s and %s", objects[0].Type, objects[1].Type)
	}
}
