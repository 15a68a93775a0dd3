package template

import (
	"encoding/json"
	"strings"
	"testing"

	"armor/indexer/field"
	"armor/indexer/panels"
	"armor/indexer/store"
)

// typeOf finds the type that the mappings give a field.
func typeOf(t *testing.T, mappings object, name string) object {
	t.Helper()
	m := mappings
	for name != "" {
		if sub, ok := m["fields"].(object); ok {
			m = sub[name].(object)
			break
		}
		properties, ok := m["properties"].(object)
		if !ok {
			return nil
		}
		first, rest, _ := strings.Cut(name, ".")
		next, ok := properties[first].(object)
		if !ok {
			return nil
		}
		m, name = next, rest
	}
	return m
}

func TestEveryFieldIsMappedByItsKind(t *testing.T) {
	mappings := Mappings()
	want := map[field.Kind]string{field.Keyword: "keyword", field.Number: "long", field.Boolean: "boolean", field.Time: "date", field.Address: "ip", field.Text: "text"}
	for _, f := range field.Named() {
		m := typeOf(t, mappings, f.Name)
		if m == nil || m["type"] != want[f.Kind] || Type(f.Name) != want[f.Kind] {
			t.Errorf("%s: %v, %s, want type %s", f.Name, m, Type(f.Name), want[f.Kind])
		}
		if f.Kind == field.Keyword && m["ignore_above"] != f.Limit {
			t.Errorf("%s: %v, want ignore_above %d", f.Name, m, f.Limit)
		}
	}
	for _, root := range field.FlattenedRoots() {
		if m := typeOf(t, mappings, root); m["type"] != "flattened" {
			t.Errorf("%s: %v", root, m)
		}
	}
	if m := typeOf(t, mappings, "unmapped_data"); m["enabled"] != false {
		t.Errorf("unmapped_data: %v", m)
	}
}

func TestTemplate(t *testing.T) {
	one := 1
	for _, strict := range []bool{false, true} {
		var got struct {
			Patterns []string `json:"index_patterns"`
			Priority int      `json:"priority"`
			Meta     struct {
				Armor struct {
					Period string `json:"index_period"`
				} `json:"armor"`
			} `json:"_meta"`
			Template struct {
				Aliases  map[string]any `json:"aliases"`
				Settings struct {
					Index struct {
						Replicas int `json:"number_of_replicas"`
						Mapping  struct {
							Total struct {
								Limit  int  `json:"limit"`
								Ignore bool `json:"ignore_dynamic_beyond_limit"`
							} `json:"total_fields"`
						} `json:"mapping"`
					} `json:"index"`
				} `json:"settings"`
				Mappings map[string]any `json:"mappings"`
			} `json:"template"`
		}
		if err := json.Unmarshal(JSON(Settings{Period: store.Week, Replicas: &one, StrictFieldLimit: strict}), &got); err != nil {
			t.Fatal(err)
		}
		total := got.Template.Settings.Index.Mapping.Total
		if got.Priority != 500 || got.Patterns[0] != "armor-alerts-*" || got.Meta.Armor.Period != "week" || total.Limit != 1000 || total.Ignore == strict ||
			got.Template.Settings.Index.Replicas != 1 || got.Template.Aliases["armor-alerts"] == nil ||
			got.Template.Mappings["date_detection"] != false || got.Template.Mappings["numeric_detection"] != false {
			t.Errorf("%+v", got)
		}
	}
}

// Every field that a panel uses exists and can be counted by.
func TestPanelsUseMappedFields(t *testing.T) {
	mappings := Mappings()
	for _, p := range append(panels.Console(), panels.OfDashboards()...) {
		if p.Field != "" {
			if m := typeOf(t, mappings, p.Field); m == nil || m["type"] == "text" || !field.Of(p.Field).Countable() {
				t.Errorf("panel %s counts by %s: %v", p.Title, p.Field, m)
			}
		}
		for _, c := range p.Columns {
			if m := typeOf(t, mappings, c.Field); m == nil {
				t.Errorf("panel %s shows %s, which is not mapped", p.Title, c.Field)
			}
		}
	}
}

func TestType(t *testing.T) {
	for name, want := range map[string]string{
		"rule": "object", "data.aws": "object", "unmapped_data": "object", "data.aws.requestParameters": "flattened",
		"data.aws.requestParameters.a.b": "flattened", "agent.labels.x": "flattened", "rule.description.text": "text",
		"rule.description.words": "", "rule.nothing": "", "data.aws.nothing": "", "": "", "rule.id.x": "", "nothing": "", ".": "",
	} {
		if got := Type(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
