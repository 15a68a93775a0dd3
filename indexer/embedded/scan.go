package embedded

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"armor/indexer/match"
	"armor/indexer/store"
)

// scan reads every document of the span, counts those that match, and keeps the hits that a page still wants and one more. When
// nobody wants the number it reads from the position on, and only until the page is full.
func (s *Store) scan(ctx context.Context, m *month, p plan, f *facets, q store.Search, page *store.Page) error {
	if !q.Uncounted {
		return s.scanAll(ctx, m, p, f, q, page)
	}
	matcher := match.NewMatcher(p.rest)
	if q.After == nil {
		return p.scanOn(ctx, m.tx, f, matcher, q, page, "")
	}
	if err := p.scanOn(ctx, m.tx, f, matcher, q, page, " AND time = ? AND id > ?", q.After.Millis, q.After.ID); err != nil {
		return err
	}
	return p.scanOn(ctx, m.tx, f, matcher, q, page, " AND time "+behind(q)+" ?", q.After.Millis)
}

// scanOn reads in the order of the search until the page is full.
func (p *plan) scanOn(ctx context.Context, tx *sql.Tx, f *facets, m *match.Matcher, q store.Search, page *store.Page, more string, moreArgs ...any) error {
	where, args := p.where(f)
	rows, err := tx.QueryContext(ctx, "SELECT time, id, doc FROM alerts WHERE "+where+more+order(q), append(args, moreArgs...)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var r row
	for len(page.Hits) <= q.Size && rows.Next() {
		if err := rows.Scan(&r.ms, &r.id, &r.doc); err != nil {
			return err
		}
		if m.Match(r.doc) {
			page.Hits = append(page.Hits, r.hit())
		}
	}
	return rows.Err()
}

// scanAll reads everything, in any order.
func (s *Store) scanAll(ctx context.Context, m *month, p plan, f *facets, q store.Search, page *store.Page) error {
	list, err := p.stretches(ctx, m.tx, f, s.leastRows)
	if err != nil {
		return err
	}
	want := 0
	if q.Size > 0 {
		want = q.Size + 1 - len(page.Hits)
	}
	var parts []*firstHits
	err = s.readStretches(ctx, m, list, func() rowTaker {
		part := &firstHits{search: q, want: want}
		parts = append(parts, part)
		matcher := match.NewMatcher(p.rest)
		return func(r *row) error {
			if matcher.Match(r.doc) {
				part.take(r)
			}
			return nil
		}
	})
	if err != nil {
		return err
	}
	all := &firstHits{search: q, want: want}
	for _, part := range parts {
		page.Total += part.total
		all.hits = append(all.hits, part.hits...)
	}
	all.cut()
	page.Hits = append(page.Hits, all.hits...)
	return nil
}

// firstHits counts hits and keeps the first of them by the order of a search.
type firstHits struct {
	search store.Search
	want   int
	total  uint64
	hits   []store.Hit
	last   *store.Position // those behind it are not among the first
}

func (f *firstHits) take(r *row) {
	f.total++
	if f.want == 0 || f.search.After != nil && !after(f.search, r.ms, r.id, f.search.After) || f.last != nil && after(f.search, r.ms, r.id, f.last) {
		return
	}
	if f.hits = append(f.hits, r.hit()); len(f.hits) >= 2*f.want+100 {
		f.cut()
	}
}

// cut sorts the hits and forgets those that are too many.
func (f *firstHits) cut() {
	slices.SortFunc(f.hits, func(a, b store.Hit) int {
		c := b.Time.Compare(a.Time)
		if f.search.OldestFirst {
			c = -c
		}
		return cmp.Or(c, strings.Compare(a.ID, b.ID))
	})
	if len(f.hits) < f.want || f.want == 0 {
		return
	}
	clear(f.hits[f.want:])
	f.hits = f.hits[:f.want]
	last := f.hits[f.want-1]
	f.last = &store.Position{Millis: last.Time.UnixMilli(), ID: last.ID}
}

func (r *row) hit() store.Hit {
	return store.Hit{ID: string(r.id), Time: time.UnixMilli(r.ms).UTC(), JSON: append([]byte(nil), r.doc...)}
}

// after tells whether an alert comes behind a position in the order of a search.
func after(q store.Search, ms int64, id []byte, p *store.Position) bool {
	if ms == p.Millis {
		return string(id) > p.ID
	}
	return (ms > p.Millis) == q.OldestFirst
}
