package kibana

import "slices"

// lensState is the part of a chart that is checked.
type lensState struct {
	Datasource struct {
		ByIndex struct {
			Layers map[string]lensLayer `json:"layers"`
		} `json:"indexpattern"`
	} `json:"datasourceStates"`
	Visualization struct {
		Accessor string     `json:"accessor"`
		LayerID  string     `json:"layerId"`
		Layers   []lensDraw `json:"layers"`
	} `json:"visualization"`
	Query kibanaQuery `json:"query"`
}

// lensLayer is the question that a chart asks.
type lensLayer struct {
	Columns map[string]lensColumn `json:"columns"`
	Order   []string              `json:"columnOrder"`
}

type lensColumn struct {
	Operation string `json:"operationType"`
	Field     string `json:"sourceField"`
	DataType  string `json:"dataType"`
	Bucketed  bool   `json:"isBucketed"`
	Params    struct {
		Size     int    `json:"size"`
		Interval string `json:"interval"`
		OrderBy  struct {
			ColumnID string `json:"columnId"`
		} `json:"orderBy"`
		Direction string `json:"orderDirection"`
	} `json:"params"`
}

// lensDraw is how a chart draws a layer.
type lensDraw struct {
	LayerID   string   `json:"layerId"`
	Groups    []string `json:"groups"`
	Metric    string   `json:"metric"`
	Accessors []string `json:"accessors"`
	X         string   `json:"xAccessor"`
	Split     string   `json:"splitAccessor"`
}

// columns that a drawing names.
func (d lensDraw) columns() []string {
	return slices.DeleteFunc(slices.Concat(d.Groups, d.Accessors, []string{d.Metric, d.X, d.Split}), func(s string) bool { return s == "" })
}

func (c *checker) checkLens(o Object) {
	var s lensState
	if !c.as("the chart", o.Attributes["state"], &s) {
		return
	}
	c.checkQuery(s.Query)
	c.use(o, "indexpattern-datasource-current-indexpattern", typeDataView)
	layers := s.Datasource.ByIndex.Layers
	if len(layers) == 0 {
		c.bad("the chart asks nothing: Kibana 8.0 looks for its layers under indexpattern")
	}
	for id, layer := range layers {
		c.use(o, layerReference+id, typeDataView)
		c.checkLayer(layer)
	}
	drawn := s.Visualization.Layers
	if s.Visualization.LayerID != "" {
		drawn = append(drawn, lensDraw{LayerID: s.Visualization.LayerID, Metric: s.Visualization.Accessor})
	}
	if len(drawn) == 0 {
		c.bad("the chart draws nothing")
	}
	for _, d := range drawn {
		layer, ok := layers[d.LayerID]
		if !ok {
			c.bad("the chart draws layer %q, which is not there", d.LayerID)
			continue
		}
		names := d.columns()
		for id := range layer.Columns {
			if !slices.Contains(names, id) {
				c.bad("column %s is not drawn", id)
			}
		}
		for _, id := range names {
			if _, ok := layer.Columns[id]; !ok {
				c.bad("the chart draws column %q, which is not there", id)
			}
		}
	}
}

func (c *checker) checkLayer(layer lensLayer) {
	for _, id := range layer.Order {
		if _, ok := layer.Columns[id]; !ok {
			c.bad("columnOrder names column %q, which is not there", id)
		}
	}
	if len(layer.Order) != len(layer.Columns) {
		c.bad("columnOrder has %d columns of %d", len(layer.Order), len(layer.Columns))
	}
	for id, column := range layer.Columns {
		switch column.Operation {
		case "count":
			if column.Field != "Records" {
				c.bad("column %s counts %q: in Kibana 8.0 a count is over Records", id, column.Field)
			}
		case "unique_count":
			c.checkField(column.Field, counted)
		case "date_histogram":
			c.checkField(column.Field, overTime)
			if column.Params.Interval == "" {
				c.bad("column %s has no interval", id)
			}
		case "terms":
			c.checkField(column.Field, counted)
			if column.DataType != dataType(column.Field) {
				c.bad("column %s is a %s, and field %s is a %s", id, column.DataType, column.Field, dataType(column.Field))
			}
			if column.Params.Size < 1 {
				c.bad("column %s has no size", id)
			}
			if by, ok := layer.Columns[column.Params.OrderBy.ColumnID]; !ok || by.Operation != "count" {
				c.bad("column %s is ordered by %q, which is not the count", id, column.Params.OrderBy.ColumnID)
			}
		default:
			c.bad("column %s does %q, which is none of Armor's", id, column.Operation)
		}
	}
}
