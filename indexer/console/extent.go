package console

import (
	"context"
	"net/http"
	"sync"
	"time"

	"armor/indexer/store"
)

// oldestLife is how long the oldest alert is taken for known: to find it, the whole store is counted.
const oldestLife = 10 * time.Second

// extent is the time that the alerts of the whole store span. It remembers its older end for a while.
type extent struct {
	store store.Store

	mu     sync.Mutex
	found  time.Time // when oldest was found
	oldest time.Time
}

// span answers with how many alerts there are in the whole store and the time they span: the page offers it where a time range is empty.
func (c *Console) span(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), c.cfg.QueryTimeout)
	defer cancel()
	total, oldest, newest, err := c.extent.of(ctx)
	if err != nil {
		return err
	}
	body := map[string]any{"total": total}
	if total > 0 {
		body["oldest"], body["newest"] = oldest.UTC(), newest.UTC()
	}
	writeJSON(w, http.StatusOK, body)
	return nil
}

// of gives the number of alerts and the times of the oldest, rounded down to the minute, and the newest; the times are zero when there is none.
func (e *extent) of(ctx context.Context) (total uint64, oldest, newest time.Time, err error) {
	page, err := e.store.Search(ctx, store.Search{Size: 1})
	if err != nil || len(page.Hits) == 0 {
		return 0, time.Time{}, time.Time{}, err
	}
	newest = page.Hits[0].Time
	e.mu.Lock()
	defer e.mu.Unlock()
	if time.Since(e.found) > oldestLife {
		if e.oldest, err = e.first(ctx, newest); err != nil {
			e.found = time.Time{}
			return 0, time.Time{}, time.Time{}, err
		}
		e.found = time.Now()
	}
	return page.Total, earliest(e.oldest, newest), newest, nil
}

// first counts per span of time, each time within the first span that holds anything. Newest is the answer when nothing is left (retention deletes
// between the questions).
func (e *extent) first(ctx context.Context, newest time.Time) (time.Time, error) {
	oldest, within := newest, store.Filter{}
	for _, width := range []time.Duration{365 * 24 * time.Hour, 7 * 24 * time.Hour, time.Hour, time.Minute} {
		counted, err := e.store.Aggregate(ctx, store.Aggregation{Filter: within, Interval: width})
		if err != nil {
			return time.Time{}, err
		}
		if len(counted.Buckets) == 0 || len(counted.Buckets[0].Times) == 0 {
			break
		}
		oldest = counted.Buckets[0].Times[0].Start
		within.Since, within.Until = oldest, oldest.Add(width)
	}
	return oldest, nil
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
