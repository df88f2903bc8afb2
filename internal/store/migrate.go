package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
)

// One folder for both engines: the same tables, in the words that both understand.
//
//go:embed migrations/*.sql
var migrationFiles embed.FS

// versionTable is where goose notes what was applied.
const versionTable = "schema_version"

// Migrations is the folder of migrations that this binary carries.
func Migrations() fs.FS {
	folder, err := fs.Sub(migrationFiles, "migrations") // goose looks at the root only
	if err != nil {
		panic(err) // the folder is embedded
	}
	return folder
}

// newestMigration is the schema version that this binary makes.
func newestMigration() int64 {
	names, err := fs.Glob(Migrations(), "*.sql")
	if err != nil {
		panic(err)
	}
	var newest int64
	for _, name := range names {
		number, _, _ := strings.Cut(path.Base(name), "_")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			panic(fmt.Sprintf("store: migration %s has no number", name))
		}
		newest = max(newest, n)
	}
	return newest
}

// runMigrations applies what is missing, each migration in a transaction of its own together with its line in the
// version table: a process that dies leaves whole migrations behind.
func runMigrations(ctx context.Context, d goose.Dialect, db *sql.DB, more ...goose.ProviderOption) error {
	opts := append([]goose.ProviderOption{goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true)}, more...)
	p, err := goose.NewProvider(d, db, Migrations(), opts...)
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}
