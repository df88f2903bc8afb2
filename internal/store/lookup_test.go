package store

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// bySessionsEnd are the statements that look for sessions which come, or came, to their end.
var bySessionsEnd = map[string]bool{"listExpiredSessions": true, "purgeSessions": true}

// TestASessionIsFoundByItsOwnKey also by a PostgreSQL that knows nothing of the tables yet (see notEnded).
func TestASessionIsFoundByItsOwnKey(t *testing.T) {
	values, statements := constants(packageFiles(t))
	db := openPG(t)
	looked := 0
	for name := range statements {
		text, err := evaluate(values[name], values)
		if err != nil {
			t.Fatal(name, err)
		}
		if engineOnly[name] != "" || strings.HasSuffix(name, "SQLite") || !strings.Contains(text, "sessions") || strings.Contains(text, "account_id = $1 AND ended_at") {
			continue
		}
		steps, err := explained(t.Context(), db, text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if looked++; strings.Contains(steps, "sessions_end") && !bySessionsEnd[name] {
			t.Errorf("%s reads all sessions that live:\n%s", name, steps)
		}
	}
	if looked < 15 {
		t.Errorf("only %d statements were looked at", looked)
	}
}

// explained is how PostgreSQL would run a statement whatever its parameters are.
func explained(ctx context.Context, db *DB, text string) (steps string, err error) {
	conn, err := db.engine.(*pg).pool.Acquire(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "SET plan_cache_mode = force_generic_plan"); err != nil {
		return "", err
	}
	prepared, err := conn.Conn().Prepare(ctx, "explained", text)
	if err != nil {
		return "", err
	}
	defer conn.Exec(ctx, "DEALLOCATE explained") //nolint:errcheck // the next one would say so
	call := "EXPLAIN EXECUTE explained"
	if n := len(prepared.ParamOIDs); n > 0 {
		call += "(" + strings.TrimSuffix(strings.Repeat("NULL, ", n), ", ") + ")"
	}
	rows, err := conn.Query(ctx, call)
	if err != nil {
		return "", fmt.Errorf("%s: %w", call, err)
	}
	defer rows.Close()
	for rows.Next() {
		var step string
		if err := rows.Scan(&step); err != nil {
			return "", err
		}
		steps += step + "\n"
	}
	return steps, rows.Err()
}
