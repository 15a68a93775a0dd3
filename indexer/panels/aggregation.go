package panels

import (
	"fmt"
	"time"

	"armor/indexer/query"
	"armor/indexer/store"
)

// Narrow adds the panel's own query to a filter.
func (p Panel) Narrow(f store.Filter) (store.Filter, error) {
	if p.Query == "" {
		return f, nil
	}
	n, err := query.Parse(p.Query)
	if err != nil {
		return f, fmt.Errorf("panel %q: %w", p.Title, err)
	}
	f.Query = query.Both(f.Query, n)
	return f, nil
}

// Aggregation is the panel's question about the alerts of a filter. The interval is used by a stacked panel only.
func (p Panel) Aggregation(f store.Filter, interval time.Duration) (store.Aggregation, error) {
	f, err := p.Narrow(f)
	if err != nil {
		return store.Aggregation{}, err
	}
	a := store.Aggregation{Filter: f, Field: p.Field, Size: p.Size}
	if p.Kind == Stacked {
		a.Interval = interval
	}
	return a, nil
}

// Interval chooses a width of time buckets for a range, so that it has at most about 90 of them.
func Interval(span time.Duration) time.Duration {
	const day = 24 * time.Hour
	steps := []time.Duration{
		time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second,
		time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute,
		time.Hour, 3 * time.Hour, 12 * time.Hour, day, 7 * day, 30 * day,
	}
	for _, s := range steps {
		if span/s <= 90 {
			return s
		}
	}
	years := int64(span/(365*day))/90 + 1
	return time.Duration(years*365) * day
}
