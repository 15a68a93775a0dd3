package embedded

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"armor/indexer/field"
	"armor/indexer/match"
	"armor/indexer/store"
)

// maxDistinct bounds the different values that a count keeps in memory.
const maxDistinct = 1_000_000

// counting is an aggregation under way.
type counting struct {
	plan     plan
	field    field.Field // its name is empty: time only
	interval int64       // milliseconds; 0: none
	total    uint64
	counts   map[string]uint64
	times    map[string]map[int64]uint64 // of the chosen values
	spans    int
}

// Aggregate counts documents: by what alerts share (rule, agent, manager, decoder) from the index, by anything else by
// reading the documents of the span.
func (s *Store) Aggregate(ctx context.Context, a store.Aggregation) (store.Aggregate, error) {
	f, err := a.Check()
	if err != nil {
		return store.Aggregate{}, err
	}
	bound, err := a.Filter.Check(s.now())
	if err != nil {
		return store.Aggregate{}, err
	}
	c := &counting{plan: newPlan(bound), field: f, interval: a.Interval.Milliseconds(), counts: make(map[string]uint64)}
	err = s.eachMonth(ctx, c.plan, false, func(tx *sql.Tx) error {
		return c.each(ctx, tx, 0, func(values []string, _ int64, n uint64) error {
			c.total += n
			for _, v := range values {
				c.counts[v] += n
			}
			if len(c.counts) > maxDistinct {
				return &store.RequestError{Message: f.Name + " has more than a million different values: count by another field, or choose a shorter range"}
			}
			return nil
		})
	})
	if err != nil {
		return store.Aggregate{}, err
	}
	result := c.choose(a.Size)
	if c.interval == 0 || c.total == 0 {
		return result, nil
	}
	if err := s.overTime(ctx, c, &result); err != nil {
		return store.Aggregate{}, err
	}
	return result, nil
}

// choose takes the most frequent values.
func (c *counting) choose(size int) store.Aggregate {
	result := store.Aggregate{Total: c.total}
	if c.field.Name == "" {
		result.Buckets = []store.Bucket{{Count: c.total}}
		return result
	}
	for key, n := range c.counts {
		result.Buckets = append(result.Buckets, store.Bucket{Key: key, Count: n})
	}
	slices.SortFunc(result.Buckets, func(a, b store.Bucket) int {
		switch {
		case a.Count > b.Count:
			return -1
		case a.Count < b.Count:
			return 1
		}
		return match.CompareKeys(c.field, a.Key, b.Key)
	})
	if len(result.Buckets) > size {
		for _, b := range result.Buckets[size:] {
			result.Other += b.Count
		}
		result.Buckets = slices.Clip(result.Buckets[:size])
	}
	return result
}

// overTime counts the chosen values again, per span of time.
func (s *Store) overTime(ctx context.Context, c *counting, result *store.Aggregate) error {
	c.times = make(map[string]map[int64]uint64, len(result.Buckets))
	for _, b := range result.Buckets {
		c.times[b.Key] = make(map[int64]uint64)
	}
	err := s.eachMonth(ctx, c.plan, false, func(tx *sql.Tx) error {
		return c.each(ctx, tx, c.interval, func(values []string, start int64, n uint64) error {
			if c.field.Name == "" {
				return c.addTime("", start, n)
			}
			for _, v := range values {
				if err := c.addTime(v, start, n); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	for i := range result.Buckets {
		b := &result.Buckets[i]
		for start, n := range c.times[b.Key] {
			b.Times = append(b.Times, store.TimeBucket{Start: time.UnixMilli(start).UTC(), Count: n})
		}
		slices.SortFunc(b.Times, func(x, y store.TimeBucket) int { return x.Start.Compare(y.Start) })
	}
	return nil
}

func (c *counting) addTime(key string, start int64, n uint64) error {
	times, chosen := c.times[key]
	if !chosen {
		return nil
	}
	if times[start] == 0 {
		if c.spans++; c.spans > store.MaxTimeBuckets {
			return store.TooManyBuckets()
		}
	}
	times[start] += n
	return nil
}

// each calls f with the values, the span of time (with an interval) and the number of the documents that match.
func (c *counting) each(ctx context.Context, tx *sql.Tx, interval int64, f func(values []string, start int64, n uint64) error) error {
	shared := c.field.Name != "" && inFacet(c.field.Path)
	facets, err := loadFacets(ctx, tx, c.plan.facet, shared)
	if err != nil {
		return err
	}
	values := make(map[int64][]string, len(facets.docs))
	reader := match.NewReader(c.field)
	for n, doc := range facets.docs {
		values[n] = slices.Clone(reader.Values(doc))
	}
	if c.plan.rest == nil && (shared || c.field.Name == "") {
		return c.plan.grouped(ctx, tx, facets, shared, interval, func(facet, start int64, n uint64) error { return f(values[facet], start, n) })
	}
	return c.scanned(ctx, tx, facets, interval, func(facet, start int64, doc []byte) error {
		switch {
		case shared:
			return f(values[facet], start, 1)
		case c.field.Name == "":
			return f(nil, start, 1)
		}
		return f(reader.Values(doc), start, 1)
	})
}

// scanned reads the documents.
func (c *counting) scanned(ctx context.Context, tx *sql.Tx, fs *facets, interval int64, f func(facet, start int64, doc []byte) error) error {
	var m *match.Matcher
	if c.plan.rest != nil {
		m = match.NewMatcher(c.plan.rest)
	}
	where, args := c.plan.where(fs)
	rows, err := tx.QueryContext(ctx, "SELECT facet, time, doc FROM alerts WHERE "+where, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var facet, ms int64
		var doc sql.RawBytes
		if err := rows.Scan(&facet, &ms, &doc); err != nil {
			return err
		}
		if m != nil && !m.Match(doc) {
			continue
		}
		start := int64(0)
		if interval > 0 {
			start = ms - ((ms%interval)+interval)%interval
		}
		if err := f(facet, start, doc); err != nil {
			return err
		}
	}
	return rows.Err()
}
