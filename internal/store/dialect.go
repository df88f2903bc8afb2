package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// dialect names the engine, for the few places where the two must differ.
type dialect string

const (
	sqliteDialect   dialect = "sqlite"
	postgresDialect dialect = "postgres"
)

// pick chooses between the two texts of a statement that must differ.
func (d dialect) pick(sqlite, postgres statement) statement {
	if d == sqliteDialect {
		return sqlite
	}
	return postgres
}

// isUnique tells that a row with the same key exists. It is for naming the outcome of a transaction that has failed:
// a function does not go on after it.
func isUnique(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == "23505"
	}
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		switch lite.Code() {
		case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
			return true
		}
	}
	return false
}

// isRetryable tells that the database itself asks to run the same transaction again.
func isRetryable(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pg.Code == "40001" || pg.Code == "40P01") // serialization failure, deadlock
}

// isInterrupt tells that SQLite stopped a statement because its time was up.
func isInterrupt(err error) bool {
	lite, ok := errors.AsType[*sqlite.Error](err)
	return ok && lite.Code()&0xff == sqlite3.SQLITE_INTERRUPT
}

// endsBatch tells whether an error may have ended SQLite's transaction, or says something about the file or the
// machine and not about the statement. The list is of the harmless ones, so that an unknown one counts as bad.
func endsBatch(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) {
		return true // an interrupted write has rolled back the whole transaction
	}
	lite, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return false // never reached SQLite: a domain error, or a value that does not fit its Go type
	}
	switch lite.Code() & 0xff {
	case sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE:
		return false
	}
	return true
}
