package store

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/portvakt/portvakt/internal/store/pgtest"
)

// These tests look into the engine, so they cannot use storetest, which imports it.

// openLite opens a migrated SQLite database in a folder of the test.
func openLite(t testing.TB, change ...func(*Options)) *DB {
	t.Helper()
	o := Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "portvakt.db"), Conns: 4}
	for _, c := range change {
		c(&o)
	}
	return openFor(t, o)
}

func openPG(t testing.TB) *DB {
	t.Helper()
	return openFor(t, Options{URL: pgMigrated(t), Conns: 32})
}

// dropTestTables makes the database fit for the next test.
const dropTestTables = `DROP TABLE IF EXISTS batch_rows, engine_things, engine_links, engine_tokens, tries_left, purses`

// pgMigrated makes a migrated database that nobody has open.
func pgMigrated(t testing.TB) string {
	t.Helper()
	at := pgtest.Clone(t, pgtest.Key(Migrations()), func(url string) error {
		db, err := Open(context.Background(), Options{URL: url})
		if err != nil {
			return err
		}
		return errors.Join(db.Migrate(context.Background()), db.Close())
	})
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), at)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close(context.Background())
		if _, err := conn.Exec(context.Background(), dropTestTables); err != nil {
			t.Error(err)
		}
	})
	return at
}

func openFor(t testing.TB, o Options) *DB {
	t.Helper()
	db, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	if err := db.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return db
}

func eachEngine(t *testing.T, test func(t *testing.T, db *DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, openLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, openPG(t)) })
}

// inTx is what a flow gets, with the whole Tx as its interface's implementation.
func inTx(db *DB, ctx context.Context, fn func(*Tx) error) error {
	return InTx[*Tx](db)(ctx, fn)
}

// mustTx runs fn in a transaction that has to succeed.
func mustTx(t testing.TB, db *DB, fn func(*Tx) error) {
	t.Helper()
	if err := inTx(db, context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// must runs statements without arguments in a transaction.
func must(t testing.TB, db *DB, all ...statement) {
	t.Helper()
	mustTx(t, db, func(tx *Tx) error {
		for _, s := range all {
			if _, err := tx.exec(context.Background(), s); err != nil {
				return err
			}
		}
		return nil
	})
}

// names lists what a query of one text column answers.
func names(t testing.TB, db *DB, s statement, args ...any) []string {
	t.Helper()
	all, err := list(db.query(context.Background(), s, args...), func(scan scan) (n string, err error) {
		return n, scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var errRefused = errors.New("the flow's own refusal")
