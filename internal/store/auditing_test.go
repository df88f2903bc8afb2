package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/auditing"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/signingkey"
)

// signer is one set of signing keys for all tests: RSA takes its time.
var signer = sync.OnceValues(func() (*signingkey.Set, error) {
	master, err := secret.ParseMaster(secret.NewMasterKey())
	if err != nil {
		return nil, err
	}
	var stored []signingkey.Stored
	for _, alg := range signingkey.Algs() {
		k, err := signingkey.Generate(alg, master, time.Now())
		if err != nil {
			return nil, err
		}
		stored = append(stored, k)
	}
	return signingkey.Open(stored, master, time.Now)
})

// sealer is a node that seals the database's audit log.
func sealer(t testing.TB, db *DB, node string) *auditing.Service {
	t.Helper()
	sign, err := signer()
	if err != nil {
		t.Fatal(err)
	}
	return &auditing.Service{Store: db, InTx: InBulkTx[auditing.Tx](db), Sign: sign, Now: time.Now, Log: slog.New(slog.DiscardHandler), Node: node}
}

// appendLines writes n lines, each in a transaction's way, with two personal fields.
func appendLines(t testing.TB, db *DB, n int, at time.Time) {
	t.Helper()
	mustTx(t, db, func(tx *Tx) error {
		for i := range n {
			err := tx.Append(t.Context(), audit.Event{Kind: audit.SignedIn, At: at, Actor: "account", Account: "bo", Client: "c", Session: "s",
				Message: "m", Detail: map[string]string{"acr": "pwd"}, Personal: audit.From(fmt.Sprintf("203.0.113.%d", i%250), "Mozilla")})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func mustSeal(t testing.TB, s *auditing.Service, want int) {
	t.Helper()
	if n, err := s.Round(t.Context()); err != nil || n != want {
		t.Fatalf("sealed %d lines, want %d: %v", n, want, err)
	}
}

// proof verifies the whole chain.
func proof(t testing.TB, s *auditing.Service) (whole auditing.Progress) {
	t.Helper()
	for p := (auditing.Progress{}); !p.Done; {
		var err error
		if p, err = s.Verify(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		whole.Blocks, whole.Lines, whole.Erased = whole.Blocks+p.Blocks, whole.Lines+p.Lines, whole.Erased+p.Erased
		whole.Problems, whole.Number, whole.Hash = append(whole.Problems, p.Problems...), p.Number, p.Hash
	}
	return whole
}

func mustHold(t testing.TB, s *auditing.Service, blocks, lines, erased int) {
	t.Helper()
	if p := proof(t, s); len(p.Problems) > 0 || p.Blocks != blocks || p.Lines != lines || p.Erased != erased {
		t.Fatalf("%d blocks, %d lines, %d fields erased, want %d, %d, %d; problems %v", p.Blocks, p.Lines, p.Erased, blocks, lines, erased, p.Problems)
	}
}

func TestEveryLineIsSealedIntoAChainThatHolds(t *testing.T) {
	eachEngine(t, func(t *testing.T, db *DB) {
		s := sealer(t, db, "a")
		mustHold(t, s, 0, 0, 0)
		mustSeal(t, s, 0)
		appendLines(t, db, 3, time.Now())
		mustHold(t, s, 0, 0, 0) // what waits for its seal is no fault
		mustSeal(t, s, 3)
		for range 3 {
			appendLines(t, db, 400, time.Now())
		}
		mustSeal(t, s, 1200) // in three blocks
		mustHold(t, s, 4, 1203, 0)
		head, err := s.Head(t.Context())
		if p := proof(t, s); err != nil || head.Number != 4 || head.Hash() != p.Hash {
			t.Errorf("head %d %v", head.Number, err)
		}
	})
}

// TestALineThatCommitsLateIsNotLost: its time is older than the block that was sealed before it came.
func TestALineThatCommitsLateIsNotLost(t *testing.T) {
	eachEngine(t, func(t *testing.T, db *DB) {
		s := sealer(t, db, "a")
		appendLines(t, db, 2, time.Now())
		mustSeal(t, s, 2)
		appendLines(t, db, 1, time.Now().Add(-time.Hour))
		mustSeal(t, s, 1)
		mustHold(t, s, 2, 3, 0)
	})
}

// columns are a table's, as the database knows them: a column that somebody adds is tampered with too.
func columns(t *testing.T, db *DB, table string) []string {
	t.Helper()
	if db.engine.dialect() == sqliteDialect {
		return names(t, db, `SELECT name FROM pragma_table_info($1)`, table)
	}
	return names(t, db, `SELECT column_name FROM information_schema.columns WHERE table_name = $1`, table)
}

func TestEveryColumnOfTheLogIsProven(t *testing.T) {
	eachEngine(t, func(t *testing.T, db *DB) {
		s := sealer(t, db, "a")
		appendLines(t, db, 5, time.Now())
		mustSeal(t, s, 5)
		appendLines(t, db, 5, time.Now())
		mustSeal(t, s, 5)
		mustHold(t, s, 2, 10, 0)
		one := names(t, db, `SELECT id FROM audit_events WHERE block = 1 ORDER BY id LIMIT 1`)[0]
		for table, where := range map[string]string{
			"audit_events":   `id = '` + one + `'`,
			"audit_personal": `event_id = '` + one + `' AND field = 'ip'`,
			"audit_blocks":   `number = 1`,
		} {
			all := columns(t, db, table)
			if len(all) < 4 {
				t.Fatalf("%s: columns %v", table, all)
			}
			keep := fmt.Sprintf(`CREATE TABLE batch_rows AS SELECT * FROM %s WHERE %s`, table, where)
			for _, column := range all {
				must(t, db, statement(keep))
				must(t, db, statement(fmt.Sprintf(`UPDATE %s SET %s = %s WHERE %s`, table, column, other(column), where)))
				if p := proof(t, s); len(p.Problems) == 0 && !(table == "audit_personal" && (column == "event_id" || column == "field") && p.Erased > 0) {
					t.Errorf("%s.%s was changed, and the chain holds", table, column)
				}
				// As it was: the changed row goes, the kept one comes back.
				must(t, db, statement(fmt.Sprintf(`DELETE FROM %s WHERE %s`, table, changedRow(table, one))),
					statement(fmt.Sprintf(`INSERT INTO %s SELECT * FROM batch_rows`, table)), `DROP TABLE batch_rows`)
				mustHold(t, s, 2, 10, 0)
			}
		}
	})
}

// other is another value than the one that is there.
func other(column string) string {
	switch column {
	case "at", "block", "lines", "sealed_at", "number":
		return column + " + 7"
	case "salt", "previous", "root":
		return "(SELECT salt FROM audit_events WHERE block = 2 ORDER BY id LIMIT 1)"
	case "event_id":
		return "(SELECT id FROM audit_events WHERE block = 2 AND id NOT IN (SELECT event_id FROM audit_personal WHERE field = 'x') ORDER BY id LIMIT 1) || '-'"
	}
	return "'x'"
}

// changedRow finds the row again after any of its columns was changed.
func changedRow(table, one string) string {
	switch table {
	case "audit_events":
		return `id = '` + one + `' OR id = 'x'`
	case "audit_personal":
		return `event_id = '` + one + `' AND field IN ('ip', 'x') OR event_id LIKE '%-'`
	}
	return `number IN (1, 8)`
}

func TestWhatIsInsertedDeletedOrReorderedIsFound(t *testing.T) {
	for name, tamper := range map[string]struct {
		with statement
		says string
	}{
		"a line deleted":      {`DELETE FROM audit_events WHERE id IN (SELECT id FROM audit_events WHERE block = 2 LIMIT 1)`, "block 2 has lost 1 of its 4 lines"},
		"a block emptied":     {`DELETE FROM audit_events WHERE block = 2`, "block 2 has lost 4 of its 4 lines"},
		"a line inserted":     {`INSERT INTO audit_events (id, at, kind, actor, account_id, client_id, session_id, detail, salt, block) SELECT 'new', at, kind, actor, account_id, client_id, session_id, detail, salt, block FROM audit_events WHERE id IN (SELECT id FROM audit_events WHERE block = 2 LIMIT 1)`, "block 2 has 1 lines that it was not sealed with"},
		"two blocks' lines":   {`UPDATE audit_events SET block = 5 - block WHERE block IN (2, 3)`, "a line of block 2 is not as it was sealed"},
		"a line moved":        {`UPDATE audit_events SET block = 3 WHERE id IN (SELECT id FROM audit_events WHERE block = 2 LIMIT 1)`, "block 3 has 1 lines that it was not sealed with"},
		"a line unsealed":     {`UPDATE audit_events SET block = 0 WHERE id IN (SELECT id FROM audit_events WHERE block = 2 LIMIT 1)`, "block 2 has lost 1 of its 4 lines"},
		"a line far beyond":   {`UPDATE audit_events SET block = 99 WHERE id IN (SELECT id FROM audit_events WHERE block = 2 LIMIT 1)`, "claims to be in a block that does not exist"},
		"a line before all":   {`UPDATE audit_events SET block = -1 WHERE id IN (SELECT id FROM audit_events WHERE block = 2 LIMIT 1)`, "claims to be in a block that does not exist"},
		"a block deleted":     {`DELETE FROM audit_blocks WHERE number = 2`, "block 2 is missing"},
		"two blocks deleted":  {`DELETE FROM audit_blocks WHERE number IN (1, 2)`, "blocks 1 to 2 are missing"},
		"the last one gone":   {`DELETE FROM audit_blocks WHERE number = 4`, "claims to be in a block that does not exist"},
		"blocks reordered":    {`UPDATE audit_blocks SET number = -2 WHERE number = 2; UPDATE audit_blocks SET number = 2 WHERE number = 3; UPDATE audit_blocks SET number = 3 WHERE number = -2`, "block 2 does not continue the one before it"},
		"a block inserted":    {`INSERT INTO audit_blocks (number, previous, root, lines, sealed_at, signature) SELECT 5, previous, root, 0, sealed_at, signature FROM audit_blocks WHERE number = 4`, "block 5 is not as it was signed"},
		"a personal inserted": {`INSERT INTO audit_personal (event_id, field, salt, value) SELECT event_id, 'identifier', salt, value FROM audit_personal WHERE event_id IN (SELECT id FROM audit_events WHERE block = 2 LIMIT 1) AND field = 'ip'`, "that it was not written with"},
		"two fields swapped":  {`UPDATE audit_personal SET value = CASE field WHEN 'ip' THEN 'Mozilla' ELSE '203.0.113.0' END`, "is not as it was written"},
	} {
		t.Run(name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, db *DB) {
				s := sealer(t, db, "a")
				for range 4 {
					appendLines(t, db, 4, time.Now())
					mustSeal(t, s, 4)
				}
				for one := range strings.SplitSeq(string(tamper.with), "; ") {
					must(t, db, statement(one))
				}
				p := proof(t, s)
				if !slices.ContainsFunc(p.Problems, func(one string) bool { return strings.Contains(one, tamper.says) }) {
					t.Errorf("found %q, want %q", p.Problems, tamper.says)
				}
			})
		})
	}
}

// TestALineWithoutItsPersonalPartStillProves: erasure deletes the fields with their salts (RULES §10).
func TestALineWithoutItsPersonalPartStillProves(t *testing.T) {
	eachEngine(t, func(t *testing.T, db *DB) {
		s := sealer(t, db, "a")
		appendLines(t, db, 3, time.Now())
		mustSeal(t, s, 3)
		appendLines(t, db, 1, time.Now())
		must(t, db, `DELETE FROM audit_personal`) // of one line before it was sealed
		mustSeal(t, s, 1)
		mustHold(t, s, 2, 4, 8)
		must(t, db, `UPDATE audit_events SET fields = '{}' WHERE block = 1`) // nobody can say that they had none
		if p := proof(t, s); len(p.Problems) == 0 {
			t.Error("the commitments of erased fields can be taken away")
		}
	})
}

// TestLinesFromBeforeTheChainAreSealedToo: a database that a former version has written.
func TestLinesFromBeforeTheChainAreSealedToo(t *testing.T) {
	eachEngine(t, func(t *testing.T, db *DB) {
		s := sealer(t, db, "a")
		must(t, db, `INSERT INTO audit_events (id, at, kind, actor, account_id, client_id, session_id, detail, salt)
			VALUES ('old', 1, 'signin.succeeded', 'account', 'bo', '', '', '{}', 'salt')`,
			`INSERT INTO audit_personal (event_id, field, salt, value) VALUES ('old', 'ip', 'salt', '203.0.113.1')`)
		mustSeal(t, s, 1)
		mustHold(t, s, 1, 1, 0)
		must(t, db, `UPDATE audit_events SET fields = '{}'`)
		if p := proof(t, s); len(p.Problems) == 0 {
			t.Error("it passes for a line of today")
		}
	})
}

// dyingTx is a node that is killed while it seals.
type dyingTx struct {
	auditing.Tx
	before func() error
}

func (tx dyingTx) InsertBlock(ctx context.Context, b audit.Block) (bool, error) {
	if err := tx.before(); err != nil {
		return false, err
	}
	return tx.Tx.InsertBlock(ctx, b)
}

func TestAKillWhileSealingLosesNothingAndSealsNothingTwice(t *testing.T) {
	eachEngine(t, func(t *testing.T, db *DB) {
		appendLines(t, db, 7, time.Now())
		for _, how := range []func() error{
			func() error { return errors.New("killed") },
			func() error { panic("killed") },
		} {
			dying := sealer(t, db, "dying")
			dying.InTx = func(ctx context.Context, fn func(auditing.Tx) error) error {
				return InBulkTx[auditing.Tx](db)(ctx, func(tx auditing.Tx) error { return fn(dyingTx{tx, how}) })
			}
			func() {
				defer func() { recover() }() //nolint:errcheck // the panic is the kill
				if _, err := dying.Round(t.Context()); err == nil {
					t.Error("it has not died")
				}
			}()
			if left := names(t, db, `SELECT id FROM audit_events WHERE block = 0`); len(left) != 7 {
				t.Fatalf("%d lines wait, want 7", len(left))
			}
		}
		next := sealer(t, db, "next") // the dead one's lease went with its transaction
		mustSeal(t, next, 7)
		mustHold(t, next, 1, 7, 0)
	})
}

func TestOnlyTheHolderOfTheLeaseSeals(t *testing.T) {
	eachEngine(t, func(t *testing.T, db *DB) {
		a, b := sealer(t, db, "a"), sealer(t, db, "b")
		appendLines(t, db, 1, time.Now())
		mustSeal(t, a, 1)
		appendLines(t, db, 1, time.Now())
		mustSeal(t, b, 0)
		mustSeal(t, a, 1)
		appendLines(t, db, 1, time.Now())
		b.Now = func() time.Time { return time.Now().Add(time.Minute) } // a has died
		mustSeal(t, b, 1)
		mustHold(t, b, 3, 3, 0)
	})
}

// TestSealersAtOnceAmongWritersLoseNoLine: without the lease in their way, and while transactions append.
func TestSealersAtOnceAmongWritersLoseNoLine(t *testing.T) {
	eachEngine(t, func(t *testing.T, db *DB) {
		const writers, each = 6, 25
		done := make(chan struct{})
		var writing, sealing sync.WaitGroup
		for range writers {
			writing.Go(func() {
				for range each {
					appendLines(t, db, 2, time.Now())
				}
			})
		}
		for range 3 {
			s := sealer(t, db, "the same name")
			sealing.Go(func() {
				for {
					if _, err := s.Round(t.Context()); err != nil && !strings.Contains(err.Error(), "tries") && !strings.Contains(err.Error(), "was there already") {
						t.Error(err)
						return
					}
					select {
					case <-done:
						return
					default:
					}
				}
			})
		}
		writing.Wait()
		close(done)
		sealing.Wait()
		s := sealer(t, db, "the same name")
		if _, err := s.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		p := proof(t, s)
		if len(p.Problems) > 0 || p.Lines != writers*each*2 {
			t.Errorf("%d lines of %d; problems %v", p.Lines, writers*each*2, p.Problems)
		}
	})
}

// TestTheChainIsProvenInParts: each request to the running server is short.
func TestTheChainIsProvenInParts(t *testing.T) {
	db := openLite(t)
	s := sealer(t, db, "a")
	for range 201 {
		appendLines(t, db, 1, time.Now())
		mustSeal(t, s, 1)
	}
	first, err := s.Verify(t.Context(), auditing.Progress{})
	if err != nil || first.Done || first.Blocks != 200 {
		t.Fatalf("%+v %v", first, err)
	}
	mustHold(t, s, 201, 201, 0)
	first.Hash = audit.Hash{1}
	if second, err := s.Verify(t.Context(), first); err != nil || len(second.Problems) != 1 {
		t.Errorf("another beginning: %+v %v", second, err)
	}
}
