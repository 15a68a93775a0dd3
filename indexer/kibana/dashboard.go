package kibana

import (
	"fmt"
	"strconv"

	"armor/indexer/panels"
	"armor/indexer/query"
)

// dashboardObject is a page of panels by reference. It leaves the time range as the person has set it.
func (n naming) dashboardObject(d panels.Dashboard) (Object, error) {
	node, err := query.Parse(d.Query)
	if err != nil {
		return Object{}, err
	}
	var references []Reference
	filters := []any{}
	if _, all := node.(query.All); !all {
		name := fmt.Sprintf("kibanaSavedObjectMeta.searchSourceJSON.filter[%d].meta.index", len(filters))
		f, err := pill(node, name)
		if err != nil {
			return Object{}, err
		}
		filters = append(filters, f)
		references = append(references, n.toDataView(name))
	}
	var shown []object
	for i, p := range d.Placed() {
		index := strconv.Itoa(i + 1)
		kind := typeLens
		if p.Panel.Kind == panels.Table {
			kind = typeSearch
		}
		shown = append(shown, object{
			"version": authored, "type": kind, "panelIndex": index, "panelRefName": "panel_" + index,
			"title":            p.Panel.Title, // its own: the object in the library has a longer one
			"gridData":         object{"x": p.X, "y": p.Y, "w": p.Width, "h": p.Height, "i": index},
			"embeddableConfig": object{"enhancements": object{}, "hidePanelTitles": false},
		})
		references = append(references, Reference{ID: n.panel(p.Panel), Name: index + ":panel_" + index, Type: kind})
	}
	return n.newObject(typeDashboard, n.dashboard(d), object{
		"title": d.Title, "description": d.Description, "hits": 0, "version": 1, "timeRestore": false,
		"optionsJSON":           text(object{"useMargins": true, "syncColors": true, "hidePanelTitles": false}),
		"panelsJSON":            text(shown),
		"kibanaSavedObjectMeta": object{"searchSourceJSON": text(object{"query": kuery(""), "filter": filters})},
	}, references...), nil
}
