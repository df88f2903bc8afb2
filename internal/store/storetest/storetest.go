// Package storetest gives a test a fresh, migrated database, on SQLite and on PostgreSQL. Portvakt has no mock of its
// own store: a real one is there in milliseconds.
//
// PostgreSQL is the server that PORTVAKT_TEST_PG names (make test starts one for all packages), else one that is
// started for the test binary, else the test is skipped; in CI it fails instead.
package storetest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/portvakt/portvakt/internal/store"
	"github.com/portvakt/portvakt/internal/store/pgtest"
)

// Each runs the test on both engines, as subtests "sqlite" and "postgres".
func Each(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, Postgres(t)) })
}

// SQLite opens a database of its own for the test, which closes it at its end.
func SQLite(t testing.TB) *store.DB {
	t.Helper()
	return open(t, "sqlite:"+SQLiteFile(t))
}

// Postgres opens a database of its own for the test, which drops it at its end.
func Postgres(t testing.TB) *store.DB {
	t.Helper()
	return open(t, PostgresURL(t))
}

// SQLiteFile makes a migrated database that nobody has open, for tests that start the program.
func SQLiteFile(t testing.TB) string {
	t.Helper()
	content, err := migratedFile()
	if err != nil {
		t.Fatalf("making the template file: %v", err)
	}
	path := filepath.Join(t.TempDir(), "portvakt.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// PostgresURL makes a migrated database that nobody has open, for tests that start the program.
func PostgresURL(t testing.TB) string {
	t.Helper()
	return pgtest.Clone(t, pgtest.Key(store.Migrations()), migrate)
}

func open(t testing.TB, url string) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), store.Options{URL: url, Conns: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("closing the database: %v", err)
		}
	})
	return db
}

// migratedFile is made once for a test binary: copying is quicker than migrating.
var migratedFile = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "portvakt-template-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "template.db")
	if err := migrate("sqlite:" + path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func migrate(url string) error {
	ctx := context.Background()
	db, err := store.Open(ctx, store.Options{URL: url})
	if err != nil {
		return err
	}
	if err := db.Migrate(ctx); err != nil {
		db.Close()
		return err
	}
	return db.Close()
}
