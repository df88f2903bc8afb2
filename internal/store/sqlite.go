package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// lite is the SQLite engine: one writer, several readers, one process.
type lite struct {
	path    string
	lock    *fileLock
	writer  *writer
	writing *sql.DB
	readers *sql.DB
	stmts   sync.Map // statement → *sql.Stmt of the readers
	closing sync.Once
}

// Every connection: WAL so that readers and the writer do not wait for each other, and a commit that survives the
// machine's fall, not only the process'.
var litePragmas = []string{
	"busy_timeout(5000)", // first: the others may meet a lock, as of a backup tool
	"journal_mode(wal)",
	"synchronous(full)",
	"foreign_keys(1)",
	"cache_size(-4096)", // KiB, for each: what everybody reads. The system keeps the rest of the file, once for all of them
	"temp_store(memory)",
	"journal_size_limit(67108864)",
}

func openSQLite(ctx context.Context, path string, o Options, owner *DB) (_ *lite, err error) {
	if path, err = realPath(path); err != nil {
		return nil, err
	}
	dir := filepath.Dir(path)
	if err := refuseNetworkFS(dir, fileSystemOf, owner.log); err != nil {
		return nil, err
	}
	l := &lite{path: path}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if l.lock, err = lockDatabase(path); err != nil {
		return nil, err
	}
	// SQLite gives its log and its index the mode of the database.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	f.Close()

	if l.writing, err = sql.Open("sqlite", liteDSN(path, o.pragmas...)); err != nil {
		return nil, err
	}
	l.writing.SetMaxOpenConns(1)
	var mode string
	if err := l.writing.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return nil, fmt.Errorf("opening the database %s: %w", path, err)
	}
	if mode != "wal" {
		return nil, fmt.Errorf("%w: SQLite cannot keep its log on the file system of %s (journal mode %q); %s",
			ErrNetworkFileSystem, dir, mode, localDisk)
	}
	conns := o.Conns
	if conns == 0 {
		conns = min(8, max(4, runtime.GOMAXPROCS(0)))
	}
	if l.readers, err = sql.Open("sqlite", liteDSN(path, "query_only(1)")); err != nil {
		return nil, err
	}
	l.readers.SetMaxOpenConns(conns)
	l.readers.SetMaxIdleConns(conns)
	l.writer = startWriter(l.writing, owner)
	return l, nil
}

// realPath makes the folder and follows links to where the file is, or will be: one database must have one path, or two
// processes would lock it under two names.
func realPath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(path)
	if !errors.Is(err, os.ErrNotExist) {
		return real, err
	}
	if target, err := os.Readlink(path); err == nil { // a link to what is not there yet
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		return realPath(target)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("making the database's folder: %w", err)
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	return filepath.Join(dir, filepath.Base(path)), err
}

func liteDSN(path string, more ...string) string {
	q := url.Values{"_pragma": append(append([]string{}, litePragmas...), more...)}
	return "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?" + q.Encode()
}

func (l *lite) dialect() dialect { return sqliteDialect }

func (l *lite) transact(ctx context.Context, j *call) error { return l.writer.queue.wait(ctx, j) }

func (l *lite) open(ctx context.Context, s statement, args []any) (cursor, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// A read takes microseconds, and as much again if it can be cancelled in the middle. A long list stops between rows.
	ctx = context.Background()
	st, err := l.prepared(ctx, s)
	if err != nil {
		return nil, err
	}
	rows, err := st.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	return sqlCursor{rows}, nil
}

// prepared returns the readers' statement; database/sql prepares it once on each connection.
func (l *lite) prepared(ctx context.Context, s statement) (*sql.Stmt, error) {
	if st, ok := l.stmts.Load(s); ok {
		return st.(*sql.Stmt), nil
	}
	st, err := l.readers.PrepareContext(ctx, string(s))
	if err != nil {
		return nil, err
	}
	if first, taken := l.stmts.LoadOrStore(s, st); taken {
		_ = st.Close()
		return first.(*sql.Stmt), nil
	}
	return st, nil
}

const (
	hasVersionTable statement = `SELECT count(*) FROM sqlite_schema WHERE name = '` + versionTable + `'`
	schemaVersion   statement = `SELECT COALESCE(MAX(version_id), 0) FROM ` + versionTable + ` WHERE is_applied`
)

func (l *lite) schemaVersion(ctx context.Context) (version int64, err error) {
	var tables int
	if err := l.readers.QueryRowContext(ctx, string(hasVersionTable)).Scan(&tables); err != nil || tables == 0 {
		return 0, err
	}
	return version, l.readers.QueryRowContext(ctx, string(schemaVersion)).Scan(&version)
}

// migrate works on a connection of its own, because the writer keeps its. The file lock keeps other processes away.
func (l *lite) migrate(ctx context.Context) (err error) {
	db, err := sql.Open("sqlite", liteDSN(l.path))
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	return runMigrations(ctx, goose.DialectSQLite3, db)
}

// clock is this machine's own.
func (l *lite) clock(context.Context) (time.Time, bool, error) { return time.Time{}, false, nil }

func (l *lite) close() (err error) {
	l.closing.Do(func() {
		if l.writer != nil {
			l.writer.stop()
		}
		// The readers first: whoever closes last moves the log into the database.
		if l.readers != nil {
			err = errors.Join(err, l.readers.Close())
		}
		if l.writing != nil {
			err = errors.Join(err, l.writing.Close())
		}
		if l.lock != nil {
			err = errors.Join(err, l.lock.release())
		}
	})
	return err
}

// sqlCursor is an answer of database/sql.
type sqlCursor struct{ *sql.Rows }

func (c sqlCursor) Close() error { return errors.Join(c.Rows.Close(), c.Rows.Err()) }
