package store

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// growing are the tables whose rows grow with people and time. A statement that reads one from end to end costs more each
// day, and on SQLite everybody waits for it.
var growing = strings.Fields(`accounts passwords persons connections sessions grants onetime_links budgets spent_challenges
	stored_requests outbox audit_events audit_personal audit_blocks devices preparation_links preparation_proposals mailing_recipients`)

var scans = regexp.MustCompile(`^SCAN (\w+)|^MATERIALIZE`)

// TestNoStatementReadsAGrowingTableFromEndToEnd asks SQLite, whose planner is the simpler of the two.
func TestNoStatementReadsAGrowingTableFromEndToEnd(t *testing.T) {
	values, statements := constants(packageFiles(t))
	db := openLite(t)
	for name := range statements {
		if engine, ok := engineOnly[name]; ok && engine != "" || strings.HasSuffix(name, "Postgres") {
			continue
		}
		text, err := evaluate(values[name], values)
		if err != nil {
			t.Fatal(name, err)
		}
		for _, step := range scanned(t, db, text) {
			t.Errorf("%s: %s", name, step)
		}
	}
}

// scanned lists the steps of a statement that read a growing table from end to end.
func scanned(t *testing.T, db *DB, text string) (found []string) {
	t.Helper()
	for _, step := range plan(t, db, text) {
		if m := scans.FindStringSubmatch(step); m != nil && (m[1] == "" || isGrowing(text, m[1])) {
			found = append(found, step)
		}
	}
	return found
}

// isGrowing says whether the name is a growing table's, or one by which the statement calls it.
func isGrowing(text, name string) bool {
	for _, table := range growing {
		if name == table || regexp.MustCompile(`\b`+table+` `+name+`\b`).MatchString(text) {
			return true
		}
	}
	return false
}

// plan lists the steps in which SQLite runs the statement.
func plan(t *testing.T, db *DB, text string) (steps []string) {
	t.Helper()
	args := make([]any, len(regexp.MustCompile(`\$\d+`).FindAllString(text, -1))) // more than there are parameters; the rest is not looked at
	n := 0
	for i := range args {
		if strings.Contains(text, "$"+strconv.Itoa(i+1)) {
			n = i + 1
		}
	}
	rows, err := db.engine.(*lite).writing.QueryContext(context.Background(), "EXPLAIN QUERY PLAN "+text, args[:n]...)
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	return steps
}

func TestAScanIsNoticed(t *testing.T) {
	db := openLite(t)
	for _, text := range []string{
		`SELECT id FROM accounts WHERE given_name = $1`,
		`SELECT s.id FROM sessions s WHERE s.user_agent = $1`,
		`SELECT a.id FROM accounts a LEFT JOIN (SELECT c.account_id FROM connections c JOIN persons p ON p.id = c.person_id) x ON x.account_id = a.id WHERE a.id = $1`,
	} {
		if found := scanned(t, db, text); len(found) == 0 {
			t.Errorf("not noticed: %s", text)
		}
	}
}

// TestARedemptionReadsNoGrantsButTheOnesThatWereTakenAway: all others of an app or a person grow with each sign-in.
func TestARedemptionReadsNoGrantsButTheOnesThatWereTakenAway(t *testing.T) {
	db := openLite(t)
	for name, text := range map[string]statement{"insertGrant": insertGrant, "insertDeviceGrant": insertDeviceGrant} {
		if steps := strings.Join(plan(t, db, string(text)), "\n"); !strings.Contains(steps, "SEARCH v USING INDEX grants_revoked (account_id=? AND client_id=?)") {
			t.Errorf("%s:\n%s", name, steps)
		}
	}
}
