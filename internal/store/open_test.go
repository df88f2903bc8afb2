package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/store/pgtest"
)

func TestParseURL(t *testing.T) {
	for url, want := range map[string]address{
		"sqlite:/var/lib/portvakt/p.db":   {sqliteDialect, "/var/lib/portvakt/p.db"},
		"sqlite:///var/lib/portvakt/p.db": {sqliteDialect, "/var/lib/portvakt/p.db"},
		"sqlite:p.db":                     {sqliteDialect, "p.db"},
		"data/p.db":                       {sqliteDialect, "data/p.db"},
		`C:\portvakt\p.db`:                {sqliteDialect, `C:\portvakt\p.db`},
		"postgres://a@b/c":                {postgresDialect, "postgres://a@b/c"},
		"postgresql://a@b/c":              {postgresDialect, "postgresql://a@b/c"},
	} {
		if got, err := parseURL(url); err != nil || got != want {
			t.Errorf("%s: %v, %v", url, got, err)
		}
	}
	for _, url := range []string{"", "sqlite:", ":memory:", "sqlite::memory:", "mysql://a@b/c"} {
		if got, err := parseURL(url); err == nil {
			t.Errorf("%q: accepted as %v", url, got)
		}
	}
}

func TestPathMayContainAnything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a folder? with #1, 100 % & åäö", "portvakt.db")
	openFor(t, Options{URL: path})
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestDatabaseIsForItsOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "portvakt.db")
	db := openFor(t, Options{URL: path})
	must(t, db, makeRows)
	err := filepath.WalkDir(filepath.Dir(path), func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", p, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "portvakt.db")
	first := openFor(t, Options{URL: path})
	_, err := Open(t.Context(), Options{URL: path})
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), "control socket") {
		t.Errorf("error %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	openFor(t, Options{URL: path})
}

func TestCloseLeavesOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "portvakt.db")
	db := openFor(t, Options{URL: path})
	must(t, db, makeRows)
	names(t, db, allRows)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the log is still there: %v", err)
	}
}

func TestCommitsReachTheDisk(t *testing.T) {
	db := openLite(t)
	mustTx(t, db, func(tx *Tx) error {
		for pragma, want := range map[statement]string{
			"SELECT '' || synchronous FROM pragma_synchronous":   "2", // FULL
			"SELECT journal_mode FROM pragma_journal_mode":       "wal",
			"SELECT '' || foreign_keys FROM pragma_foreign_keys": "1",
		} {
			var got string
			if _, err := tx.query(t.Context(), pragma).one(&got); err != nil || got != want {
				t.Errorf("%s: %q, %v", pragma, got, err)
			}
		}
		return nil
	})
}

func TestNetworkFileSystemIsRefused(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	says := func(kind fileSystem, err error) func(string) (fileSystem, error) {
		return func(string) (fileSystem, error) { return kind, err }
	}
	err := refuseNetworkFS("/srv", says(fileSystem{name: "NFS", network: true}, nil), log)
	if !errors.Is(err, ErrNetworkFileSystem) || !strings.Contains(err.Error(), "NFS") || !strings.Contains(err.Error(), "PostgreSQL") {
		t.Errorf("NFS: %v", err)
	}
	for name, ask := range map[string]func(string) (fileSystem, error){
		"a disk":          says(fileSystem{}, nil),
		"9p":              says(fileSystem{name: "9p", doubt: true}, nil),
		"without answer":  says(fileSystem{}, errors.New("no statfs")),
		"the test's disk": fileSystemOf,
	} {
		if err := refuseNetworkFS(t.TempDir(), ask, log); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDatabaseOfANewerVersionIsRefused(t *testing.T) {
	const newer statement = `INSERT INTO schema_version (version_id, is_applied) VALUES (9999, true)`
	check := func(t *testing.T, url string) {
		db := openFor(t, Options{URL: url})
		must(t, db, newer)
		if err := db.Ready(t.Context()); err != nil {
			t.Errorf("a node that runs while a newer one migrates goes on: %v", err)
		}
		db.Close()
		_, err := Open(t.Context(), Options{URL: url})
		if !errors.Is(err, ErrNewerSchema) || !strings.Contains(err.Error(), "9999") {
			t.Errorf("error %v", err)
		}
	}
	t.Run("sqlite", func(t *testing.T) { check(t, filepath.Join(t.TempDir(), "portvakt.db")) })
	t.Run("postgres", func(t *testing.T) { check(t, pgMigrated(t)) })
}

func TestReadyAsksForMigration(t *testing.T) {
	db, err := Open(t.Context(), Options{URL: filepath.Join(t.TempDir(), "portvakt.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Ready(t.Context()); !errors.Is(err, ErrNotMigrated) {
		t.Errorf("an empty database: %v", err)
	}
	for range 2 { // the second finds nothing to do
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestNodesMigrateOneAfterTheOther(t *testing.T) {
	url := pgtest.Database(t)
	failed := make(chan error, 6)
	for range cap(failed) {
		go func() {
			db, err := Open(context.Background(), Options{URL: url, Conns: 4})
			if err == nil {
				err = db.Migrate(context.Background())
				db.Close()
			}
			failed <- err
		}()
	}
	for range cap(failed) {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
}

func TestMigrationsHaveOneSchemaOnBothEngines(t *testing.T) {
	columns := map[string][]string{}
	eachEngine(t, func(t *testing.T, db *DB) {
		q := db.engine.dialect().pick(
			`SELECT m.name || '.' || c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY 1`,
			`SELECT (table_name || '.' || column_name) COLLATE "C" FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1`)
		for _, c := range names(t, db, q) {
			table, _, _ := strings.Cut(c, ".")
			if !strings.HasPrefix(table, "sqlite_") && table != "schema_lock" && table != versionTable {
				columns[string(db.engine.dialect())] = append(columns[string(db.engine.dialect())], c)
			}
		}
	})
	lite, pg := columns["sqlite"], columns["postgres"]
	if pg == nil {
		t.Skip("no PostgreSQL")
	}
	if strings.Join(lite, "\n") != strings.Join(pg, "\n") {
		t.Errorf("SQLite:\n%v\nPostgreSQL:\n%v", lite, pg)
	}
}

// TestForeignToolWhileClosed makes sure that the file is an ordinary one for the operator's sqlite3.
func TestForeignToolReadsTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "portvakt.db")
	db := openFor(t, Options{URL: path})
	must(t, db, makeRows, `INSERT INTO batch_rows (name) VALUES ('a')`)
	tool, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer tool.Close()
	var n int
	if err := tool.QueryRow("SELECT count(*) FROM batch_rows").Scan(&n); err != nil || n != 1 {
		t.Errorf("%d rows, %v", n, err)
	}
}

func TestForeignWriterDelaysButDoesNotBreak(t *testing.T) {
	path := filepath.Join(t.TempDir(), "portvakt.db")
	db := openFor(t, Options{URL: path})
	must(t, db, makeRows)
	tool, err := sql.Open("sqlite", path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer tool.Close()
	held, err := tool.Begin()
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(200*time.Millisecond, func() { _ = held.Rollback() })
	must(t, db, `INSERT INTO batch_rows (name) VALUES ('a')`)
}
