package console

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"armor/indexer/match"
	"armor/indexer/store"
)

// memory is an alert store in memory that can be told to fail or to wait: states that a real store gives only by accident.
type memory struct {
	mu   sync.Mutex
	docs []store.Hit // newest first
	err  error
	hold chan struct{} // while not nil, questions wait until it is closed
	asks int
}

func (m *memory) put(hits ...store.Hit) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.docs = append(m.docs, hits...)
	slices.SortFunc(m.docs, func(a, b store.Hit) int {
		return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(a.ID, b.ID))
	})
}

func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

func (m *memory) found(ctx context.Context, f store.Filter) ([]store.Hit, error) {
	m.mu.Lock()
	hold := m.hold
	m.asks++
	m.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return nil, m.err
	}
	condition, err := match.Bind(f.Query, time.Now())
	if err != nil {
		return nil, err
	}
	matcher := match.NewMatcher(condition)
	var out []store.Hit
	for _, doc := range m.docs {
		if doc.Time.Before(f.Since) || (!f.Until.IsZero() && !doc.Time.Before(f.Until)) || !matcher.Match(doc.JSON) {
			continue
		}
		out = append(out, doc)
	}
	return out, nil
}

func (m *memory) Search(ctx context.Context, s store.Search) (store.Page, error) {
	hits, err := m.found(ctx, s.Filter)
	if err != nil {
		return store.Page{}, err
	}
	page := store.Page{Total: uint64(len(hits))}
	if s.After != nil {
		hits = hits[slices.IndexFunc(hits, func(h store.Hit) bool { return h.ID == s.After.ID })+1:]
	}
	if len(hits) > s.Size {
		hits = hits[:s.Size]
		last := hits[len(hits)-1]
		page.Next = &store.Position{Millis: last.Time.UnixMilli(), ID: last.ID}
	}
	page.Hits = hits
	return page, nil
}

func (m *memory) Aggregate(ctx context.Context, a store.Aggregation) (store.Aggregate, error) {
	hits, err := m.found(ctx, a.Filter)
	if err != nil {
		return store.Aggregate{}, err
	}
	counts := map[string]map[int64]uint64{}
	for _, hit := range hits {
		values := []string{""}
		if a.Field != "" {
			var doc any
			if err := json.Unmarshal(hit.JSON, &doc); err != nil {
				return store.Aggregate{}, err
			}
			values = valuesOf(doc, strings.Split(a.Field, "."))
		}
		bucket := int64(0)
		if a.Interval > 0 {
			bucket = floor(hit.Time.Unix(), int64(a.Interval/time.Second))
		}
		for _, v := range values {
			if counts[v] == nil {
				counts[v] = map[int64]uint64{}
			}
			counts[v][bucket]++
		}
	}
	out := store.Aggregate{Total: uint64(len(hits))}
	for key, times := range counts {
		b := store.Bucket{Key: key}
		for t, n := range times {
			b.Count += n
			if a.Interval > 0 {
				b.Times = append(b.Times, store.TimeBucket{Start: time.Unix(t, 0).UTC(), Count: n})
			}
		}
		slices.SortFunc(b.Times, func(x, y store.TimeBucket) int { return x.Start.Compare(y.Start) })
		out.Buckets = append(out.Buckets, b)
	}
	slices.SortFunc(out.Buckets, func(x, y store.Bucket) int {
		return cmp.Or(cmp.Compare(y.Count, x.Count), cmp.Compare(x.Key, y.Key))
	})
	size := cmp.Or(a.Size, store.DefaultValues)
	for len(out.Buckets) > size {
		out.Other += out.Buckets[len(out.Buckets)-1].Count
		out.Buckets = out.Buckets[:len(out.Buckets)-1]
	}
	return out, nil
}

func valuesOf(doc any, path []string) []string {
	switch v := doc.(type) {
	case map[string]any:
		if len(path) == 0 {
			return nil
		}
		return valuesOf(v[path[0]], path[1:])
	case []any:
		var all []string
		for _, one := range v {
			all = append(all, valuesOf(one, path)...)
		}
		return all
	case nil:
		return nil
	default:
		return []string{fmt.Sprint(v)}
	}
}

func (m *memory) Write(_ context.Context, docs []store.Document) ([]store.Result, error) {
	results := make([]store.Result, len(docs))
	for i, d := range docs {
		m.put(store.Hit{ID: d.ID, Time: d.Time, JSON: slices.Clone(d.JSON)})
		results[i] = store.Result{Outcome: store.Created}
	}
	return results, nil
}

func (m *memory) DeleteBefore(context.Context, time.Time) ([]string, error) { return nil, nil }

func (m *memory) Ready(context.Context) error { return nil }

func (m *memory) Close() error { return nil }
