package embedded

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"slices"
	"time"

	"armor/indexer/store"
)

// Search finds documents. A query on what alerts share (rule, agent, manager, decoder, time, id) is answered from the
// index; any other reads the documents of the span.
func (s *Store) Search(ctx context.Context, q store.Search) (store.Page, error) {
	if err := q.Check(); err != nil {
		return store.Page{}, err
	}
	bound, err := q.Filter.Check(s.now())
	if err != nil {
		return store.Page{}, err
	}
	var page store.Page
	p := newPlan(bound)
	err = s.eachMonth(ctx, p, q.OldestFirst, func(m *month) error {
		f, err := loadFacets(ctx, m.tx, p.facet, false)
		if err != nil {
			return err
		}
		if p.rest != nil {
			return s.scan(ctx, m, p, f, q, &page)
		}
		if q.Uncounted {
			if len(page.Hits) > q.Size || q.Size == 0 {
				return nil
			}
			return p.page(ctx, m.tx, f, q, &page)
		}
		var n uint64
		if err := p.grouped(ctx, m.tx, f, false, 0, func(_, _ int64, part uint64) error { n += part; return nil }); err != nil {
			return err
		}
		page.Total += n
		if n == 0 || len(page.Hits) > q.Size || q.Size == 0 {
			return nil
		}
		return p.page(ctx, m.tx, f, q, &page)
	})
	if err != nil {
		return store.Page{}, err
	}
	if q.Uncounted {
		page.Total = 0
	}
	if len(page.Hits) > q.Size {
		page.Hits = page.Hits[:q.Size]
		if q.Size > 0 {
			last := page.Hits[q.Size-1]
			page.Next = &store.Position{Millis: last.Time.UnixMilli(), ID: last.ID}
		}
	}
	return page, nil
}

// eachMonth calls f for every month that a plan touches, newest first or oldest first, each in a transaction of its own.
func (s *Store) eachMonth(ctx context.Context, p plan, oldestFirst bool, f func(*month) error) error {
	if p.never {
		return nil
	}
	s.files.RLock()
	defer s.files.RUnlock()
	months, err := s.months()
	if err != nil {
		return err
	}
	if oldestFirst {
		slices.Reverse(months)
	}
	first := store.Month.Name(time.UnixMilli(max(p.from, minMillis)))
	last := store.Month.Name(time.UnixMilli(min(p.to, maxMillis)))
	for _, month := range months {
		if month < first || month > last {
			continue
		}
		if err := s.inMonth(ctx, month, f); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				continue // deleted meanwhile by the writer's retention
			}
			return err
		}
	}
	return ctx.Err()
}

// Bounds of the times that a month can be named for.
var (
	minMillis = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	maxMillis = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC).UnixMilli()
)

func (s *Store) inMonth(ctx context.Context, name string, f func(*month) error) error {
	r, err := s.acquire(ctx, name)
	if err != nil {
		return err
	}
	defer s.release(name, r)
	version, err := checkVersion(ctx, r.db, r.path)
	if err != nil || version == 0 { // no tables yet: its writer has just made it
		return err
	}
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return errWith(r.path, "reading alerts", err)
	}
	defer func() { _ = tx.Rollback() }()
	return errWith(r.path, "reading alerts", f(&month{tx, r.db}))
}

// page reads the hits that a page still wants, and one more.
func (p *plan) page(ctx context.Context, tx *sql.Tx, f *facets, q store.Search, page *store.Page) error {
	if q.After == nil {
		return p.hits(ctx, tx, f, q, page, "")
	}
	// First the rest of those that have the position's time: two ranges of the index rather than one to look through.
	if err := p.hits(ctx, tx, f, q, page, " AND time = ? AND id > ?", q.After.Millis, q.After.ID); err != nil {
		return err
	}
	return p.hits(ctx, tx, f, q, page, " AND time "+behind(q)+" ?", q.After.Millis)
}

// behind compares the times that a search gives later with its position, and order sorts by time and id.
func behind(q store.Search) string {
	if q.OldestFirst {
		return ">"
	}
	return "<"
}

func order(q store.Search) string {
	if q.OldestFirst {
		return " ORDER BY time, id"
	}
	return " ORDER BY time DESC, id"
}

// hits adds alerts to a page until it has all that it wants and one more.
func (p *plan) hits(ctx context.Context, tx *sql.Tx, f *facets, q store.Search, page *store.Page, more string, moreArgs ...any) error {
	most := q.Size + 1
	if len(page.Hits) >= most {
		return nil
	}
	where, args := p.where(f)
	args = append(append(args, moreArgs...), most-len(page.Hits))
	rows, err := tx.QueryContext(ctx, "SELECT time, id, doc FROM alerts WHERE "+where+more+order(q)+" LIMIT ?", args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var ms int64
		var h store.Hit
		if err := rows.Scan(&ms, &h.ID, &h.JSON); err != nil {
			return err
		}
		h.Time = time.UnixMilli(ms).UTC()
		page.Hits = append(page.Hits, h)
	}
	return rows.Err()
}
