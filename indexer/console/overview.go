package console

import (
	"context"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"armor/indexer/panels"
	"armor/indexer/store"
)

// queriesAtOnce bounds the questions that one page puts to the store at the same time.
const queriesAtOnce = 3

type valueCount struct {
	Key   string     `json:"key"`
	Count uint64     `json:"count"`
	Times [][2]int64 `json:"times,omitempty"` // start in Unix seconds, count
}

type breakdown struct {
	Buckets []valueCount `json:"buckets"`
	Other   uint64       `json:"other"`
}

type timeline struct {
	breakdown
	Interval int64 `json:"interval"` // seconds
	First    int64 `json:"first"`    // start of the first and of the last bar, Unix seconds
	Last     int64 `json:"last"`
}

type overview struct {
	Total      uint64    `json:"total"`
	High       uint64    `json:"high"`
	Agents     uint64    `json:"agents"`
	AgentsMore bool      `json:"agents_more"` // there are more agents than were counted
	Rules      breakdown `json:"rules"`
	Groups     timeline  `json:"groups"`
}

// overview answers with the figures of all panels but the table.
func (c *Console) overview(w http.ResponseWriter, r *http.Request) error {
	filter, err := readFilter(r.URL.Query())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), c.cfg.QueryTimeout)
	defer cancel()
	out, err := c.panels(ctx, filter)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func (c *Console) panels(ctx context.Context, filter store.Filter) (overview, error) {
	var out overview
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(queriesAtOnce)
	count := func(p panels.Panel, interval time.Duration, take func(store.Aggregate)) func() error {
		return func() error {
			question, err := p.Aggregation(filter, interval)
			if err != nil {
				return err
			}
			answer, err := c.store.Aggregate(ctx, question)
			if err == nil {
				take(answer)
			}
			return err
		}
	}
	g.Go(func() error {
		between, err := c.ends(ctx, filter)
		if err == nil {
			out.Groups, err = c.stacked(ctx, panels.StackedGroups(), filter, between)
		}
		return err
	})
	g.Go(count(panels.PieChart(), 0, func(a store.Aggregate) { out.Total, out.Rules = a.Total, counts(a) }))
	for _, tile := range panels.Tiles() {
		switch {
		case tile.Measure == panels.CountValues:
			g.Go(count(tile, 0, func(a store.Aggregate) { out.Agents, out.AgentsMore = uint64(len(a.Buckets)), a.Other > 0 }))
		case tile.Measure == panels.CountAlerts && tile.Query != "":
			g.Go(count(tile, 0, func(a store.Aggregate) { out.High = a.Total }))
		}
	}
	return out, g.Wait()
}

// floor rounds down to a multiple of width, below zero too.
func floor(t, width int64) int64 {
	rest := t % width
	if rest < 0 {
		rest += width
	}
	return t - rest
}

func counts(a store.Aggregate) breakdown {
	out := breakdown{Buckets: make([]valueCount, 0, len(a.Buckets)), Other: a.Other}
	for _, b := range a.Buckets {
		v := valueCount{Key: b.Key, Count: b.Count}
		for _, t := range b.Times {
			v.Times = append(v.Times, [2]int64{t.Start.Unix(), int64(t.Count)})
		}
		out.Buckets = append(out.Buckets, v)
	}
	return out
}
