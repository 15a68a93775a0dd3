// Package panels defines the panels that people look at, once: the console and Kibana's dashboards draw the same
// questions, so the two cannot disagree.
package panels

import (
	"armor/indexer/field"
	"armor/indexer/store"
)

// Kind is the form of a panel.
type Kind string

const (
	// Pie is a full pie of the most frequent values of a field.
	Pie Kind = "pie"
	// Stacked is a bar chart over time, each bar stacked by the most frequent values of a field in the whole range.
	Stacked Kind = "stacked"
	// Bars is a bar for each of the most frequent values of a field.
	Bars Kind = "bars"
	// Table is a list of the newest alerts.
	Table Kind = "table"
	// Tile is a single number.
	Tile Kind = "tile"
)

// Measure is what a tile counts.
type Measure string

const (
	// CountAlerts counts the alerts.
	CountAlerts Measure = "alerts"
	// CountValues counts the different values of the field.
	CountValues Measure = "values"
	// PerSecond is the alerts per second of the range.
	PerSecond Measure = "per_second"
)

// Panel is one panel.
type Panel struct {
	// ID is short and stable, for addresses and saved objects.
	ID string `json:"id"`
	// Title as shown.
	Title string `json:"title"`
	// Kind of the panel.
	Kind Kind `json:"kind"`
	// Field that alerts are counted by; empty for a table and most tiles.
	Field string `json:"field,omitempty"`
	// Size is the number of values or of rows.
	Size int `json:"size,omitempty"`
	// Query narrows the alerts, in the query language; empty: all.
	Query string `json:"query,omitempty"`
	// Measure of a tile.
	Measure Measure `json:"measure,omitempty"`
	// Columns of a table.
	Columns []Column `json:"columns,omitempty"`
}

// Column is a column of a table.
type Column struct {
	// Title as shown.
	Title string `json:"title"`
	// Field of the document.
	Field string `json:"field"`
}

// PieChart shows the five most frequent rule descriptions.
func PieChart() Panel {
	return Panel{ID: "pie-chart", Title: "Pie Chart", Kind: Pie, Field: field.Description, Size: 5}
}

// StackedGroups shows alerts over time by the five most frequent rule groups of the whole range. An alert in two
// groups counts in both.
func StackedGroups() Panel {
	return Panel{ID: "stacked-groups", Title: "Stacked Groups", Kind: Stacked, Field: field.Groups, Size: 5}
}

// LastAlerts lists the newest alerts.
func LastAlerts() Panel {
	return Panel{ID: "last-alerts", Title: "Last alerts", Kind: Table, Size: 50, Columns: []Column{
		{"Time", field.Timestamp},
		{"Agent", field.AgentName},
		{"Rule", field.RuleID},
		{"Level", field.Level},
		{"Description", field.Description},
		{"Groups", field.Groups},
		{"Full log", field.FullLog},
	}}
}

// maxDistinct is how many values a tile counts one by one.
const maxDistinct = store.MaxValues

// Tiles are the numbers at the top.
func Tiles() []Panel {
	return []Panel{
		alertsTile(),
		highLevelTile(),
		agentsTile(),
		{ID: "rate", Title: "Alerts per second", Kind: Tile, Measure: PerSecond},
	}
}

// Console lists the panels of the console's page, in order.
func Console() []Panel {
	return append(Tiles(), PieChart(), StackedGroups(), LastAlerts())
}
