package embedded

import (
	"context"
	"database/sql"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// month is one month's file under one question.
type month struct {
	tx *sql.Tx // the question's view of the file
	db *sql.DB
}

const (
	// stretchesEach is how many stretches of rows there are for each processor: some take longer than others.
	stretchesEach = 8
	// leastRows is the fewest rows of a stretch: fewer are not worth another view of the file.
	leastRows = 1000
)

// stretch is a part of the rows that a plan wants: a condition on the table alerts.
type stretch struct {
	where string
	args  []any
}

// stretches cuts what a plan wants of a month into parts. They hold rows that tx sees, and only those: a view that begins later
// sees the same in them, for rows never change. A plan that wants much of the month reads the table from end to end, without
// the index. A part has at least so many rows, on the average.
func (p *plan) stretches(ctx context.Context, tx *sql.Tx, f *facets, least int64) ([]stretch, error) {
	if p.id != nil {
		where, args := p.where(f)
		return []stretch{{where, args}}, nil
	}
	var last, oldest, newest sql.NullInt64
	if err := tx.QueryRowContext(ctx, "SELECT (SELECT max(n) FROM alerts), (SELECT min(time) FROM alerts), (SELECT max(time) FROM alerts)").
		Scan(&last, &oldest, &newest); err != nil {
		return nil, err
	}
	if !last.Valid {
		return nil, nil
	}
	from, to := max(p.from, oldest.Int64), min(p.to, newest.Int64)
	wanted := last.Int64
	if !f.all || from > oldest.Int64 || to < newest.Int64 {
		wanted = 0
		err := p.grouped(ctx, tx, f, false, 0, func(_, _ int64, n uint64) error { wanted += int64(n); return nil })
		if err != nil || wanted == 0 {
			return nil, err
		}
	}
	parts := max(1, min(int64(stretchesEach*runtime.GOMAXPROCS(0)), wanted/least))
	var list []stretch
	if wanted >= last.Int64/4 {
		step := last.Int64/parts + 1
		for n := int64(1); n <= last.Int64; n += step {
			list = append(list, stretch{"n >= ? AND n <= ? AND +time >= ? AND +time <= ?" + f.where(), []any{n, min(n+step-1, last.Int64), from, to}})
		}
		return list, nil
	}
	step := (to-from)/parts + 1
	for t := from; t <= to; t += step {
		list = append(list, stretch{"time >= ? AND time <= ? AND +n <= ?" + f.where(), []any{t, min(t+step-1, to), last.Int64}})
	}
	return list, nil
}

// row is one alert. Its bytes are valid until the next one.
type row struct {
	facet, ms int64
	id, doc   sql.RawBytes
}

// rowTaker is given the rows of stretches, one after the other.
type rowTaker func(*row) error

func (s *stretch) read(ctx context.Context, tx *sql.Tx, take rowTaker) error {
	rows, err := tx.QueryContext(ctx, "SELECT facet, time, id, doc FROM alerts WHERE "+s.where, s.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var r row
	for rows.Next() {
		if err := rows.Scan(&r.facet, &r.ms, &r.id, &r.doc); err != nil {
			return err
		}
		if err := take(&r); err != nil {
			return err
		}
	}
	return rows.Err()
}

// readStretches reads stretches of a month, in any order, on the caller's processor and on those that no other question uses.
// Start is called for each of these, by one at a time, and gives what takes the rows there.
func (s *Store) readStretches(ctx context.Context, m *month, list []stretch, start func() rowTaker) error {
	var starting sync.Mutex
	var next atomic.Int64
	read := func(ctx context.Context, tx *sql.Tx) error {
		var take rowTaker
		for {
			n := int(next.Add(1)) - 1
			if n >= len(list) {
				return nil
			}
			if take == nil {
				starting.Lock()
				take = start()
				starting.Unlock()
			}
			if err := list[n].read(ctx, tx, take); err != nil {
				return err
			}
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	free, taken := context.WithCancel(ctx) // until every stretch has its reader
	defer taken()
	var others sync.WaitGroup
	for range len(list) - 1 {
		if !s.spare.take() {
			break
		}
		others.Go(func() {
			defer s.spare.give()
			if err := beside(ctx, free, m.db, read); err != nil {
				cancel(err)
			}
		})
	}
	if err := read(ctx, m.tx); err != nil {
		cancel(err)
	}
	taken()
	others.Wait()
	return context.Cause(ctx)
}

// beside reads with a view of its own, if it gets one while it is wanted.
func beside(ctx, free context.Context, db *sql.DB, read func(context.Context, *sql.Tx) error) error {
	conn, err := db.Conn(free)
	if err != nil {
		return nil // the others read everything
	}
	defer conn.Close()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("beginning to read beside another: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	return read(ctx, tx)
}

// spare counts the processors that questions may use beside their own.
type spare struct{ used atomic.Int64 }

func (s *spare) take() bool {
	if s.used.Add(1) < int64(runtime.GOMAXPROCS(0)) {
		return true
	}
	s.give()
	return false
}

func (s *spare) give() { s.used.Add(-1) }
