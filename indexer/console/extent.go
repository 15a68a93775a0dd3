package console

import (
	"context"
	"net/http"
	"time"

	"armor/indexer/store"
)

// span answers with how many alerts there are in the whole store and the time they span: the page offers it where a time range is empty.
func (c *Console) span(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), c.cfg.QueryTimeout)
	defer cancel()
	total, newest, err := c.newest(ctx, store.Filter{})
	if err != nil {
		return err
	}
	body := map[string]any{"total": total}
	if total > 0 {
		oldest, err := c.oldest(ctx, store.Filter{}, newest)
		if err != nil {
			return err
		}
		body["oldest"], body["newest"] = oldest.UTC(), newest.UTC()
	}
	writeJSON(w, http.StatusOK, body)
	return nil
}

// newest gives the number of alerts that match, and the time of the newest.
func (c *Console) newest(ctx context.Context, f store.Filter) (total uint64, newest time.Time, err error) {
	page, err := c.store.Search(ctx, store.Search{Filter: f, Size: 1})
	if err != nil || len(page.Hits) == 0 {
		return 0, time.Time{}, err
	}
	return page.Total, page.Hits[0].Time, nil
}

// oldest finds the time of the oldest alert that matches, rounded down to the minute: it counts per span of time, each time within the first span that
// holds anything. Newest is the answer when nothing is left (retention deletes between the questions).
func (c *Console) oldest(ctx context.Context, f store.Filter, newest time.Time) (time.Time, error) {
	oldest, within := newest, f
	for _, width := range []time.Duration{365 * 24 * time.Hour, 7 * 24 * time.Hour, time.Hour, time.Minute} {
		counted, err := c.store.Aggregate(ctx, store.Aggregation{Filter: within, Interval: width})
		if err != nil {
			return time.Time{}, err
		}
		if len(counted.Buckets) == 0 || len(counted.Buckets[0].Times) == 0 {
			break
		}
		start := counted.Buckets[0].Times[0].Start
		oldest = latest(start, within.Since)
		end := start.Add(width)
		if !within.Until.IsZero() && within.Until.Before(end) {
			end = within.Until
		}
		within.Since, within.Until = oldest, end
	}
	return oldest, nil
}
