// Package store keeps everything that Portvakt must not forget, in SQLite or in PostgreSQL.
//
// It is the only package with SQL in it. The flows declare what they need as small Store and Tx interfaces of their
// own; *DB and *Tx have the methods, and InTx joins the two. One SQL text and one folder of migrations serve both
// engines. A feature's SQL stands in the file of its name (recovery.go, session.go, …), as constants of the type
// statement beside the methods that use them; the other files are the engine: they know no feature.
//
// It is not a cache and not an object mapper, and it decides nothing: what may be consumed, and when, is said by the
// statement that a flow's method stands for.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/portvakt/portvakt/internal/authn"
)

// Options say which database to open, and how.
type Options struct {
	// URL is "sqlite:PATH", a bare path (SQLite as well), or "postgres://…".
	URL string
	// Log receives what an operator should know; nil discards it.
	Log *slog.Logger
	// Now is the clock of this process; nil is time.Now.
	Now func() time.Time
	// Conns is the number of connections: SQLite's readers, or PostgreSQL's pool. 0 chooses by the machine.
	// A pool_max_conns in PostgreSQL's URL wins.
	Conns int

	pragmas []string // more of SQLite's, for tests
}

// Errors that a caller can tell apart.
var (
	// ErrClosed is the answer to everything that comes after Close.
	ErrClosed = errors.New("store: the database is closed")
	// ErrNewerSchema says that a newer Portvakt has migrated this database.
	ErrNewerSchema = errors.New("store: the database belongs to a newer version of Portvakt")
	// ErrNotMigrated says that migrations of this binary are missing in the database.
	ErrNotMigrated = errors.New("store: the database is not migrated")
	// ErrNetworkFileSystem says that SQLite's file would lie where its locks and its log cannot be trusted.
	ErrNetworkFileSystem = errors.New("store: the database lies on a network file system")
	// ErrInUse says that another process has the SQLite database open.
	ErrInUse = errors.New("store: another process uses this database")
	// ErrSlow says that a transaction's function held SQLite's one writer for too long and was rolled back.
	ErrSlow = errors.New("store: the transaction took too long")
	// ErrCommitUnknown says that the connection was lost during COMMIT: the effect may or may not be there. A retry
	// resolves it, because consuming statements write their operation's id and find it again.
	ErrCommitUnknown = fmt.Errorf("store: the outcome of the commit is unknown: %w", authn.ErrOutcomeUnknown)
	// ErrClockSkew says that this machine's clock and the database's are too far apart.
	ErrClockSkew = errors.New("store: the clock of this machine differs from the database's")
)

// DB is an open database. It is safe for concurrent use.
type DB struct {
	engine engine
	log    *slog.Logger
	now    func() time.Time
	counts counters
}

// engine is what SQLite and PostgreSQL do differently.
type engine interface {
	source // reading outside a transaction
	// transact runs the call's function in a writing transaction.
	transact(ctx context.Context, j *call) error
	// migrate brings the schema to this binary's version.
	migrate(ctx context.Context) error
	// schemaVersion is 0 for an empty database.
	schemaVersion(ctx context.Context) (int64, error)
	// clock is the database's own clock; false where it is this machine's.
	clock(ctx context.Context) (time.Time, bool, error)
	dialect() dialect
	close() error
}

// Open opens the database and refuses, with a reason and a way on, what it could not keep safe: SQLite on a network
// file system, a file that another process holds, a schema of a newer version. It changes no schema: that is Migrate.
func Open(ctx context.Context, o Options) (*DB, error) {
	at, err := parseURL(o.URL)
	if err != nil {
		return nil, err
	}
	db := &DB{log: o.Log, now: o.Now}
	if db.log == nil {
		db.log = slog.New(slog.DiscardHandler)
	}
	if db.now == nil {
		db.now = time.Now
	}
	if at.dialect == sqliteDialect {
		db.engine, err = openSQLite(ctx, at.place, o, db)
	} else {
		db.engine, err = openPostgres(ctx, at.place, o.Conns, db)
	}
	if err != nil {
		return nil, err
	}
	have, err := db.engine.schemaVersion(ctx)
	if err == nil {
		if newest := newestMigration(); have > newest {
			err = fmt.Errorf("%w: its schema is %d, this binary knows up to %d; "+
				"start the newer version, or restore the backup from before the upgrade", ErrNewerSchema, have, newest)
		}
	}
	if err != nil {
		db.engine.close()
		return nil, err
	}
	return db, nil
}

// Close waits for the transactions under way, closes the connections and releases SQLite's lock.
func (db *DB) Close() error { return db.engine.close() }

// Migrate brings the schema to this binary's version. Several nodes may call it at once: one works, the others wait.
func (db *DB) Migrate(ctx context.Context) error {
	have, err := db.engine.schemaVersion(ctx)
	if err != nil || have >= newestMigration() {
		return err
	}
	if err := db.engine.migrate(ctx); err != nil {
		return fmt.Errorf("migrating the database: %w", err)
	}
	return nil
}

// Ready says why this node must not serve: database out of reach, schema not migrated or newer, clocks apart.
func (db *DB) Ready(ctx context.Context) error {
	have, err := db.engine.schemaVersion(ctx)
	if err != nil {
		return err
	}
	switch newest := newestMigration(); {
	case have < newest:
		return fmt.Errorf("%w: it has schema %d of %d; run portvakt migrate", ErrNotMigrated, have, newest)
	case have > newest:
		// A rolling upgrade: the newer node has migrated, this one still runs. Migrations keep the former version working.
	}
	return db.CheckClock(ctx)
}

// maxSkew is RULES' bound: expiries and leases are compared with the clocks of several nodes.
const maxSkew = 2 * time.Second

// CheckClock compares this machine's clock with the database's; more than two seconds apart is ErrClockSkew.
func (db *DB) CheckClock(ctx context.Context) error {
	before := db.now()
	theirs, separate, err := db.engine.clock(ctx)
	if err != nil || !separate {
		return err
	}
	after := db.now()
	// The database looked at its clock at some moment in between: only what is outside of both counts.
	var off time.Duration
	switch {
	case theirs.Before(before):
		off = before.Sub(theirs)
	case theirs.After(after):
		off = theirs.Sub(after)
	}
	if off > maxSkew {
		return fmt.Errorf("%w by %s; synchronise both with NTP", ErrClockSkew, off.Round(time.Millisecond))
	}
	return nil
}

// InTx is the bridge between a flow, which declares the interface T with just the methods it needs, and the
// transaction value, which has them all:
//
//	recovery.Service{InTx: store.InTx[recovery.Tx](db), …}
//
// The function it is given runs again after a serialization failure or a failed neighbour, perhaps several times: it
// has no effect outside of its Tx, and sets variables around it only at its end. It starts no other transaction and
// waits for nothing: on SQLite everybody waits for it. An error rolls all of it back. Nothing is answered before
// COMMIT. The context counts while the call waits for its turn; once the function runs, it runs to its end.
//
// It panics at once, when the program is put together, if *Tx lacks a method of T.
func InTx[T any](db *DB) func(ctx context.Context, fn func(T) error) error {
	return inLane[T](db, interactive)
}

// InBulkTx is InTx for bulk work (imports, housekeeping), in chunks of at most 500 rows: it gives way to everybody
// who waits for an answer.
func InBulkTx[T any](db *DB) func(ctx context.Context, fn func(T) error) error {
	return inLane[T](db, bulk)
}

func inLane[T any](db *DB, l lane) func(ctx context.Context, fn func(T) error) error {
	if _, ok := any((*Tx)(nil)).(T); !ok {
		panic(fmt.Sprintf("store: *Tx does not implement %T: a method of it is missing in this package", (*T)(nil)))
	}
	return func(ctx context.Context, fn func(T) error) error {
		return db.transact(ctx, l, fn, func(tx *Tx) error { return fn(any(tx).(T)) })
	}
}

// transact runs fn in a transaction; origin is the caller's own function, for its name in the log.
func (db *DB) transact(ctx context.Context, l lane, origin any, fn func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return db.engine.transact(ctx, newCall(l, tallyOf(ctx), origin, fn))
}
