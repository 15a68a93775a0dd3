package kibana_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"armor/indexer/panels"
)

const (
	doc      = "../../docs/kibana.md"
	docBegin = "<!-- panels: begin -->\n"
	docEnd   = "<!-- panels: end -->"
)

// The tables of docs/kibana.md are made of the panels.
func TestDocsShowThePanels(t *testing.T) {
	page, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), docBegin)
	shown, after, ok2 := strings.Cut(rest, docEnd)
	if !ok || !ok2 {
		t.Fatalf("%s lacks the marks of its tables", doc)
	}
	want := tables()
	if shown == want {
		return
	}
	if !*update {
		t.Fatalf("the tables of %s are not what the panels say: run go test ./indexer/kibana -run Docs -update", doc)
	}
	if err := os.WriteFile(doc, []byte(before+docBegin+want+docEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

func tables() string {
	var b strings.Builder
	for _, d := range panels.Dashboards() {
		filter := "No filter."
		if d.Query != "" {
			filter = "Filter: `" + d.Query + "`."
		}
		fmt.Fprintf(&b, "\n### %s\n%s %s\n\n| panel | form | shows | of |\n|---|---|---|---|\n", d.Title, d.Description, filter)
		for _, p := range d.Placed() {
			of := "all"
			if p.Panel.Query != "" {
				of = "`" + p.Panel.Query + "`"
			}
			form, shows := inWords(p.Panel)
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", p.Panel.Title, form, shows, of)
		}
	}
	return b.String() + "\n"
}

func inWords(p panels.Panel) (form, shows string) {
	switch p.Kind {
	case panels.Pie:
		return "pie", fmt.Sprintf("top %d `%s` by alerts", p.Size, p.Field)
	case panels.Stacked:
		return "bars over time, stacked", fmt.Sprintf("alerts by the top %d `%s` of the whole range", p.Size, p.Field)
	case panels.Bars:
		return "bars", fmt.Sprintf("top %d `%s` by alerts", p.Size, p.Field)
	case panels.Table:
		var columns []string
		for _, c := range p.Columns {
			columns = append(columns, "`"+c.Field+"`")
		}
		return "table", "newest first: " + strings.Join(columns, ", ")
	case panels.Tile:
		if p.Measure == panels.CountValues {
			return "number", fmt.Sprintf("different `%s`", p.Field)
		}
		return "number", "alerts"
	}
	return string(p.Kind), p.Field
}
