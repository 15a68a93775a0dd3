package panels

import (
	"strings"
	"testing"

	"armor/indexer/field"
	"armor/indexer/query"
)

func TestDashboardsAreFullGrids(t *testing.T) {
	titles := map[string]bool{}
	for _, d := range Dashboards() {
		if d.ID == "" || d.Description == "" || titles[d.Title] {
			t.Errorf("dashboard %+v", d)
		}
		titles[d.Title] = true
		for i, r := range d.Rows {
			width := 0
			for _, c := range r.Cells {
				width += c.Width
			}
			if width != GridColumns || r.Height < tileHeight {
				t.Errorf("%s: row %d is %d wide and %d high", d.Title, i, width, r.Height)
			}
		}
		seen := map[string]bool{}
		for _, p := range d.Placed() {
			if seen[p.Panel.Title] {
				t.Errorf("%s has two panels %q", d.Title, p.Panel.Title)
			}
			seen[p.Panel.Title] = true
		}
	}
	for _, want := range []string{"Amazon EC2", "AWS overview", "Armor overview", "Hosts"} {
		if !titles[want] {
			t.Errorf("no dashboard %q", want)
		}
	}
}

// The order asks for these by name.
func TestAmazonEC2(t *testing.T) {
	d := Dashboards()[0]
	if d.Title != "Amazon EC2" || d.Query != "rule.groups:amazon-ec2" {
		t.Errorf("%q with filter %q", d.Title, d.Query)
	}
	var titles []string
	for _, p := range d.Placed() {
		titles = append(titles, p.Panel.Title)
	}
	want := "Pie Chart, Stacked Groups, Accounts, Regions, Users, Source addresses, Refused calls over time, Last alerts"
	if got := strings.Join(titles, ", "); got != want {
		t.Errorf("panels %s\nwant   %s", got, want)
	}
}

func TestPanelsOfDashboards(t *testing.T) {
	byID := map[string]string{}
	for _, p := range append(OfDashboards(), Console()...) {
		if title, ok := byID[p.ID]; ok && title != p.Title {
			t.Errorf("panel id %s stands for %q and %q", p.ID, title, p.Title)
		}
		byID[p.ID] = p.Title
		checkAggregation(t, p)
		if p.Kind == Table != (len(p.Columns) > 0) || p.Kind != Table && p.Kind != Tile && (p.Field == "" || p.Size == 0) {
			t.Errorf("%s: not a whole panel: %+v", p.Title, p)
		}
	}
	for _, d := range Dashboards() {
		if _, err := query.Parse(d.Query); err != nil {
			t.Errorf("%s: %v", d.Title, err)
		}
	}
	if f := field.Of(field.AWSErrorCode); f.Limit != field.DataLimit {
		t.Errorf("%s is indexed up to %d characters: what was stored before has %d", f.Name, f.Limit, field.DataLimit)
	}
}
