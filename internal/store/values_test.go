package store

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

const (
	makeThings statement = `CREATE TABLE engine_things (
		id TEXT NOT NULL PRIMARY KEY, seen BIGINT NOT NULL, secret BYTEA, active BOOLEAN NOT NULL, note TEXT, count BIGINT)`
	addThing statement = `INSERT INTO engine_things (id, seen, secret, active, note, count) VALUES ($1, $2, $3, $4, $5, $6)`
	getThing statement = `SELECT id, seen, secret, active, note, count FROM engine_things WHERE id = $1`
)

type thingID string
type secretBytes []byte

// TestOutOfOrderPlaceholders guards the choice of drivers: another SQLite driver binds $2 … $1 by order of appearance,
// and swaps the values silently.
func TestOutOfOrderPlaceholders(t *testing.T) {
	eachEngine(t, func(t *testing.T, db *DB) {
		must(t, db, makeThings)
		mustTx(t, db, func(tx *Tx) error {
			_, err := tx.exec(t.Context(), `INSERT INTO engine_things (note, id, seen, active) VALUES ($2, $1, $3, true)`, "first", "second", 3)
			return err
		})
		var id, note string
		found, err := db.query(t.Context(), `SELECT id, note FROM engine_things WHERE note = $2 AND id = $1`, "first", "second").one(&id, &note)
		if err != nil || !found || id != "first" || note != "second" {
			t.Errorf("found %v, id %q, note %q, error %v", found, id, note, err)
		}
		found, err = db.query(t.Context(), `SELECT id FROM engine_things WHERE id = $1 AND seen = $2 AND seen >= $2`, "first", 3).one(&id)
		if err != nil || !found {
			t.Errorf("the same placeholder twice: found %v, error %v", found, err)
		}
	})
}

func TestValuesComeBackAsTheyWere(t *testing.T) {
	now := time.Now().Truncate(time.Millisecond).UTC()
	eachEngine(t, func(t *testing.T, db *DB) {
		must(t, db, makeThings)
		note, count := "a note — åäö 🔑", int64(7)
		mustTx(t, db, func(tx *Tx) error {
			if _, err := tx.exec(t.Context(), addThing, thingID("full"), ms(now), secretBytes{0, 1, 255}, true, &note, &count); err != nil {
				return err
			}
			_, err := tx.exec(t.Context(), addThing, thingID("empty"), ms(time.Time{}), []byte(nil), false, nil, nil)
			return err
		})
		var (
			id       thingID
			seen     int64
			secret   []byte
			active   bool
			gotNote  *string
			gotCount *int64
		)
		read := func(which thingID) {
			t.Helper()
			found, err := db.query(t.Context(), getThing, which).one(&id, &seen, &secret, &active, &gotNote, &gotCount)
			if err != nil || !found || id != which {
				t.Fatalf("found %v, id %q, error %v", found, id, err)
			}
		}
		read("full")
		if !fromMS(seen).Equal(now) || !slices.Equal(secret, []byte{0, 1, 255}) || !active || *gotNote != note || *gotCount != count {
			t.Errorf("%v %v %v %v %v", fromMS(seen), secret, active, *gotNote, *gotCount)
		}
		read("empty")
		if !fromMS(seen).IsZero() || secret != nil || active || gotNote != nil || gotCount != nil {
			t.Errorf("%v %v %v %v %v", seen, secret, active, gotNote, gotCount)
		}
		var ids []thingID
		if found, err := db.query(t.Context(), `SELECT id FROM engine_things WHERE active = $1 AND secret IS NULL`, false).one(&id); err != nil || !found || id != "empty" {
			t.Errorf("a nil []byte is NULL, false is false: found %v, id %q, error %v, %v", found, id, err, ids)
		}
	})
}

func TestOneReadsOneRow(t *testing.T) {
	eachEngine(t, func(t *testing.T, db *DB) {
		must(t, db, makeRows, `INSERT INTO batch_rows (name) VALUES ('a'), ('b')`)
		var name string
		if found, err := db.query(t.Context(), `SELECT name FROM batch_rows WHERE name = $1`, "c").one(&name); found || err != nil {
			t.Errorf("a row that is not there: found %v, error %v", found, err)
		}
		if found, err := db.query(t.Context(), allRows).one(&name); found || !errors.Is(err, errTwoRows) {
			t.Errorf("two rows: found %v, error %v", found, err)
		}
		if got := names(t, db, allRows); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("list: %v", got)
		}
	})
}

func TestReturningIsReadInATransaction(t *testing.T) {
	eachEngine(t, func(t *testing.T, db *DB) {
		must(t, db, makeRows)
		mustTx(t, db, func(tx *Tx) error {
			var name string
			found, err := tx.query(t.Context(), `INSERT INTO batch_rows (name) VALUES ($1) RETURNING name`, "a").one(&name)
			if err == nil && (!found || name != "a") {
				t.Errorf("found %v, name %q", found, name)
			}
			return err
		})
		if got := names(t, db, allRows); !slices.Equal(got, []string{"a"}) {
			t.Errorf("kept: %v", got)
		}
	})
}

func TestWritingNeedsATransaction(t *testing.T) {
	eachEngine(t, func(t *testing.T, db *DB) {
		must(t, db, makeRows)
		var name string
		if _, err := db.query(t.Context(), `INSERT INTO batch_rows (name) VALUES ('a') RETURNING name`).one(&name); err == nil {
			t.Error("a statement that writes ran outside a transaction")
		}
	})
}

func TestSQLiteReadersCannotWrite(t *testing.T) {
	db := openLite(t)
	if _, err := db.engine.(*lite).readers.ExecContext(context.Background(), `DELETE FROM leases`); err == nil {
		t.Error("a reader's connection wrote")
	}
}

func TestStatementInsideTheReadingOfAnotherIsRefused(t *testing.T) {
	eachEngine(t, func(t *testing.T, db *DB) {
		must(t, db, makeRows, `INSERT INTO batch_rows (name) VALUES ('a'), ('b')`)
		err := inTx(db, t.Context(), func(tx *Tx) error {
			return tx.query(t.Context(), allRows).each(func(scan scan) error {
				_, err := tx.exec(t.Context(), allGone)
				return err
			})
		})
		if !errors.Is(err, errTxReading) {
			t.Errorf("error %v", err)
		}
	})
}

func TestTxIsOverAfterItsFunction(t *testing.T) {
	eachEngine(t, func(t *testing.T, db *DB) {
		var kept *Tx
		mustTx(t, db, func(tx *Tx) error { kept = tx; return nil })
		if _, err := kept.exec(t.Context(), allGone); !errors.Is(err, errTxOver) {
			t.Errorf("error %v", err)
		}
	})
}

func TestHiddenErrorRollsBack(t *testing.T) {
	eachEngine(t, func(t *testing.T, db *DB) {
		must(t, db, makeRows)
		err := inTx(db, t.Context(), func(tx *Tx) error {
			for range 2 {
				_, _ = tx.exec(t.Context(), addRow, "a")
			}
			return nil
		})
		if !isUnique(err) {
			t.Errorf("error %v", err)
		}
		if got := names(t, db, allRows); len(got) != 0 {
			t.Errorf("kept: %v", got)
		}
	})
}

func TestOwnErrorRollsBack(t *testing.T) {
	eachEngine(t, func(t *testing.T, db *DB) {
		must(t, db, makeRows)
		err := inTx(db, t.Context(), func(tx *Tx) error {
			if _, err := tx.exec(t.Context(), addRow, "a"); err != nil {
				return err
			}
			return errRefused
		})
		if !errors.Is(err, errRefused) {
			t.Errorf("error %v", err)
		}
		if got := names(t, db, allRows); len(got) != 0 {
			t.Errorf("kept: %v", got)
		}
	})
}

func TestPanicRollsBack(t *testing.T) {
	eachEngine(t, func(t *testing.T, db *DB) {
		must(t, db, makeRows)
		func() {
			defer func() {
				if p := recover(); p != "bug" {
					t.Errorf("the panic became %v", p)
				}
			}()
			_ = inTx(db, t.Context(), func(tx *Tx) error {
				if _, err := tx.exec(t.Context(), addRow, "a"); err != nil {
					return err
				}
				panic("bug")
			})
		}()
		if got := names(t, db, allRows); len(got) != 0 {
			t.Errorf("kept: %v", got)
		}
		must(t, db, `INSERT INTO batch_rows (name) VALUES ('b')`) // and the engine lives
	})
}

func TestContextThatIsOverStartsNothing(t *testing.T) {
	eachEngine(t, func(t *testing.T, db *DB) {
		ctx, end := context.WithCancel(t.Context())
		end()
		err := inTx(db, ctx, func(*Tx) error { t.Error("it ran"); return nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}

func TestRequestThatGoesAwayDoesNotInterrupt(t *testing.T) {
	eachEngine(t, func(t *testing.T, db *DB) {
		must(t, db, makeRows)
		ctx, end := context.WithCancel(t.Context())
		err := inTx(db, ctx, func(tx *Tx) error {
			end()
			_, err := tx.exec(ctx, addRow, "a")
			return err
		})
		if err != nil {
			t.Error(err)
		}
		if got := names(t, db, allRows); len(got) != 1 {
			t.Errorf("kept: %v", got)
		}
	})
}

func TestTallyCountsWhatWasDoneInItsName(t *testing.T) {
	eachEngine(t, func(t *testing.T, db *DB) {
		must(t, db, makeRows)
		ctx, tally := WithTally(t.Context())
		if err := inTx(db, ctx, func(tx *Tx) error {
			var n int
			if _, err := tx.query(ctx, `SELECT count(*) FROM batch_rows`).one(&n); err != nil {
				return err
			}
			_, err := tx.exec(ctx, addRow, "a")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if got, want := tally.Counts(), (Counts{Reads: 1, Writes: 1, Commits: 1}); got != want {
			t.Errorf("a transaction: %+v", got)
		}
		names(t, db, allRows) // in nobody's name
		var n int
		if _, err := db.query(ctx, `SELECT count(*) FROM batch_rows`).one(&n); err != nil {
			t.Fatal(err)
		}
		if got, want := tally.Counts(), (Counts{Reads: 2, Writes: 1, Commits: 1}); got != want {
			t.Errorf("and a read: %+v", got)
		}
		_ = inTx(db, ctx, func(tx *Tx) error { return errRefused })
		if got, want := tally.Counts(), (Counts{Reads: 2, Writes: 1, Commits: 1}); got != want {
			t.Errorf("and a refusal: %+v", got)
		}
		if all := db.Counts(); all.Commits < 2 || all.Reads < 3 || all.Writes < 2 {
			t.Errorf("all together: %+v", all)
		}
	})
}

func TestInTxRefusesAnInterfaceThatTxDoesNotHave(t *testing.T) {
	db := openLite(t)
	_ = InTx[interface {
		EndLease(ctx context.Context, name, holder string) error
	}](db)
	defer func() {
		if recover() == nil {
			t.Error("a missing method was not noticed when the program was put together")
		}
	}()
	_ = InTx[interface{ NobodyHasThis() }](db)
}

func TestLeaseHasOneHolder(t *testing.T) {
	eachEngine(t, func(t *testing.T, db *DB) {
		now := time.Now()
		take := func(holder string, at time.Time) (got bool) {
			t.Helper()
			mustTx(t, db, func(tx *Tx) (err error) {
				got, err = tx.TakeLease(t.Context(), "sealer", holder, at, at.Add(time.Minute))
				return err
			})
			return got
		}
		if !take("a", now) || take("b", now) || !take("a", now) {
			t.Error("the first takes it, the second does not, the first prolongs")
		}
		if !take("b", now.Add(time.Minute)) || take("a", now.Add(time.Minute)) {
			t.Error("an expired lease is anybody's")
		}
		mustTx(t, db, func(tx *Tx) error { return tx.EndLease(t.Context(), "sealer", "a") })
		if take("a", now.Add(time.Minute)) {
			t.Error("somebody else's lease was ended")
		}
		mustTx(t, db, func(tx *Tx) error { return tx.EndLease(t.Context(), "sealer", "b") })
		if !take("a", now.Add(time.Minute)) {
			t.Error("an ended lease is anybody's")
		}
	})
}
