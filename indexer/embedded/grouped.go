package embedded

import (
	"context"
	"database/sql"
)

// grouped counts in SQL what matches, without reading documents: by facet where that is wanted (else the facet is 0), and by
// span of time with an interval in milliseconds. Whole minutes are taken from the counts per minute, the rest from the index.
// A facet and span may come in several parts.
func (p *plan) grouped(ctx context.Context, tx *sql.Tx, f *facets, byFacet bool, interval int64, each func(facet, start int64, n uint64) error) error {
	if p.id != nil || interval%minute != 0 {
		where, args := p.where(f)
		return sum(ctx, tx, "alerts", "count(*)", "time", byFacet, interval, where, args, each)
	}
	from, to := max(p.from, minMillis), min(p.to, maxMillis+minute*60*24)
	first, last := floorDiv(from-1, minute)+1, floorDiv(to+1, minute)-1 // the whole minutes
	if first > last {
		where, args := p.where(f)
		return sum(ctx, tx, "alerts", "count(*)", "time", byFacet, interval, where, args, each)
	}
	for _, edge := range [][2]int64{{from, first*minute - 1}, {(last + 1) * minute, to}} {
		if edge[0] > edge[1] {
			continue
		}
		err := sum(ctx, tx, "alerts", "count(*)", "time", byFacet, interval, "time >= ? AND time <= ?"+f.where(), []any{edge[0], edge[1]}, each)
		if err != nil {
			return err
		}
	}
	return sum(ctx, tx, "minutes", "sum(n)", "minute * 60000", byFacet, interval, "minute >= ? AND minute <= ?"+f.where(), []any{first, last}, each)
}

// sum asks one table.
func sum(ctx context.Context, tx *sql.Tx, table, count, time string, byFacet bool, interval int64, where string, args []any,
	each func(facet, start int64, n uint64) error) error {
	facet, start, group := "0", "0", ""
	switch {
	case byFacet && interval > 0:
		facet, group = "facet", " GROUP BY f, s"
	case byFacet:
		facet, group = "facet", " GROUP BY f"
	case interval > 0:
		group = " GROUP BY s"
	}
	if interval > 0 {
		// Rounds down, before 1970 too. The other parameters follow ?1.
		start = "((" + time + ") - (((" + time + ") % ?1) + ?1) % ?1)"
		args = append([]any{interval}, args...)
	}
	rows, err := tx.QueryContext(ctx, "SELECT "+facet+" AS f, "+start+" AS s, coalesce("+count+", 0) FROM "+table+" WHERE "+where+group, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var facet, start int64
		var n uint64
		if err := rows.Scan(&facet, &start, &n); err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		if err := each(facet, start, n); err != nil {
			return err
		}
	}
	return rows.Err()
}
