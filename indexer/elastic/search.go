package elastic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"armor/indexer/field"
	"armor/indexer/store"
	"armor/indexer/template"
)

// searchPath asks all alert indices; when there are none yet, the answer is empty.
const searchPath = "/" + template.Alias + "/_search?ignore_unavailable=true&allow_no_indices=true"

// answer is what Elasticsearch gives for a search.
type answer struct {
	Hits struct {
		Total struct {
			Value uint64 `json:"value"`
		} `json:"total"`
		Hits []struct {
			Source json.RawMessage   `json:"_source"`
			ID     string            `json:"_id"`
			Sort   []json.RawMessage `json:"sort"`
		} `json:"hits"`
	} `json:"hits"`
	TimedOut bool `json:"timed_out"`
	Shards   struct {
		Failed   int `json:"failed"`
		Failures []struct {
			Reason cause `json:"reason"`
		} `json:"failures"`
	} `json:"_shards"`
	Aggregations struct {
		By   terms   `json:"by"`
		Over filters `json:"over"`
	} `json:"aggregations"`
}

// Search finds documents.
func (s *Store) Search(ctx context.Context, q store.Search) (store.Page, error) {
	if err := q.Check(); err != nil {
		return store.Page{}, err
	}
	bound, err := q.Filter.Check(s.now())
	if err != nil || bound.Empty() {
		return store.Page{}, err
	}
	size := q.Size
	if size > 0 && size < store.MaxPage {
		size++ // tells whether there is a next page
	}
	order := "desc"
	if q.OldestFirst {
		order = "asc"
	}
	page, err := s.page(ctx, dsl(bound), order, size, q.After, !q.Uncounted)
	if err != nil || q.Size == 0 || len(page.Hits) < q.Size {
		return page, err
	}
	last := page.Hits[q.Size-1]
	next := &store.Position{Millis: last.Time.UnixMilli(), ID: last.ID}
	if len(page.Hits) > q.Size {
		page.Hits, page.Next = page.Hits[:q.Size], next
	} else if q.Size == store.MaxPage {
		more, err := s.page(ctx, dsl(bound), order, 1, next, false)
		if err != nil {
			return store.Page{}, err
		}
		if len(more.Hits) > 0 {
			page.Next = next
		}
	}
	return page, nil
}

func (s *Store) page(ctx context.Context, filter object, order string, size int, after *store.Position, counted bool) (store.Page, error) {
	body := object{
		"query": filter, "size": size, "track_total_hits": counted,
		"sort": []object{
			{field.Timestamp: object{"order": order, "unmapped_type": "date"}},
			{field.ID: object{"order": "asc", "unmapped_type": "keyword"}},
		},
	}
	if after != nil {
		body["search_after"] = []any{after.Millis, after.ID}
	}
	a, err := s.search(ctx, body)
	if err != nil {
		return store.Page{}, err
	}
	page := store.Page{Total: a.Hits.Total.Value}
	for _, h := range a.Hits.Hits {
		var ms int64
		if len(h.Sort) < 1 || json.Unmarshal(h.Sort[0], &ms) != nil {
			return store.Page{}, fmt.Errorf("searching alerts: the hit %s has no time", h.ID)
		}
		page.Hits = append(page.Hits, store.Hit{ID: h.ID, Time: time.UnixMilli(ms).UTC(), JSON: h.Source})
	}
	return page, nil
}

// search asks and checks that all shards have answered: half an answer is none.
func (s *Store) search(ctx context.Context, body object) (*answer, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("searching alerts: %w", err)
	}
	b, err := s.call(ctx, http.MethodPost, searchPath, typeJSON, encoded)
	if err != nil {
		return nil, searchError(err)
	}
	a := &answer{}
	if err := json.Unmarshal(b, a); err != nil {
		return nil, fmt.Errorf("searching alerts: reading the answer: %w", err)
	}
	switch {
	case a.TimedOut:
		return nil, errors.New("searching alerts: Elasticsearch gave up after its own time limit")
	case a.Shards.Failed > 0:
		reason := "unknown"
		if len(a.Shards.Failures) > 0 {
			reason = a.Shards.Failures[0].Reason.String()
		}
		return nil, fmt.Errorf("searching alerts: %d shards did not answer: %s", a.Shards.Failed, reason)
	}
	return a, nil
}

// searchError tells a question that makes no sense from a cluster that cannot answer.
func searchError(err error) error {
	var e *httpError
	if !errors.As(err, &e) || e.status != http.StatusBadRequest && e.status != http.StatusServiceUnavailable {
		return fmt.Errorf("searching alerts: %w", err)
	}
	switch {
	case e.cause.has("too_many_buckets_exception"):
		return store.TooManyBuckets()
	case e.status == http.StatusBadRequest:
		return &store.RequestError{Message: "Elasticsearch refuses the question: " + e.cause.String()}
	}
	return fmt.Errorf("searching alerts: %w", err)
}
