package embedded

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"armor/indexer/store"
)

const (
	// chunk is how many alerts one statement inserts.
	chunk = 50
	// facetsKept bounds the facets of a month whose numbers are kept in memory.
	facetsKept = 20_000
)

// writer writes one month.
type writer struct {
	path   string
	db     *sql.DB
	facets map[string]int64
	f      faceter
	args   []any
	used   uint64 // when it was last used, in writes
}

// openWriter opens or makes the file of a month.
func openWriter(ctx context.Context, path string) (*writer, error) {
	if err := checkHeader(path); errors.Is(err, fs.ErrNotExist) {
		if err := makePrivate(path); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", dsn(path, "_pragma=busy_timeout(10000)", "_pragma=journal_mode(WAL)",
		"_pragma=synchronous(FULL)", "_pragma=cache_size(-65536)", "_pragma=wal_autocheckpoint(8000)", "_txlock=immediate"))
	if err != nil {
		return nil, errWith(path, "opening alerts", err)
	}
	db.SetMaxOpenConns(1)
	w := &writer{path: path, db: db, facets: make(map[string]int64)}
	if err := w.prepare(ctx); err != nil {
		_ = db.Close()
		return nil, err
	}
	return w, nil
}

// makePrivate makes an empty file that only this user reads; SQLite gives its other files the same rights.
func makePrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return fmt.Errorf("making a month of alerts: %w", err)
	}
	return nil
}

// prepare makes the tables of a new file, or checks those of an old one.
func (w *writer) prepare(ctx context.Context) error {
	version, err := checkVersion(ctx, w.db, w.path)
	if err != nil || version == schemaVersion {
		return err
	}
	tx, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		return errWith(w.path, "making tables", err)
	}
	defer func() { _ = tx.Rollback() }()
	for _, statement := range schema {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return errWith(w.path, "making tables", err)
		}
	}
	return errWith(w.path, "making tables", tx.Commit())
}

// checkVersion gives the form of a file's tables; 0: it has none yet.
func checkVersion(ctx context.Context, db *sql.DB, path string) (version int, err error) {
	var id, tables int
	if err := db.QueryRowContext(ctx, `SELECT (SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)`).Scan(&id, &version, &tables); err != nil {
		return 0, errWith(path, "reading the header", err)
	}
	switch {
	case tables == 0 && version == 0:
		return 0, nil
	case id != applicationID:
		return 0, store.Permanent("%s is a SQLite file, but not one of Armor's: move it away", path)
	case version != schemaVersion:
		return 0, store.Permanent("%s was written by another version of Armor (form %d, this one reads %d): use that version, or move the file away",
			path, version, schemaVersion)
	}
	return version, nil
}

func (w *writer) close() error {
	if err := w.db.Close(); err != nil {
		return errWith(w.path, "closing alerts", err)
	}
	return nil
}

// write stores documents of the month in one transaction, and sets their outcome.
func (w *writer) write(ctx context.Context, docs []*store.Document, results []*store.Result) error {
	tx, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		return errWith(w.path, "writing alerts", err)
	}
	err = w.insertAll(ctx, tx, docs, results)
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		_ = tx.Rollback()
		clear(w.facets) // numbers given in this transaction are void
		return errWith(w.path, "writing alerts", err)
	}
	return nil
}

func (w *writer) insertAll(ctx context.Context, tx *sql.Tx, docs []*store.Document, results []*store.Result) error {
	var whole *sql.Stmt
	counts := make(map[minuteOf]int64)
	for len(docs) > 0 {
		n := min(chunk, len(docs))
		args := w.args[:0]
		for _, d := range docs[:n] {
			facet, err := w.facetOf(ctx, tx, d.JSON)
			if err != nil {
				return err
			}
			args = append(args, hash63(d.ID), d.ID, d.Time.UnixMilli(), facet, d.JSON)
		}
		w.args = args
		var err error
		if n == chunk && whole == nil {
			if whole, err = tx.PrepareContext(ctx, insertStatement(chunk)); err != nil {
				return err
			}
			defer whole.Close()
		}
		var r sql.Result
		if n == chunk {
			r, err = whole.ExecContext(ctx, args...)
		} else {
			r, err = tx.ExecContext(ctx, insertStatement(n), args...)
		}
		if err != nil {
			return err
		}
		inserted, err := r.RowsAffected()
		if err != nil {
			return err
		}
		last, err := r.LastInsertId()
		if err != nil {
			return err
		}
		if inserted == int64(n) {
			for _, r := range results[:n] {
				*r = store.Result{Outcome: store.Created}
			}
		} else if err := w.sortOut(ctx, tx, args, results[:n], inserted, last); err != nil {
			return err
		}
		for i, r := range results[:n] {
			if r.Outcome == store.Created {
				counts[minuteOf{floorDiv(docs[i].Time.UnixMilli(), minute), args[i*columns+3].(int64)}]++
			}
		}
		docs, results = docs[n:], results[n:]
	}
	return addCounts(ctx, tx, counts)
}

// minuteOf is a row of the counts per minute.
type minuteOf struct{ minute, facet int64 }

// minute in milliseconds.
const minute = 60_000

// addCounts adds what a transaction has created to the counts per minute.
func addCounts(ctx context.Context, tx *sql.Tx, counts map[minuteOf]int64) error {
	if len(counts) == 0 {
		return nil
	}
	add, err := tx.PrepareContext(ctx, "INSERT INTO minutes (minute, facet, n) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n")
	if err != nil {
		return err
	}
	defer add.Close()
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b minuteOf) int {
		return cmp.Or(cmp.Compare(a.minute, b.minute), cmp.Compare(a.facet, b.facet))
	})
	for _, k := range keys {
		if _, err := add.ExecContext(ctx, k.minute, k.facet, counts[k]); err != nil {
			return err
		}
	}
	return nil
}

// floorDiv divides and rounds down, below zero too.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// columns is the number of values of a row.
const columns = 5

func insertStatement(rows int) string {
	return "INSERT OR IGNORE INTO alerts (hash, id, time, facet, doc) VALUES (?,?,?,?,?)" + strings.Repeat(",(?,?,?,?,?)", rows-1)
}

// sortOut finds out which alerts of a statement were inserted: the rows from last-inserted on are new. The others were
// there already, unless another id has their hash.
func (w *writer) sortOut(ctx context.Context, tx *sql.Tx, args []any, results []*store.Result, inserted, last int64) error {
	first := last - inserted + 1
	if inserted == 0 {
		first = 1<<63 - 1
	}
	taken := make(map[string]bool, len(results)) // ids that an earlier document of the statement has created
	for i, result := range results {
		row := args[i*columns : (i+1)*columns]
		hash, id := row[0].(int64), row[1].(string)
		for {
			var n int64
			var there string
			err := tx.QueryRowContext(ctx, "SELECT n, id FROM alerts WHERE hash = ?", hash).Scan(&n, &there)
			if errors.Is(err, sql.ErrNoRows) {
				row[0] = hash
				if _, err := tx.ExecContext(ctx, insertStatement(1), row...); err != nil {
					return err
				}
				result.Outcome = store.Created
				break
			}
			if err != nil {
				return err
			}
			if there == id {
				result.Outcome = store.Duplicate
				if n >= first && n <= last && !taken[id] {
					result.Outcome = store.Created
				}
				break
			}
			if hash++; hash%maxChain == 0 {
				return fmt.Errorf("alert %s: %d other ids have its hash", id, maxChain)
			}
		}
		taken[id] = true
	}
	return nil
}

// facetOf gives the number of a document's facet, making one where it is new.
func (w *writer) facetOf(ctx context.Context, tx *sql.Tx, doc []byte) (int64, error) {
	facet := w.f.facet(doc)
	if n, ok := w.facets[string(facet)]; ok {
		return n, nil
	}
	n, err := findFacet(ctx, tx, facet)
	if err != nil {
		return 0, err
	}
	if n == 0 {
		r, err := tx.ExecContext(ctx, "INSERT INTO facets (hash, doc) VALUES (?, ?)", hash63(facet), facet)
		if err != nil {
			return 0, err
		}
		if n, err = r.LastInsertId(); err != nil {
			return 0, err
		}
	}
	if len(w.facets) >= facetsKept {
		clear(w.facets)
	}
	w.facets[string(facet)] = n
	return n, nil
}

func findFacet(ctx context.Context, tx *sql.Tx, facet []byte) (int64, error) {
	rows, err := tx.QueryContext(ctx, "SELECT n, doc FROM facets WHERE hash = ?", hash63(facet))
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		var doc sql.RawBytes
		if err := rows.Scan(&n, &doc); err != nil {
			return 0, err
		}
		if string(doc) == string(facet) {
			return n, nil
		}
	}
	return 0, rows.Err()
}
