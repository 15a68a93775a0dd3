package storetest

import (
	"fmt"
	"testing"
	"time"

	"armor/indexer/store"
)

func testOrder(t *testing.T, s *suite) {
	s.write(store.Created,
		alert("c", at(5)).doc(), alert("a", at(5)).doc(), alert("b", at(5)).doc(), alert("z", at(1)).doc(),
		alert("m", at(5).AddDate(0, -2, 0)).doc(), alert("n", at(5).AddDate(0, 1, 0)).doc(), alert("o", at(5).AddDate(-3, 0, 0)).doc(),
		alert("p", time.Date(1965, 1, 2, 3, 4, 5, 0, time.UTC)).doc(), alert("q", time.Date(2200, 1, 2, 3, 4, 5, 0, time.UTC)).doc(),
	)
	got, page := s.find(store.Search{Size: 100})
	s.same("order", got, []string{"q", "n", "a", "b", "c", "z", "m", "o", "p"})
	s.same("total", page.Total, uint64(9))
	if page.Next != nil {
		t.Errorf("a next page after the last: %v", page.Next)
	}
	s.same("time of a hit", page.Hits[2].Time, at(5))
	got, page = s.find(store.Search{Size: 100, OldestFirst: true})
	s.same("order, oldest first", got, []string{"p", "o", "m", "z", "a", "b", "c", "n", "q"})
	s.same("total, oldest first", page.Total, uint64(9))
}

func testPages(_ *testing.T, s *suite) {
	var docs []store.Document
	for i := range 47 {
		docs = append(docs, alert(fmt.Sprintf("p%02d", i), at(i/5).AddDate(0, -(i%3), 0)).doc())
	}
	s.write(store.Created, docs...)
	for _, oldestFirst := range []bool{false, true} {
		all, page := s.find(store.Search{Size: 100, OldestFirst: oldestFirst})
		s.same("all", len(all), 47)
		if page.Next != nil {
			s.t.Error("a next page after all of them")
		}
		for _, text := range []string{"", "id:p*"} {
			for _, size := range []int{1, 7, 46, 47} {
				s.pages(store.Search{Filter: store.Filter{Query: parse(s.t, text)}, Size: size, OldestFirst: oldestFirst}, all, fmt.Sprintf("query %q, pages of %d, oldest first %t", text, size, oldestFirst))
			}
		}
	}
}

// pages reads a search to its end twice, counted and uncounted, and wants all.
func (s *suite) pages(q store.Search, all []string, what string) {
	s.t.Helper()
	for _, q.Uncounted = range []bool{false, true} {
		total := uint64(len(all))
		if q.Uncounted {
			total = 0
		}
		got := []string{}
		for q.After = nil; ; {
			part, page := s.find(q)
			got = append(got, part...)
			s.same(what+": total of a page", page.Total, total)
			if q.After = page.Next; q.After == nil {
				break
			}
			if len(got) > len(all) {
				s.t.Fatalf("%s: pages without end", what)
			}
		}
		s.same(fmt.Sprintf("%s, uncounted %t", what, q.Uncounted), got, all)
	}
}

func testSpan(_ *testing.T, s *suite) {
	s.write(store.Created, alert("a", at(0)).doc(), alert("b", at(1)).doc(), alert("c", at(2)).doc())
	half := 500 * time.Microsecond
	for _, c := range []struct {
		since, until time.Time
		want         []string
	}{
		{at(0), at(2), []string{"b", "a"}},
		{at(1), time.Time{}, []string{"c", "b"}},
		{at(0).Add(half), time.Time{}, []string{"c", "b"}},
		{time.Time{}, at(1).Add(half), []string{"b", "a"}},
		{at(1), at(1), []string{}},
		{at(2), at(0), []string{}},
		{at(-1000), at(5000), []string{"c", "b", "a"}},
	} {
		f := store.Filter{Since: c.since, Until: c.until}
		got, page := s.find(store.Search{Filter: f, Size: 10})
		s.same(fmt.Sprintf("%v to %v", c.since, c.until), got, c.want)
		s.same("total", page.Total, uint64(len(c.want)))
		s.same("aggregated", s.count(store.Aggregation{Filter: f}).Total, uint64(len(c.want)))
	}
}
