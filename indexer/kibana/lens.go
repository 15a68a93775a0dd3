package kibana

import (
	"fmt"

	"armor/indexer/field"
	"armor/indexer/panels"
)

// Names of the one layer of a panel and of its columns.
const (
	layerID    = "alerts"
	countID    = "count"
	valuesID   = "values"
	timeID     = "time"
	distinctID = "distinct"
)

// lensObject is a chart or a number.
func (n naming) lensObject(p panels.Panel, q string) (Object, error) {
	var (
		order         []string
		visualization object
		kind          string
		count         = countID
		counted       = "Alerts"
	)
	if p.Kind == panels.Tile {
		counted = p.Title // a number shows its label
	}
	columns := object{countID: object{
		"label": counted, "customLabel": true, "dataType": "number", "operationType": "count", "isBucketed": false,
		"scale": "ratio", "sourceField": "Records",
	}}
	switch p.Kind {
	case panels.Pie:
		order, kind = []string{valuesID, countID}, "lnsPie"
		visualization = object{"shape": "pie", "layers": []object{{
			"layerId": layerID, "layerType": "data", "groups": []string{valuesID}, "metric": countID,
			"numberDisplay": "percent", "categoryDisplay": "default", "legendDisplay": "show", "nestedLegend": false,
		}}}
	case panels.Stacked:
		// The values stand before the time: they are then the most frequent ones of the whole range, not of each bar.
		order, kind = []string{valuesID, timeID, countID}, "lnsXY"
		columns[timeID] = object{
			"label": field.Timestamp, "dataType": "date", "operationType": "date_histogram", "isBucketed": true,
			"scale": "interval", "sourceField": field.Timestamp, "params": object{"interval": "auto"},
		}
		visualization = xy("bar_stacked", object{"xAccessor": timeID, "splitAccessor": valuesID})
	case panels.Bars:
		order, kind = []string{valuesID, countID}, "lnsXY"
		visualization = xy("bar_horizontal", object{"xAccessor": valuesID})
	case panels.Tile:
		kind = "lnsMetric"
		switch p.Measure {
		case panels.CountAlerts:
		case panels.CountValues:
			count = distinctID
			columns = object{distinctID: object{
				"label": counted, "customLabel": true, "dataType": "number", "operationType": "unique_count", "isBucketed": false,
				"scale": "ratio", "sourceField": p.Field,
			}}
		default:
			return Object{}, fmt.Errorf("a tile of %s has no form in Kibana", p.Measure)
		}
		order = []string{count}
		visualization = object{"layerId": layerID, "layerType": "data", "accessor": count}
	default:
		return Object{}, fmt.Errorf("a panel of kind %s has no form in Kibana", p.Kind)
	}
	if p.Kind != panels.Tile {
		columns[valuesID] = object{
			"label": "Top values of " + p.Field, "customLabel": true, "dataType": dataType(p.Field), "operationType": "terms", "isBucketed": true,
			"scale": "ordinal", "sourceField": p.Field, "params": object{
				"size": p.Size, "orderBy": object{"type": "column", "columnId": countID}, "orderDirection": "desc",
				"otherBucket": false, "missingBucket": false,
			},
		}
	}
	return n.newObject(typeLens, n.panel(p), object{
		"title": libraryTitle(p), "description": "", "visualizationType": kind,
		"state": object{
			"datasourceStates": object{"indexpattern": object{"layers": object{layerID: object{
				"columns": columns, "columnOrder": order, "incompleteColumns": object{},
			}}}},
			"visualization": visualization, "query": kuery(q), "filters": []any{},
		},
	}, n.toDataView("indexpattern-datasource-current-indexpattern"), n.toDataView(layerReference+layerID)), nil
}

// layerReference begins the name under which a chart's layer refers to its data view.
const layerReference = "indexpattern-datasource-layer-"

// xy is a bar chart of the counts.
func xy(series string, layer object) object {
	sides := func(x, yLeft, yRight any) object { return object{"x": x, "yLeft": yLeft, "yRight": yRight} }
	layer["layerId"], layer["layerType"], layer["accessors"] = layerID, "data", []string{countID}
	layer["seriesType"], layer["position"], layer["showGridlines"] = series, "top", false
	stacked := series == "bar_stacked"
	return object{
		"legend": object{"isVisible": stacked, "position": "right"}, "valueLabels": "hide", "fittingFunction": "None",
		"axisTitlesVisibilitySettings": sides(false, stacked, true), "tickLabelsVisibilitySettings": sides(true, true, true),
		"labelsOrientation": sides(0, 0, 0), "gridlinesVisibilitySettings": sides(true, true, true),
		"preferredSeriesType": series, "layers": []object{layer},
	}
}

// dataType is Kibana's name of the kind of a field.
func dataType(name string) string {
	switch field.Of(name).Kind {
	case field.Number:
		return "number"
	case field.Boolean:
		return "boolean"
	case field.Time:
		return "date"
	case field.Address:
		return "ip"
	}
	return "string"
}
