package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Errors of Backup.
var (
	// ErrNoDatabase says that there is nothing to copy.
	ErrNoDatabase = errors.New("store: there is no database")
	// ErrNotSQLite says that the database is PostgreSQL, which has its own tools.
	ErrNotSQLite = errors.New("store: the database is PostgreSQL")
)

// Backup writes a copy of an SQLite database into a new file, also while a server uses it: a state that was, between two
// transactions, and not a later one for some tables than for others. Nobody waits for it. Until the copy is whole and on
// the disk, it does not have its name.
func Backup(ctx context.Context, url, to string) error {
	at, err := parseURL(url)
	if err != nil {
		return err
	}
	if at.dialect != sqliteDialect {
		return ErrNotSQLite
	}
	// SQLite would make an empty one.
	if _, err := os.Stat(at.place); err != nil {
		return fmt.Errorf("%w at %s: %w", ErrNoDatabase, at.place, err)
	}
	if _, err := os.Lstat(to); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s: %w", to, os.ErrExist)
	}
	partial, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".*.partial") // with the mode 0600, which SQLite keeps
	if err != nil {
		return fmt.Errorf("making the copy: %w", err)
	}
	defer os.Remove(partial.Name())
	defer partial.Close()
	if err := copyInto(ctx, at.place, partial.Name()); err != nil {
		return fmt.Errorf("copying the database: %w", err)
	}
	if err := checkCopy(ctx, partial.Name()); err != nil {
		return err
	}
	if err := partial.Sync(); err != nil {
		return fmt.Errorf("writing the copy: %w", err)
	}
	// A link refuses what a rename would replace: a file that somebody has made meanwhile.
	if err := os.Link(partial.Name(), to); errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s: %w", to, os.ErrExist)
	} else if err != nil { // a file system without links
		return os.Rename(partial.Name(), to)
	}
	return nil
}

const copyDatabase statement = `VACUUM INTO $1`

// copyInto reads in one transaction. It takes no lock of ours, which a running server holds, and none of SQLite's that a
// writer would wait for.
func copyInto(ctx context.Context, path, to string) (err error) {
	db, err := sql.Open("sqlite", liteDSN(path))
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, string(copyDatabase), to)
	return err
}

const checkPages statement = `PRAGMA quick_check`

// checkCopy reads the copy once: a backup that cannot be read is found out now and not on the day when it is needed.
func checkCopy(ctx context.Context, path string) (err error) {
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(path)+"?mode=ro&_pragma=query_only(1)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var verdict string
	if err := db.QueryRowContext(ctx, string(checkPages)).Scan(&verdict); err != nil {
		return fmt.Errorf("reading the copy: %w", err)
	}
	var tables int
	if err := db.QueryRowContext(ctx, string(hasVersionTable)).Scan(&tables); err != nil || verdict != "ok" || tables == 0 {
		return fmt.Errorf("the copy is not a whole database of Portvakt: %s, %w", verdict, errors.Join(err, ErrNoDatabase))
	}
	return nil
}
