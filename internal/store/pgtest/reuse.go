package pgtest

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// Making a database costs a third of a second, emptying one some milliseconds: so a test's database goes to the next
// test of the same binary, unless the test has changed its tables.

// free are the emptied databases by template.
var free struct {
	sync.Mutex
	names map[string][]string
}

func takeFree(template string) (name string, ok bool) {
	free.Lock()
	defer free.Unlock()
	names := free.names[template]
	if len(names) == 0 {
		return "", false
	}
	free.names[template] = names[:len(names)-1]
	return names[len(names)-1], true
}

func giveBack(template, name string) {
	free.Lock()
	defer free.Unlock()
	if free.names == nil {
		free.names = make(map[string][]string)
	}
	free.names[template] = append(free.names[template], name)
}

// shape tells whether a test has changed the tables or their version.
const shape = `SELECT md5(string_agg(c, ',' ORDER BY c)) || ' ' || (SELECT count(*) FROM schema_version) FROM (
	SELECT table_name || '.' || column_name || ' ' || data_type AS c FROM information_schema.columns WHERE table_schema = 'public') t`

// empty deletes all rows but those of the schema's version; the replica role spares the order of the foreign keys.
const empty = `DO $$
DECLARE t text;
BEGIN
	SET LOCAL session_replication_role = replica;
	FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ('schema_version', 'schema_lock') LOOP
		EXECUTE format('DELETE FROM %I', t);
	END LOOP;
END $$`

// shapes are the templates', as their first copy had them.
var shapes sync.Map

// remember looks at a fresh copy of a template.
func remember(at, template, name string) error {
	if _, known := shapes.Load(template); known {
		return nil
	}
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, inDatabase(at, name))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var have string
	if err := conn.QueryRow(ctx, shape).Scan(&have); err != nil {
		return err
	}
	shapes.Store(template, have)
	return nil
}

// clean empties a database after its test; false means that it cannot be used again.
func clean(at, template, name string) bool {
	ctx := context.Background()
	want, _ := shapes.Load(template)
	conn, err := pgx.Connect(ctx, inDatabase(at, name))
	if err != nil {
		return false
	}
	defer conn.Close(ctx)
	// Whoever is still connected would meet the next test's rows.
	if _, err := conn.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid()`); err != nil {
		return false
	}
	var have string
	if err := conn.QueryRow(ctx, shape).Scan(&have); err != nil || have != want {
		return false
	}
	_, err = conn.Exec(ctx, empty)
	return err == nil
}

// sweep drops what test binaries of an hour ago have left on a lasting server: a binary is not told of its end, so the
// free databases stay.
var sweep = sync.OnceFunc(func() {
	at, err := server()
	if err != nil {
		return
	}
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, at)
	if err != nil {
		return
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, "SELECT datname FROM pg_database WHERE datname ~ '^portvakt_[0-9]+_'")
	if err != nil {
		return
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return
	}
	for _, name := range names {
		born, err := strconv.ParseInt(strings.Split(name, "_")[1], 10, 64)
		if err == nil && time.Since(time.Unix(born, 0)) > time.Hour {
			_, _ = conn.Exec(ctx, "DROP DATABASE "+name) // which fails where somebody is connected
		}
	}
})
