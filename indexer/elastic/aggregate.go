package elastic

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"armor/indexer/field"
	"armor/indexer/match"
	"armor/indexer/store"
)

// shardValues is how many values each shard reports: up to so many different ones the counts are exact.
const shardValues = 20_000

// terms is the count by value.
type terms struct {
	Other   uint64 `json:"sum_other_doc_count"`
	Buckets []struct {
		Key         json.RawMessage `json:"key"`
		KeyAsString string          `json:"key_as_string"`
		Count       uint64          `json:"doc_count"`
	} `json:"buckets"`
}

// filters are the counts over time, by number of the value.
type filters struct {
	Buckets map[string]struct {
		Over struct {
			Buckets []struct {
				Key   int64  `json:"key"`
				Count uint64 `json:"doc_count"`
			} `json:"buckets"`
		} `json:"over"`
	} `json:"buckets"`
}

// Aggregate counts documents. The values are chosen over the whole range first, and counted over time then.
func (s *Store) Aggregate(ctx context.Context, a store.Aggregation) (store.Aggregate, error) {
	f, err := a.Check()
	if err != nil {
		return store.Aggregate{}, err
	}
	bound, err := a.Filter.Check(s.now())
	if err != nil {
		return store.Aggregate{}, err
	}
	body := object{"query": dsl(bound), "size": 0, "track_total_hits": true}
	if a.Field != "" {
		body["aggs"] = object{"by": object{"terms": object{
			"field": f.Name, "size": a.Size, "shard_size": shardValues,
			"order": []object{{"_count": "desc"}, {"_key": "asc"}},
		}}}
	}
	result := store.Aggregate{}
	if !bound.Empty() {
		found, err := s.search(ctx, body)
		if err != nil {
			return store.Aggregate{}, err
		}
		result.Total, result.Other = found.Hits.Total.Value, found.Aggregations.By.Other
		for _, b := range found.Aggregations.By.Buckets {
			key, err := keyOf(f, b.Key, b.KeyAsString)
			if err != nil {
				return store.Aggregate{}, err
			}
			result.Buckets = append(result.Buckets, store.Bucket{Key: key, Count: b.Count})
		}
	}
	if a.Field == "" {
		result.Buckets = []store.Bucket{{Count: result.Total}}
	}
	if a.Interval > 0 && result.Total > 0 && len(result.Buckets) > 0 {
		if err := s.overTime(ctx, f, bound, a.Interval, &result); err != nil {
			return store.Aggregate{}, err
		}
	}
	return result, nil
}

// keyOf reads a value.
func keyOf(f field.Field, key json.RawMessage, text string) (string, error) {
	var s string
	switch f.Kind {
	case field.Number:
		return string(key), nil
	case field.Boolean:
		return text, nil
	case field.Time:
		ms, err := strconv.ParseInt(string(key), 10, 64)
		if err != nil {
			return "", fmt.Errorf("counting alerts by %s: %w", f.Name, err)
		}
		return match.TimeKey(ms), nil
	}
	if err := json.Unmarshal(key, &s); err != nil {
		return "", fmt.Errorf("counting alerts by %s: %w", f.Name, err)
	}
	return s, nil
}

// overTime counts the chosen values per span of time.
func (s *Store) overTime(ctx context.Context, f field.Field, bound store.Bound, interval time.Duration, result *store.Aggregate) error {
	values := object{}
	for i, b := range result.Buckets {
		values[strconv.Itoa(i)] = valueFilter(f, b.Key)
	}
	found, err := s.search(ctx, object{
		"query": dsl(bound), "size": 0, "track_total_hits": false,
		"aggs": object{"over": object{
			"filters": object{"filters": values},
			"aggs": object{"over": object{"date_histogram": object{
				"field": field.Timestamp, "fixed_interval": fmt.Sprintf("%ds", interval/time.Second), "min_doc_count": 1,
			}}},
		}},
	})
	if err != nil {
		return err
	}
	spans := 0
	for i := range result.Buckets {
		for _, t := range found.Aggregations.Over.Buckets[strconv.Itoa(i)].Over.Buckets {
			if spans++; spans > store.MaxTimeBuckets {
				return store.TooManyBuckets()
			}
			result.Buckets[i].Times = append(result.Buckets[i].Times,
				store.TimeBucket{Start: time.UnixMilli(t.Key).UTC(), Count: t.Count})
		}
	}
	return nil
}

// valueFilter is the condition that a field has a value.
func valueFilter(f field.Field, key string) object {
	switch f.Kind {
	case field.Time:
		if t, err := time.Parse(time.RFC3339Nano, key); err == nil {
			return timeRange(f.Name, t.UnixMilli(), t.UnixMilli())
		}
	case field.Keyword:
		if f.Name == "" {
			return object{"match_all": object{}}
		}
	}
	return term(f.Name, key)
}
