package kibana

import (
	"fmt"
	"slices"

	"armor/indexer/panels"
)

// place of a panel on a dashboard.
type place struct {
	X int    `json:"x"`
	Y int    `json:"y"`
	W int    `json:"w"`
	H int    `json:"h"`
	I string `json:"i"`
}

func (p place) overlaps(q place) bool {
	return p.X < q.X+q.W && q.X < p.X+p.W && p.Y < q.Y+q.H && q.Y < p.Y+p.H
}

// shownPanel is a panel of a dashboard.
type shownPanel struct {
	Version      string `json:"version"`
	Type         string `json:"type"`
	PanelIndex   string `json:"panelIndex"`
	PanelRefName string `json:"panelRefName"`
	Title        string `json:"title"`
	GridData     place  `json:"gridData"`
}

func (c *checker) checkDashboard(o Object) {
	c.source(o)
	var options map[string]any
	c.embedded(o.Attributes, "optionsJSON", &options)
	var all []shownPanel
	if !c.embedded(o.Attributes, "panelsJSON", &all) {
		return
	}
	if len(all) == 0 {
		c.bad("no panels")
	}
	titles, indices := map[string]bool{}, map[string]bool{}
	for i, p := range all {
		g := p.GridData
		switch {
		case p.Title == "":
			c.bad("panel %s has no title of its own", p.PanelIndex)
		case titles[p.Title]:
			c.bad("two panels are called %q", p.Title)
		}
		titles[p.Title] = true
		if p.PanelIndex == "" || g.I != p.PanelIndex || indices[p.PanelIndex] {
			c.bad("panel %q has the index %q and %q in the grid: both must be the same, and no other panel's", p.Title, p.PanelIndex, g.I)
		}
		indices[p.PanelIndex] = true
		if p.Version != authored {
			c.bad("panel %q is of version %q, want %s", p.Title, p.Version, authored)
		}
		if g.X < 0 || g.Y < 0 || g.W < 1 || g.H < 1 || g.X+g.W > panels.GridColumns {
			c.bad("panel %q lies outside of the grid: %+v", p.Title, g)
		}
		if j := slices.IndexFunc(all[:i], func(q shownPanel) bool { return q.GridData.overlaps(g) }); j >= 0 {
			c.bad("panels %q and %q overlap", all[j].Title, p.Title)
		}
		c.use(o, fmt.Sprintf("%s:%s", p.PanelIndex, p.PanelRefName), p.Type)
	}
}
