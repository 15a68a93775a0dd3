package embedded

import (
	"context"
	"errors"
	"slices"
	"time"

	"armor/indexer/field"
	"armor/indexer/match"
	"armor/indexer/store"
)

const (
	// maxDistinct bounds the different values that a count keeps in memory.
	maxDistinct = 1_000_000
	// maxSpans bounds the spans of time that a count keeps for values which may not be chosen; one with more is made again for
	// those that are.
	maxSpans = 500_000
)

// count is an aggregation under way.
type count struct {
	plan     plan
	field    field.Field // its name is empty: time only
	shared   bool        // the values stand in the facet
	size     int
	interval int64           // milliseconds; 0: none
	chosen   map[string]bool // values whose spans of time are kept; nil: any

	total    uint64
	counts   map[string]uint64
	spans    map[string]map[int64]uint64
	kept     int  // spans in all
	overflow bool // there are too many

	// What a reading of documents has to tell.
	condition, reader int // numbers; -1: none
	// Of the month being read.
	allowed map[int64]bool // facets that match; nil: all
	values  facetValues
}

func (s *Store) newCount(a store.Aggregation) (*count, error) {
	f, err := a.Check()
	if err != nil {
		return nil, err
	}
	bound, err := a.Filter.Check(s.now())
	if err != nil {
		return nil, err
	}
	c := &count{
		plan: newPlan(bound), field: f, shared: f.Name != "" && inFacet(f.Path), size: a.Size, interval: a.Interval.Milliseconds(),
		condition: -1, reader: -1,
	}
	c.begin()
	return c, nil
}

// begin forgets what was counted.
func (c *count) begin() {
	c.total, c.counts, c.spans, c.kept, c.overflow = 0, make(map[string]uint64), make(map[string]map[int64]uint64), 0, false
}

// indexed tells whether the count needs no documents.
func (c *count) indexed() bool { return c.plan.rest == nil && (c.shared || c.field.Name == "") }

// add takes n documents with a value.
func (c *count) add(value string, n uint64) error {
	c.counts[value] += n
	if len(c.counts) > maxDistinct {
		return c.tooMany()
	}
	return nil
}

func (c *count) tooMany() error {
	return &store.RequestError{Message: c.field.Name + " has more than a million different values: count by another field, or choose a shorter range"}
}

// addSpan takes n documents with a value in a span of time.
func (c *count) addSpan(value string, start int64, n uint64) error {
	if c.interval == 0 || c.overflow || c.chosen != nil && !c.chosen[value] {
		return nil
	}
	times := c.spans[value]
	if times == nil {
		times = make(map[int64]uint64)
		c.spans[value] = times
	}
	before := len(times)
	times[start] += n
	c.kept += len(times) - before
	switch {
	case c.chosen != nil && c.kept > store.MaxTimeBuckets:
		return store.TooManyBuckets()
	case c.chosen == nil && c.kept > maxSpans:
		c.overflow, c.spans = true, nil
	}
	return nil
}

// choose takes the most frequent values, with their spans of time as far as they are kept.
func (c *count) choose() (store.Aggregate, error) {
	result := store.Aggregate{Total: c.total}
	if c.field.Name == "" {
		result.Buckets = []store.Bucket{{Count: c.total}}
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
	if c.field.Name != "" && len(result.Buckets) > c.size {
		for _, b := range result.Buckets[c.size:] {
			result.Other += b.Count
		}
		result.Buckets = slices.Clip(result.Buckets[:c.size])
	}
	spans := 0
	for _, b := range result.Buckets {
		if spans += len(c.spans[b.Key]); spans > store.MaxTimeBuckets {
			return result, store.TooManyBuckets()
		}
	}
	c.addTimes(result.Buckets)
	return result, nil
}

// addTimes gives values their spans of time.
func (c *count) addTimes(buckets []store.Bucket) {
	for i := range buckets {
		b := &buckets[i]
		for start, n := range c.spans[b.Key] {
			b.Times = append(b.Times, store.TimeBucket{Start: time.UnixMilli(start).UTC(), Count: n})
		}
		slices.SortFunc(b.Times, func(x, y store.TimeBucket) int { return x.Start.Compare(y.Start) })
	}
}

// fromIndex counts without documents.
func (c *count) fromIndex(ctx context.Context, m *month) error {
	facets, err := loadFacets(ctx, m.tx, c.plan.facet, c.shared)
	if err != nil {
		return err
	}
	values := facets.values(c.field)
	return c.plan.grouped(ctx, m.tx, facets, c.shared, c.interval, func(facet, start int64, n uint64) error {
		c.total += n
		if c.field.Name == "" {
			return c.addSpan("", start, n)
		}
		for _, v := range values.of[facet] {
			if err := errors.Join(c.add(values.keys[v], n), c.addSpan(values.keys[v], start, n)); err != nil {
				return err
			}
		}
		return nil
	})
}
