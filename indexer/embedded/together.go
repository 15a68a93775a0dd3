package embedded

import (
	"context"
	"database/sql"
	"reflect"
	"slices"
	"time"

	"armor/indexer/match"
	"armor/indexer/store"
)

// maxSpansTogether bounds the spans of time that one count keeps for values which may not be chosen; a count with more is made again by itself.
const maxSpansTogether = 500_000

// joined is a count that shares its reading of the documents with others.
type joined struct {
	*counting
	size     int
	test     int // number of its condition; -1: none
	reader   int // number of its field; -1: the facet's values, or none
	all      map[string]map[int64]uint64
	kept     int // spans of time in all
	overflow bool

	// Of the month being read.
	allowed map[int64]bool // facets that match; nil: all
	values  map[int64][]string
}

// AggregateAll answers several counts as Aggregate answers each, and reads the documents once for all of those that need them and have one span.
func (s *Store) AggregateAll(ctx context.Context, as []store.Aggregation) ([]store.Aggregate, error) {
	results := make([]store.Aggregate, len(as))
	var r reading
	places := map[*joined]int{}
	for i, a := range as {
		j, err := s.join(&r, a)
		if err != nil {
			return nil, err
		}
		if j != nil {
			places[j] = i
			continue
		}
		if results[i], err = s.Aggregate(ctx, a); err != nil {
			return nil, err
		}
	}
	if len(r.counts) == 0 {
		return results, nil
	}
	if err := s.eachMonth(ctx, r.counts[0].plan, false, func(tx *sql.Tx) error { return r.month(ctx, tx) }); err != nil {
		return nil, err
	}
	for _, j := range r.counts {
		result := j.choose(j.size)
		var err error
		switch {
		case j.interval == 0 || j.total == 0:
		case j.overflow:
			err = s.overTime(ctx, j.counting, &result)
		default:
			err = j.chosenTimes(&result)
		}
		if err != nil {
			return nil, err
		}
		results[places[j]] = result
	}
	return results, nil
}

// reading is one way through the documents for several counts.
type reading struct {
	counts  []*joined
	rests   []match.Condition
	tests   []*match.Matcher
	readers []*match.Reader
	fields  []string
}

// join takes a count into a reading; nil: it is answered without the documents, or has a span of its own.
func (s *Store) join(r *reading, a store.Aggregation) (*joined, error) {
	f, err := a.Check()
	if err != nil {
		return nil, err
	}
	bound, err := a.Filter.Check(s.now())
	if err != nil {
		return nil, err
	}
	p := newPlan(bound)
	shared := f.Name != "" && inFacet(f.Path)
	if p.never || p.id != nil || p.rest == nil && (shared || f.Name == "") {
		return nil, nil
	}
	if len(r.counts) > 0 && (r.counts[0].plan.from != p.from || r.counts[0].plan.to != p.to) {
		return nil, nil
	}
	j := &joined{
		counting: &counting{plan: p, field: f, interval: a.Interval.Milliseconds(), counts: make(map[string]uint64)},
		size:     a.Size, test: -1, reader: -1, all: make(map[string]map[int64]uint64),
	}
	if p.rest != nil {
		j.test = slices.IndexFunc(r.rests, func(c match.Condition) bool { return reflect.DeepEqual(c, p.rest) })
		if j.test < 0 {
			j.test = len(r.rests)
			r.rests, r.tests = append(r.rests, p.rest), append(r.tests, match.NewMatcher(p.rest))
		}
	}
	if f.Name != "" && !shared {
		j.reader = slices.Index(r.fields, f.Name)
		if j.reader < 0 {
			j.reader = len(r.fields)
			r.fields, r.readers = append(r.fields, f.Name), append(r.readers, match.NewReader(f))
		}
	}
	r.counts = append(r.counts, j)
	return j, nil
}

// month reads the documents of a month.
func (r *reading) month(ctx context.Context, tx *sql.Tx) error {
	for _, j := range r.counts {
		if err := j.facets(ctx, tx); err != nil {
			return err
		}
	}
	rows, err := tx.QueryContext(ctx, "SELECT facet, time, doc FROM alerts WHERE time >= ? AND time <= ?", r.counts[0].plan.from, r.counts[0].plan.to)
	if err != nil {
		return err
	}
	defer rows.Close()
	tested, passed := make([]bool, len(r.tests)), make([]bool, len(r.tests))
	read, values := make([]bool, len(r.readers)), make([][]string, len(r.readers))
	for rows.Next() {
		var facet, ms int64
		var doc sql.RawBytes
		if err := rows.Scan(&facet, &ms, &doc); err != nil {
			return err
		}
		clear(tested)
		clear(read)
		for _, j := range r.counts {
			if j.allowed != nil && !j.allowed[facet] {
				continue
			}
			if n := j.test; n >= 0 {
				if !tested[n] {
					tested[n], passed[n] = true, r.tests[n].Match(doc)
				}
				if !passed[n] {
					continue
				}
			}
			found := j.values[facet]
			if n := j.reader; n >= 0 {
				if !read[n] {
					read[n], values[n] = true, r.readers[n].Values(doc)
				}
				found = values[n]
			}
			if err := j.take(found, ms); err != nil {
				return err
			}
		}
	}
	return rows.Err()
}

// facets finds what the facets of a month say about a count.
func (j *joined) facets(ctx context.Context, tx *sql.Tx) error {
	shared := j.field.Name != "" && j.reader < 0
	fs, err := loadFacets(ctx, tx, j.plan.facet, shared)
	if err != nil {
		return err
	}
	j.allowed, j.values = nil, nil
	if !fs.all {
		j.allowed = make(map[int64]bool, len(fs.match))
		for _, n := range fs.match {
			j.allowed[n] = true
		}
	}
	if shared {
		j.values = make(map[int64][]string, len(fs.docs))
		reader := match.NewReader(j.field)
		for n, doc := range fs.docs {
			j.values[n] = slices.Clone(reader.Values(doc))
		}
	}
	return nil
}

// take counts one document.
func (j *joined) take(values []string, ms int64) error {
	j.total++
	for _, v := range values {
		j.counts[v]++
	}
	if len(j.counts) > maxDistinct {
		return &store.RequestError{Message: j.field.Name + " has more than a million different values: count by another field, or choose a shorter range"}
	}
	if j.interval == 0 || j.overflow {
		return nil
	}
	start := ms - ((ms%j.interval)+j.interval)%j.interval
	if j.field.Name == "" {
		j.addSpan("", start)
	}
	for _, v := range values {
		j.addSpan(v, start)
	}
	return nil
}

func (j *joined) addSpan(value string, start int64) {
	if j.overflow {
		return
	}
	times := j.all[value]
	if times == nil {
		times = make(map[int64]uint64)
		j.all[value] = times
	}
	if times[start]++; times[start] > 1 {
		return
	}
	if j.kept++; j.kept > maxSpansTogether {
		j.overflow, j.all = true, nil
	}
}

// chosenTimes gives the chosen values their spans of time.
func (j *joined) chosenTimes(result *store.Aggregate) error {
	spans := 0
	for i := range result.Buckets {
		b := &result.Buckets[i]
		if spans += len(j.all[b.Key]); spans > store.MaxTimeBuckets {
			return store.TooManyBuckets()
		}
		for start, n := range j.all[b.Key] {
			b.Times = append(b.Times, store.TimeBucket{Start: time.UnixMilli(start).UTC(), Count: n})
		}
		slices.SortFunc(b.Times, func(x, y store.TimeBucket) int { return x.Start.Compare(y.Start) })
	}
	return nil
}
