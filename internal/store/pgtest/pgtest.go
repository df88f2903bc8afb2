// Package pgtest finds a PostgreSQL for tests, or starts one for the life of the test binary, and gives each test a
// database of its own. It knows nothing of Portvakt's tables: that is storetest.
package pgtest

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Env names the variable with the address of a running server, on which the tests may make and drop databases.
const Env = "PORTVAKT_TEST_PG"

// The same script serves make test, which starts one server for all packages.
//
//go:embed with-postgres.sh
var withPostgres string

// missing is the script's exit status for "not installed".
const missing = 69

var errMissing = errors.New("PostgreSQL is not installed here, and " + Env + " names no server")

// server is the address of the server of this test binary.
var server = sync.OnceValues(func() (string, error) {
	if url := os.Getenv(Env); url != "" {
		return url, nil
	}
	return start()
})

// lifeline is the input that start speaks of. A variable of the package, because the garbage collector closes files
// that nobody can reach.
//
//lint:ignore U1000 it is kept, not read
var lifeline io.Closer

// start runs the script with a command that prints the address and then waits for the end of its input. That comes
// when this process ends, however it ends: so the server never outlives the tests.
func start() (string, error) {
	cmd := exec.Command("sh", "-c", withPostgres, "with-postgres", "sh", "-c", `echo "$`+Env+`"; exec cat >/dev/null`)
	detach(cmd) // an interrupt at the terminal ends the tests, which ends the server: not both at once
	var err error
	if lifeline, err = cmd.StdinPipe(); err != nil {
		return "", err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return "", errMissing // no sh: not a system on which the script could find a server
	}
	lines := bufio.NewReader(out)
	line, _ := lines.ReadString('\n')
	if strings.HasPrefix(line, "postgres://") {
		return strings.TrimSpace(line), nil
	}
	rest, _ := io.ReadAll(lines)
	err = cmd.Wait()
	if cmd.ProcessState.ExitCode() == missing {
		return "", errMissing
	}
	return "", fmt.Errorf("starting PostgreSQL: %w\n%s%s", err, line, rest)
}

// Server is the address of a PostgreSQL server. Where there is none the test is skipped, and fails in CI.
func Server(t testing.TB) string {
	t.Helper()
	at, err := server()
	switch {
	case errors.Is(err, errMissing) && os.Getenv("CI") == "":
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
	return at
}

// Database makes an empty database and drops it when the test ends. It answers the address.
func Database(t testing.TB) string {
	t.Helper()
	at := Server(t)
	name := create(t, at, "template1")
	t.Cleanup(func() { drop(t, at, name) })
	return inDatabase(at, name)
}

// Key names the content of a folder of migrations, for Clone.
func Key(migrations fs.FS) string {
	h := sha256.New()
	err := fs.WalkDir(migrations, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(migrations, path)
		fmt.Fprintf(h, "%s %d\n%s", path, len(text), text)
		return err
	})
	if err != nil {
		panic(err) // they are embedded
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// Clone gives the test a database as fill makes it, on which nobody else is. key must change with what fill does:
// several test binaries may share a server, and what fill has made once is copied.
func Clone(t testing.TB, key string, fill func(url string) error) string {
	t.Helper()
	at := Server(t)
	name := "portvakt_template_" + key
	if err := makeTemplate(at, name, fill); err != nil {
		t.Fatalf("making the template database: %v", err)
	}
	sweep()
	db, ok := takeFree(name)
	if !ok {
		db = create(t, at, name)
		if err := remember(at, name, db); err != nil {
			t.Fatalf("looking at the new database: %v", err)
		}
	}
	t.Cleanup(func() {
		if clean(at, name, db) {
			giveBack(name, db)
		} else {
			drop(t, at, db)
		}
	})
	return inDatabase(at, db)
}

// create makes a database, whose name tells when.
func create(t testing.TB, at, template string) string {
	t.Helper()
	name := fmt.Sprintf("portvakt_%d_%s", time.Now().Unix(), strings.ToLower(rand.Text()))
	if err := run(at, "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		t.Fatalf("making a database: %v", err)
	}
	return name
}

func drop(t testing.TB, at, name string) {
	t.Helper()
	if err := run(at, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
		t.Errorf("dropping the test's database: %v", err)
	}
}

// made remembers the templates that this process has seen.
var made struct {
	sync.Mutex
	names map[string]bool
}

func makeTemplate(at, name string, fill func(url string) error) error {
	made.Lock()
	defer made.Unlock()
	if made.names[name] {
		return nil
	}
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, at)
	if err != nil {
		return err
	}
	defer conn.Close(ctx) // which ends the lock
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock(hashtext($1))", name); err != nil {
		return err
	}
	var there bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)", name).Scan(&there); err != nil {
		return err
	}
	if !there {
		draft := name + "_draft" // renamed when complete: a half-made template never has the name
		for _, sql := range []string{"DROP DATABASE IF EXISTS " + draft, "CREATE DATABASE " + draft} {
			if _, err := conn.Exec(ctx, sql); err != nil {
				return err
			}
		}
		if err := fill(inDatabase(at, draft)); err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, "ALTER DATABASE "+draft+" RENAME TO "+name); err != nil {
			return err
		}
	}
	if made.names == nil {
		made.names = make(map[string]bool)
	}
	made.names[name] = true
	return nil
}

// run executes one statement on a connection of its own: databases are made by one statement, outside of transactions.
func run(at, sql string) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, at)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	return err
}

// inDatabase is the server's address with another database.
func inDatabase(at, name string) string {
	u, err := url.Parse(at)
	if err != nil {
		panic(fmt.Sprintf("pgtest: %s is no address: %v", Env, err))
	}
	u.Path = "/" + name
	return u.String()
}
