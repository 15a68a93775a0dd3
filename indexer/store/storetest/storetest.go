// Package storetest is the contract of an alert store as a test. Every implementation passes all of it, so that the same
// question gets the same answer whichever store is behind it.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"armor/indexer/document"
	"armor/indexer/query"
	"armor/indexer/store"
)

// Now is the clock that stores under test must be given.
func Now() time.Time { return time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC) }

// Opened is an empty store under test.
type Opened struct {
	store.Store
	// Refresh makes what was written visible; nil: it is at once.
	Refresh func(context.Context) error
}

// Run runs the contract. Open makes an empty store whose periods are months.
func Run(t *testing.T, open func(*testing.T) Opened) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *suite)
	}{
		{"Empty", testEmpty},
		{"WriteOnce", testWriteOnce},
		{"WriteConcurrently", testWriteConcurrently},
		{"Unfit", testUnfit},
		{"Order", testOrder},
		{"Pages", testPages},
		{"Span", testSpan},
		{"Counts", testCounts},
		{"CountsOverTime", testCountsOverTime},
		{"Requests", testRequests},
		{"Language", testLanguage},
		{"Hostile", testHostile},
		{"Random", testRandom},
		{"Retention", testRetention},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.test(t, &suite{t: t, Opened: open(t)})
		})
	}
}

type suite struct {
	Opened
	t *testing.T
}

// write stores documents, checks that all have an expected outcome, and makes them visible. Documents whose data the store
// cannot map are written once more with the data set aside, as the indexer does; then that is what the caller's slice has.
func (s *suite) write(want store.Outcome, docs ...store.Document) {
	s.t.Helper()
	results, err := s.Write(s.t.Context(), docs)
	if err != nil {
		s.t.Fatalf("Write: %v", err)
	}
	if len(results) != len(docs) {
		s.t.Fatalf("Write gave %d results for %d documents", len(results), len(docs))
	}
	for i, r := range results {
		if r.Outcome == store.Demote {
			docs[i].JSON = document.AppendSetAside(nil, docs[i].Alert, time.Time{})
			again, err := s.Write(s.t.Context(), docs[i:i+1])
			if err != nil {
				s.t.Fatalf("Write with the data set aside: %v", err)
			}
			r = again[0]
		}
		if r.Outcome != want {
			s.t.Fatalf("document %d (%s): %v (%s), want %v\n%s", i, docs[i].ID, r.Outcome, r.Reason, want, docs[i].JSON)
		}
	}
	s.refresh()
}

func (s *suite) refresh() {
	s.t.Helper()
	if s.Refresh == nil {
		return
	}
	if err := s.Refresh(s.t.Context()); err != nil {
		s.t.Fatalf("Refresh: %v", err)
	}
}

// find searches and gives the ids of one page.
func (s *suite) find(q store.Search) ([]string, store.Page) {
	s.t.Helper()
	page, err := s.Search(s.t.Context(), q)
	if err != nil {
		s.t.Fatalf("Search %v: %v", q.Query, err)
	}
	return ids(page), page
}

func ids(page store.Page) []string {
	list := []string{}
	for _, h := range page.Hits {
		list = append(list, h.ID)
	}
	return list
}

func (s *suite) count(a store.Aggregation) store.Aggregate {
	s.t.Helper()
	got, err := s.Aggregate(s.t.Context(), a)
	if err != nil {
		s.t.Fatalf("Aggregate %s: %v", a.Field, err)
	}
	return got
}

func (s *suite) same(what string, got, want any) {
	s.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func parse(t *testing.T, text string) query.Node {
	t.Helper()
	n, err := query.Parse(text)
	if err != nil {
		t.Fatalf("query %q: %v", text, err)
	}
	return n
}

func testEmpty(t *testing.T, s *suite) {
	if err := s.Ready(t.Context()); err != nil {
		t.Fatalf("Ready: %v", err)
	}
	got, page := s.find(store.Search{Size: 10})
	s.same("hits", got, []string{})
	s.same("total", page.Total, uint64(0))
	s.same("time only", s.count(store.Aggregation{}), store.Aggregate{Buckets: []store.Bucket{{}}})
	s.same("by field", s.count(store.Aggregation{Field: "rule.groups"}), store.Aggregate{})
	deleted, err := s.DeleteBefore(t.Context(), Now())
	if err != nil || len(deleted) > 0 {
		t.Errorf("DeleteBefore: %v, %v", deleted, err)
	}
}

func testWriteOnce(t *testing.T, s *suite) {
	first := alert("aa", at(0)).doc()
	s.write(store.Created, first)
	second := alert("aa", at(0)).rule("999", 9, "another").doc()
	s.write(store.Duplicate, second)
	s.write(store.Duplicate, alert("aa", at(60_000)).doc()) // another time of the same month

	both := []store.Document{alert("bb", at(1)).doc(), alert("aa", at(0)).doc(), alert("bb", at(1)).rule("9", 9, "x").doc()}
	results, err := s.Write(t.Context(), both)
	if err != nil {
		t.Fatal(err)
	}
	var outcomes []store.Outcome
	for _, r := range results {
		outcomes = append(outcomes, r.Outcome)
	}
	s.same("outcomes within one batch", outcomes, []store.Outcome{store.Created, store.Duplicate, store.Duplicate})
	s.refresh()
	got, page := s.find(store.Search{Size: 10})
	s.same("hits", got, []string{"bb", "aa"})
	s.same("first write wins", string(page.Hits[1].JSON), string(first.JSON))
}

func testWriteConcurrently(t *testing.T, s *suite) {
	const writers, alerts = 4, 120
	created := make(chan int, writers)
	for range writers {
		go func() {
			n := 0
			defer func() { created <- n }()
			for i := 0; i < alerts; i += 30 {
				var docs []store.Document
				for k := i; k < i+30; k++ {
					docs = append(docs, alert(fmt.Sprintf("id%03d", k), at(k)).doc())
				}
				results, err := s.Write(context.Background(), docs)
				if err != nil {
					t.Errorf("Write: %v", err)
					return
				}
				for _, r := range results {
					if r.Outcome == store.Created {
						n++
					}
				}
			}
		}()
	}
	sum := 0
	for range writers {
		sum += <-created
	}
	s.same("created", sum, alerts)
	s.refresh()
	_, page := s.find(store.Search{})
	s.same("total", page.Total, uint64(alerts))
}

func testUnfit(t *testing.T, s *suite) {
	long := make([]byte, store.MaxID+1)
	for i := range long {
		long[i] = 'a'
	}
	none := alert("x", at(0)).doc()
	none.JSON = nil
	for _, d := range []store.Document{
		alert("", at(0)).doc(), alert(string(long), at(0)).doc(), alert("a b", at(0)).doc(), alert("a\x00", at(0)).doc(), none,
	} {
		s.write(store.DeadLetter, d)
	}
	s.write(store.Created, alert(string(long[1:]), at(0)).doc())
	if got, err := s.Write(t.Context(), nil); err != nil || len(got) > 0 {
		t.Errorf("Write of nothing: %v, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Write(ctx, []store.Document{alert("late", at(0)).doc()}); !errors.Is(err, context.Canceled) {
		t.Errorf("Write with an ended context: %v", err)
	}
}
