package console

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"armor/indexer/panels"
	"armor/indexer/query"
	"armor/indexer/store"
)

// boardName names a dashboard in the list.
type boardName struct {
	ID          string `json:"id"`
	Title       string `json:"title"`
	Description string `json:"description"`
}

// board is a dashboard with the figures of its panels. Tables are left out: the page has one of its own.
type board struct {
	boardName
	Total uint64       `json:"total"`
	Rows  [][]boardBox `json:"rows"`
}

// boardBox is one panel with its figures: Values of a pie, Times of stacked bars, Number of a tile.
type boardBox struct {
	ID    string      `json:"id"`
	Title string      `json:"title"`
	Kind  panels.Kind `json:"kind"`
	Field string      `json:"field"`
	Width int         `json:"width"` // of panels.GridColumns
	// Values counted, Times or Number: one of the three.
	Values *breakdown `json:"values,omitempty"`
	Times  *timeline  `json:"times,omitempty"`
	Number *uint64    `json:"number,omitempty"`
	More   bool       `json:"more,omitempty"` // the number is a lower bound
}

// boards answers with the dashboards that there are.
func (c *Console) boards(w http.ResponseWriter, _ *http.Request) error {
	all := panels.Dashboards()
	names := make([]boardName, 0, len(all))
	for _, d := range all {
		names = append(names, boardName{d.ID, d.Title, d.Description})
	}
	writeJSON(w, http.StatusOK, map[string]any{"boards": names})
	return nil
}

// board answers with the figures of one dashboard.
func (c *Console) board(w http.ResponseWriter, r *http.Request) error {
	dashboard, ok := findBoard(r.PathValue("id"))
	if !ok {
		return apiError{Kind: kindMissing, Message: fmt.Sprintf("There is no dashboard %q.", cut(r.PathValue("id"), 60)), status: http.StatusNotFound}
	}
	p := r.URL.Query()
	p.Set("board", dashboard.ID)
	filter, err := readFilter(p)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), c.cfg.QueryTimeout)
	defer cancel()
	out, err := c.fill(ctx, dashboard, filter)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func findBoard(id string) (panels.Dashboard, bool) {
	for _, d := range panels.Dashboards() {
		if d.ID == id {
			return d, true
		}
	}
	return panels.Dashboard{}, false
}

// readBoard reads which dashboard's alerts are meant; nil: all.
func readBoard(p url.Values) (query.Node, error) {
	id := p.Get("board")
	if id == "" {
		return nil, nil
	}
	d, ok := findBoard(id)
	if !ok {
		return nil, requestError(fmt.Sprintf("board: there is no dashboard %q", cut(id, 60)))
	}
	return query.Parse(d.Query)
}

// fill asks for the figures of all panels.
func (c *Console) fill(ctx context.Context, d panels.Dashboard, filter store.Filter) (board, error) {
	out := board{boardName: boardName{d.ID, d.Title, d.Description}}
	between, err := c.ends(ctx, filter)
	if err != nil {
		return out, err
	}
	var shown []panels.Panel
	for _, row := range d.Rows {
		for _, cell := range row.Cells {
			if cell.Panel.Kind != panels.Table {
				shown = append(shown, cell.Panel)
			}
		}
	}
	answers, err := c.count(ctx, shown, filter, between.interval())
	if err != nil {
		return out, err
	}
	for _, row := range d.Rows {
		var boxes []boardBox
		for _, cell := range row.Cells {
			if cell.Panel.Kind == panels.Table {
				continue
			}
			boxes = append(boxes, newBox(cell, answers[0], between))
			if cell.Panel.Query == "" {
				out.Total = answers[0].Total
			}
			answers = answers[1:]
		}
		if len(boxes) > 0 {
			out.Rows = append(out.Rows, boxes)
		}
	}
	return out, nil
}

func newBox(cell panels.Cell, answer store.Aggregate, between ends) boardBox {
	p := cell.Panel
	box := boardBox{ID: p.ID, Title: p.Title, Kind: p.Kind, Field: p.Field, Width: cell.Width}
	switch {
	case p.Kind == panels.Stacked:
		times := newTimeline(answer, between)
		box.Times = &times
	case p.Kind != panels.Tile:
		values := counts(answer)
		box.Values = &values
	case p.Measure == panels.CountValues:
		n := uint64(len(answer.Buckets))
		box.Number, box.More = &n, answer.Other > 0
	default:
		box.Number = &answer.Total
	}
	return box
}

// ends are the first and the last moment of a chart over time.
type ends struct{ from, to time.Time }

// ends finds them: "all time" spans what the store holds; a range without an end goes on to now.
func (c *Console) ends(ctx context.Context, filter store.Filter) (ends, error) {
	from, to := filter.Since, filter.Until
	if to.IsZero() && !from.IsZero() {
		to = latest(time.Now(), from)
	}
	if from.IsZero() || to.IsZero() {
		_, oldest, newest, err := c.extent.of(ctx)
		if err != nil {
			return ends{}, err
		}
		if from.IsZero() {
			from = oldest
		}
		if to.IsZero() {
			to = newest.Add(time.Millisecond)
		}
	}
	return ends{from, to}, nil
}

// interval is the width of the bars between them.
func (e ends) interval() time.Duration { return panels.Interval(max(0, e.to.Sub(e.from))) }

// newTimeline makes the chart of a count over time.
func newTimeline(answer store.Aggregate, between ends) timeline {
	width := int64(between.interval() / time.Second)
	out := timeline{breakdown: counts(answer), Interval: width, First: floor(between.from.Unix(), width), Last: floor(between.to.Add(-time.Nanosecond).Unix(), width)}
	for _, b := range out.Buckets { // alerts that came since the ends were found, or lie in the future
		if n := len(b.Times); n > 0 {
			out.First, out.Last = min(out.First, b.Times[0][0]), max(out.Last, b.Times[n-1][0])
		}
	}
	return out
}
