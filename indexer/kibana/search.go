package kibana

import (
	"armor/indexer/field"
	"armor/indexer/panels"
)

// searchIndex is the name under which a search refers to its data view.
const searchIndex = "kibanaSavedObjectMeta.searchSourceJSON.index"

// searchObject is a list of alerts, newest first. Kibana shows the time of the data view by itself, as the first column.
func (n naming) searchObject(p panels.Panel, q string) Object {
	columns := []string{}
	for _, c := range p.Columns {
		if c.Field != field.Timestamp {
			columns = append(columns, c.Field)
		}
	}
	return n.newObject(typeSearch, n.panel(p), object{
		"title": libraryTitle(p), "description": "", "columns": columns, "sort": [][]string{{field.Timestamp, "desc"}},
		"grid": object{}, "hideChart": true,
		"kibanaSavedObjectMeta": object{"searchSourceJSON": text(object{
			"query": kuery(q), "filter": []any{}, "indexRefName": searchIndex,
		})},
	}, n.toDataView(searchIndex))
}
