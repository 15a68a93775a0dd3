package embedded

import (
	"errors"
	"fmt"

	"modernc.org/sqlite" // registers the driver
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	// applicationID marks Armor's files: "ARMR".
	applicationID = 0x41524d52
	// schemaVersion counts the forms of the tables.
	schemaVersion = 2
)

// schema of a month. The hash is 57 bits of the id's SHA-256 and 6 that count the ids with the same ones: eight bytes keep the unique index small, and its random inserts are what costs. Facets are what many
// alerts share (rule, agent, manager, decoder): questions about those are answered from the counts per minute and facet, and
// from the index over time, id and facet for parts of a minute. That index is in the order of a search: a page begins where the
// last one ended, however many alerts have one time.
var schema = []string{
	`CREATE TABLE IF NOT EXISTS facets (n INTEGER PRIMARY KEY, hash INTEGER NOT NULL, doc BLOB NOT NULL)`,
	`CREATE INDEX IF NOT EXISTS facets_hash ON facets (hash)`,
	`CREATE TABLE IF NOT EXISTS alerts (n INTEGER PRIMARY KEY, hash INTEGER NOT NULL, id TEXT NOT NULL,
		time INTEGER NOT NULL, facet INTEGER NOT NULL, doc BLOB NOT NULL)`,
	`CREATE UNIQUE INDEX IF NOT EXISTS alerts_hash ON alerts (hash)`,
	`CREATE INDEX IF NOT EXISTS alerts_order ON alerts (time DESC, id, facet)`,
	`CREATE TABLE IF NOT EXISTS minutes (minute INTEGER NOT NULL, facet INTEGER NOT NULL, n INTEGER NOT NULL,
		PRIMARY KEY (minute, facet)) WITHOUT ROWID`,
	fmt.Sprintf(`PRAGMA application_id = %d`, applicationID),
	fmt.Sprintf(`PRAGMA user_version = %d`, schemaVersion),
}

// errWith gives an error of SQLite its file, and tells damage from the rest.
func errWith(path, doing string, err error) error {
	if err == nil {
		return nil
	}
	switch code(err) {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT:
		return &DamagedError{File: path, Err: err}
	}
	return fmt.Errorf("%s in %s: %w", doing, path, err)
}

// code is SQLite's primary result code; 0: the error is not SQLite's.
func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}
