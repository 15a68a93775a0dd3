package embedded

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"

	"armor/indexer/field"
	"armor/indexer/match"
	"armor/indexer/store"
)

// plan is a filter, split by how it is answered: by the span of time and the id in SQL, by the facets in memory, and
// what is left by reading the documents.
type plan struct {
	from, to int64
	id       *string
	facet    match.Condition // nil: any
	rest     match.Condition // nil: none left
	never    bool
}

func newPlan(b store.Bound) plan {
	p := plan{from: b.From, to: b.To}
	p.add(b.Condition)
	p.never = p.never || p.from > p.to
	return p
}

func (p *plan) add(c match.Condition) {
	switch c := c.(type) {
	case match.All:
		return
	case match.None:
		p.never = true
		return
	case match.And:
		for _, part := range c {
			p.add(part)
		}
		return
	case *match.Test:
		switch {
		case c.Field.Name == field.Timestamp && c.Op == match.Within:
			p.from, p.to = max(p.from, c.Low), min(p.to, c.High)
			return
		case c.Field.Name == field.ID && c.Op == match.Equal && p.id == nil:
			p.id = &c.Text
			return
		}
	}
	shared := true
	match.Fields(c, func(f field.Field) { shared = shared && inFacet(f.Path) })
	if shared {
		p.facet = both(p.facet, c)
	} else {
		p.rest = both(p.rest, c)
	}
}

func both(a, b match.Condition) match.Condition {
	if a == nil {
		return b
	}
	return match.And{a, b}
}

// facets are those of a month, as far as a question needs them.
type facets struct {
	docs  map[int64][]byte
	match []int64 // those that match; nil with all set
	all   bool
}

// loadFacets reads the facets of a month and sorts out those that match.
func loadFacets(ctx context.Context, tx *sql.Tx, c match.Condition, keep bool) (*facets, error) {
	f := &facets{all: c == nil}
	if c == nil && !keep {
		return f, nil
	}
	if keep {
		f.docs = make(map[int64][]byte)
	}
	var m *match.Matcher
	if c != nil {
		m = match.NewMatcher(c)
	}
	rows, err := tx.QueryContext(ctx, "SELECT n, doc FROM facets")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	others := 0
	for rows.Next() {
		var n int64
		var doc sql.RawBytes
		if err := rows.Scan(&n, &doc); err != nil {
			return nil, err
		}
		if m != nil && !m.Match(doc) {
			others++
			continue
		}
		if m != nil {
			f.match = append(f.match, n)
		}
		if keep {
			f.docs[n] = append([]byte(nil), doc...)
		}
	}
	if m != nil && others == 0 {
		f.all, f.match = true, nil
	}
	return f, rows.Err()
}

// set is those that match; nil: all.
func (f *facets) set() map[int64]bool {
	if f.all {
		return nil
	}
	set := make(map[int64]bool, len(f.match))
	for _, n := range f.match {
		set[n] = true
	}
	return set
}

// join adds those that match by another condition.
func (f *facets) join(o *facets) {
	if f.all = f.all || o.all; f.all {
		f.match = nil
		return
	}
	f.match = append(f.match, o.match...)
	slices.Sort(f.match)
	f.match = slices.Compact(f.match)
}

// facetValues are the values of a field that stands in the facets.
type facetValues struct {
	of   map[int64][]int // numbers of a facet's values
	keys []string        // by number
}

// values reads the values out of facets that were kept.
func (f *facets) values(of field.Field) facetValues {
	v := facetValues{of: make(map[int64][]int, len(f.docs))}
	s := match.NewScan()
	s.Field(of)
	for n, doc := range f.docs {
		s.Read(doc)
		for _, number := range s.Values(0) {
			if v.of[n] = append(v.of[n], number); number == len(v.keys) {
				v.keys = append(v.keys, s.Key(0, number))
			}
		}
	}
	return v
}

// where is the SQL condition on the table alerts.
func (p *plan) where(f *facets) (string, []any) {
	args := []any{p.from, p.to}
	condition := "time >= ? AND time <= ?"
	if p.id != nil {
		condition = "+time >= ? AND +time <= ? AND id = ? AND hash >= ? AND hash <= ?" // found by its hash
		h := hash63(*p.id)
		args = append(args, *p.id, h, h|(maxChain-1))
	}
	return condition + f.where(), args
}

// where is the SQL condition on the facet.
func (f *facets) where() string {
	if f.all {
		return ""
	}
	var b strings.Builder
	b.WriteString(" AND facet IN (")
	for i, n := range f.match {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatInt(n, 10))
	}
	b.WriteByte(')')
	return b.String()
}

// maxChain is the length of the run of hashes in which an id stands: at its own, or behind it where others have that too,
// which one pair of ids has in about thirty months of a hundred million each.
const maxChain = 64
