package console

import (
	"context"
	"net/http"
	"slices"
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
	between, err := c.ends(ctx, filter)
	if err != nil {
		return overview{}, err
	}
	interval := between.interval()
	shown := append([]panels.Panel{panels.PieChart(), panels.StackedGroups()}, panels.Tiles()...)
	shown = slices.DeleteFunc(shown, func(p panels.Panel) bool { // the alerts are those of the pie, and the page knows their rate
		return p.Kind == panels.Tile && p.Measure != panels.CountValues && p.Query == ""
	})
	answers, err := c.count(ctx, shown, filter, interval)
	if err != nil {
		return overview{}, err
	}
	out := overview{Total: answers[0].Total, Rules: counts(answers[0]), Groups: newTimeline(answers[1], between)}
	for i, p := range shown[2:] {
		if a := answers[i+2]; p.Measure == panels.CountValues {
			out.Agents, out.AgentsMore = uint64(len(a.Buckets)), a.Other > 0
		} else {
			out.High = a.Total
		}
	}
	return out, nil
}

// together is a store that answers several counts sooner than one after the other.
type together interface {
	AggregateAll(ctx context.Context, as []store.Aggregation) ([]store.Aggregate, error)
}

// count answers the questions of panels about the alerts of a filter, in order.
func (c *Console) count(ctx context.Context, shown []panels.Panel, filter store.Filter, interval time.Duration) ([]store.Aggregate, error) {
	questions := make([]store.Aggregation, len(shown))
	for i, p := range shown {
		var err error
		if questions[i], err = p.Aggregation(filter, interval); err != nil {
			return nil, err
		}
	}
	if s, ok := c.store.(together); ok {
		return s.AggregateAll(ctx, questions)
	}
	answers := make([]store.Aggregate, len(shown))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(queriesAtOnce)
	for i, question := range questions {
		g.Go(func() (err error) {
			answers[i], err = c.store.Aggregate(ctx, question)
			return err
		})
	}
	return answers, g.Wait()
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
