package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// batchSize is RULES' "batch of 20"; each member has two statements, and a fault strikes before, between or after them.
const (
	batchSize = 20
	steps     = 3
)

const (
	makeRows statement = `CREATE TABLE batch_rows (name TEXT NOT NULL PRIMARY KEY)`
	addRow   statement = `INSERT INTO batch_rows (name) VALUES ($1)`
	allRows  statement = `SELECT name FROM batch_rows ORDER BY name`
	allGone  statement = `DELETE FROM batch_rows`
)

func row(member, n int) string { return fmt.Sprintf("%02d-%d", member, n) }

// outcome is what a member's caller saw.
type outcome struct {
	err      error
	panicked any
	vanished bool // its goroutine ended by Goexit
}

// rig makes batches.
type rig struct {
	t   testing.TB
	db  *DB
	ctx [batchSize]context.Context
	end [batchSize]context.CancelFunc
}

// hold occupies the writer until the given function is called.
func hold(t testing.TB, db *DB) (release func()) {
	t.Helper()
	entered, leave, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	var once sync.Once
	go func() {
		done <- inTx(db, context.Background(), func(*Tx) error {
			once.Do(func() { close(entered) })
			<-leave
			return nil
		})
	}()
	<-entered
	return func() {
		close(leave)
		if err := <-done; err != nil {
			t.Errorf("the transaction that held the writer: %v", err)
		}
	}
}

// queued waits until n jobs stand in a lane.
func queued(t testing.TB, db *DB, l lane, n int) {
	t.Helper()
	q := db.engine.(*lite).writer.queue
	for deadline := time.Now().Add(10 * time.Second); ; {
		q.mu.Lock()
		have := len(q.lanes[l])
		q.mu.Unlock()
		if have == n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d jobs stand in the queue, not %d", have, n)
		}
		runtime.Gosched()
	}
}

// run makes one batch of 20 members in order. at is called in each member at each step, and may misbehave.
func (r *rig) run(at func(tx *Tx, member, step int) error) (all [batchSize]outcome) {
	r.t.Helper()
	release := hold(r.t, r.db)
	var wg sync.WaitGroup
	for i := range batchSize {
		r.ctx[i], r.end[i] = context.WithCancel(context.Background())
		wg.Go(func() {
			o := &all[i]
			o.vanished = true
			defer func() {
				if p := recover(); p != nil {
					o.panicked, o.vanished = p, false
				}
			}()
			o.err = inTx(r.db, r.ctx[i], func(tx *Tx) error {
				for step := range steps {
					if err := at(tx, i, step); err != nil {
						return err
					}
					if step == steps-1 {
						break
					}
					if _, err := tx.exec(r.ctx[i], addRow, row(i, step)); err != nil {
						return err
					}
				}
				return nil
			})
			o.vanished = false
		})
		queued(r.t, r.db, interactive, i+1)
	}
	release()
	wg.Wait()
	for _, end := range r.end {
		end()
	}
	return all
}

// kept compares what is in the database with what the callers were told: two rows for a success, none for anything else.
func (r *rig) kept(all [batchSize]outcome) {
	r.t.Helper()
	var want []string
	for i, o := range all {
		if o.err == nil && o.panicked == nil && !o.vanished {
			want = append(want, row(i, 0), row(i, 1))
		}
	}
	got := names(r.t, r.db, allRows)
	if !slices.Equal(got, want) {
		r.t.Errorf("rows:\n%v\nbut the answers promise\n%v", got, want)
	}
	must(r.t, r.db, allGone)
}

// onlyFails asserts that nobody but this member was told of a failure.
func onlyFails(t testing.TB, all [batchSize]outcome, member int) {
	t.Helper()
	for i, o := range all {
		failed := o.err != nil || o.panicked != nil || o.vanished
		if failed != (i == member) {
			t.Errorf("member %d: error %v, panic %v, vanished %v", i, o.err, o.panicked, o.vanished)
		}
	}
}

// atEachStatement lets a fault strike at each statement of a batch of 20.
func atEachStatement(t *testing.T, db *DB, test func(t *testing.T, r *rig, member, step int)) {
	t.Helper()
	must(t, db, makeRows)
	for member := range batchSize {
		for step := range steps {
			r := &rig{t: t, db: db}
			test(t, r, member, step)
			if t.Failed() {
				t.Fatalf("the fault was in member %d before its statement %d", member, step)
			}
		}
	}
}

// patient is for tests that count commits: on a busy machine a member may lose its 50 ms to somebody else.
func patient(db *DB) *DB {
	db.engine.(*lite).writer.limits.batched = time.Minute
	return db
}

func TestBatchSharesOneCommit(t *testing.T) {
	db := patient(openLite(t))
	must(t, db, makeRows)
	r := &rig{t: t, db: db}
	before := db.Counts()
	all := r.run(func(*Tx, int, int) error { return nil })
	after := db.Counts()
	onlyFails(t, all, -1)
	if n := after.Commits - before.Commits; n != 2 { // the holder's, and the batch's
		t.Errorf("%d commits", n)
	}
	if n := after.Writes - before.Writes; n != 2*batchSize {
		t.Errorf("%d writing statements", n)
	}
	r.kept(all)
}

func TestErrorRollsBackItsMemberAlone(t *testing.T) {
	db := patient(openLite(t))
	atEachStatement(t, db, func(t *testing.T, r *rig, member, step int) {
		before := db.Counts()
		all := r.run(func(_ *Tx, m, s int) error {
			if m == member && s == step {
				return errRefused
			}
			return nil
		})
		onlyFails(t, all, member)
		if !errors.Is(all[member].err, errRefused) {
			t.Errorf("the refusal became %v", all[member].err)
		}
		if n := db.Counts().Commits - before.Commits; n != 2 {
			t.Errorf("%d commits: the neighbours should not run again", n)
		}
		r.kept(all)
	})
}

func TestConstraintFailureRollsBackItsMemberAlone(t *testing.T) {
	db := openLite(t)
	atEachStatement(t, db, func(t *testing.T, r *rig, member, step int) {
		all := r.run(func(tx *Tx, m, s int) error {
			if m == member && s == step {
				if _, err := tx.exec(context.Background(), addRow, "twice"); err != nil {
					return err
				}
				_, err := tx.exec(context.Background(), addRow, "twice")
				if !isUnique(err) {
					t.Errorf("the same key twice gave %v", err)
				}
				return nil // a function that hides the error is rolled back all the same
			}
			return nil
		})
		onlyFails(t, all, member)
		r.kept(all)
	})
}

func TestPanicIsRaisedInItsCaller(t *testing.T) {
	db := openLite(t)
	atEachStatement(t, db, func(t *testing.T, r *rig, member, step int) {
		all := r.run(func(_ *Tx, m, s int) error {
			if m == member && s == step {
				panic("a bug in a closure")
			}
			return nil
		})
		onlyFails(t, all, member)
		if all[member].panicked != "a bug in a closure" {
			t.Errorf("the caller saw the panic %v", all[member].panicked)
		}
		r.kept(all)
	})
}

func TestGoexitEndsItsCallerAlone(t *testing.T) {
	db := openLite(t)
	atEachStatement(t, db, func(t *testing.T, r *rig, member, step int) {
		all := r.run(func(_ *Tx, m, s int) error {
			if m == member && s == step {
				runtime.Goexit() // as t.Fatal does
			}
			return nil
		})
		onlyFails(t, all, member)
		r.kept(all)
	})
}

func TestRequestThatGoesAwayWhileItRunsIsCommitted(t *testing.T) {
	db := openLite(t)
	atEachStatement(t, db, func(t *testing.T, r *rig, member, step int) {
		all := r.run(func(_ *Tx, m, s int) error {
			if m == member && s == step {
				r.end[member]()
			}
			return nil
		})
		onlyFails(t, all, -1)
		r.kept(all)
	})
}

func TestRequestThatGoesAwayWhileItWaitsIsNotRun(t *testing.T) {
	db := openLite(t)
	atEachStatement(t, db, func(t *testing.T, r *rig, member, step int) {
		leaver := (member + 1) % batchSize // waits while member runs, except that the first has had its turn
		all := r.run(func(tx *Tx, m, s int) error {
			if m == member && s == step {
				r.end[leaver]()
				time.Sleep(100 * time.Microsecond) // give it the time to leave; either outcome must be true
			}
			return nil
		})
		for i, o := range all {
			if o.err != nil && (i != leaver || !errors.Is(o.err, context.Canceled)) {
				t.Errorf("member %d: %v", i, o.err)
			}
		}
		r.kept(all)
	})
}

func TestFullDiskFailsItsMemberAlone(t *testing.T) {
	db := openLite(t, func(o *Options) { o.pragmas = []string{"max_page_count(500)"} })
	must(t, db, `CREATE TABLE heap (content BYTEA)`)
	atEachStatement(t, db, func(t *testing.T, r *rig, member, step int) {
		all := r.run(func(tx *Tx, m, s int) error {
			if m == member && s == step {
				_, err := tx.exec(context.Background(), `INSERT INTO heap (content) VALUES (zeroblob(4000000))`)
				return err
			}
			return nil
		})
		onlyFails(t, all, member)
		if err, ok := errors.AsType[*sqlite.Error](all[member].err); !ok || err.Code() != sqlite3.SQLITE_FULL {
			t.Errorf("the disk is full, and the caller was told %v", all[member].err)
		}
		r.kept(all)
	})
}

func TestFullDiskAtCommitAnswersNobodyFalsely(t *testing.T) {
	// The pages of many small rows are spilled or written at COMMIT: wherever it strikes, answers and rows agree.
	path := filepath.Join(t.TempDir(), "portvakt.db")
	db := openFor(t, Options{URL: path})
	must(t, db, makeRows, `CREATE TABLE heap (content BYTEA)`)
	var pages int
	if _, err := db.query(context.Background(), `SELECT page_count FROM pragma_page_count`).one(&pages); err != nil {
		t.Fatal(err)
	}
	db.Close()
	db = openFor(t, Options{URL: path, pragmas: []string{fmt.Sprintf("max_page_count(%d)", pages+20), "cache_size(2)"}})
	failed := 0
	for i := range 12 {
		r := &rig{t: t, db: db}
		all := r.run(func(tx *Tx, m, s int) error {
			_, err := tx.exec(context.Background(), `INSERT INTO heap (content) VALUES (zeroblob($1))`, 100+30*i)
			return err
		})
		for _, o := range all {
			if o.err != nil {
				failed++
			}
		}
		r.kept(all)
	}
	if failed == 0 {
		t.Error("the disk was never full")
	}
}

func TestTransactionThatSQLiteEndsSilentlyTakesNobodyAlong(t *testing.T) {
	db := openLite(t)
	must(t, db, `CREATE TABLE lost (n BIGINT)`,
		`CREATE TRIGGER lose BEFORE INSERT ON lost BEGIN SELECT RAISE(ROLLBACK, 'the whole transaction is gone'); END`)
	atEachStatement(t, db, func(t *testing.T, r *rig, member, step int) {
		all := r.run(func(tx *Tx, m, s int) error {
			if m == member && s == step {
				_, _ = tx.exec(context.Background(), `INSERT INTO lost (n) VALUES (1)`)
				// Outside of the transaction this would be committed by itself.
				if _, err := tx.exec(context.Background(), addRow, "stray"); err == nil {
					t.Error("a statement ran after the transaction had ended")
				}
				return nil
			}
			return nil
		})
		onlyFails(t, all, member)
		r.kept(all)
	})
}

// endless is a statement that runs until it is interrupted.
const endless statement = `INSERT INTO batch_rows (name)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT 'n' || i FROM n`

func TestSlowStatementIsInterruptedAndFailsAlone(t *testing.T) {
	t.Run("by the watch", func(t *testing.T) { slowStatement(t, openLite(t)) })
	t.Run("by a context", func(t *testing.T) {
		db := openLite(t)
		db.engine.(*lite).writer.handleOf = func(*sql.Conn) uintptr { return 0 }
		slowStatement(t, db)
	})
}

func slowStatement(t *testing.T, db *DB) {
	must(t, db, makeRows)
	db.engine.(*lite).writer.limits.alone = 300 * time.Millisecond
	for _, member := range []int{0, 7, batchSize - 1} {
		r := &rig{t: t, db: db}
		all := r.run(func(tx *Tx, m, s int) error {
			if m == member && s == 1 {
				_, err := tx.exec(context.Background(), endless)
				return err
			}
			return nil
		})
		onlyFails(t, all, member)
		if !errors.Is(all[member].err, ErrSlow) {
			t.Errorf("the caller was told %v", all[member].err)
		}
		r.kept(all)
	}
}

func TestDriverGivesItsHandle(t *testing.T) {
	db := openLite(t)
	conn, err := db.engine.(*lite).readers.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if handleOf(conn) == 0 {
		t.Error("the driver has changed: statements are interrupted by contexts now, which is slow")
	}
}

func TestSlowFunctionIsThrownOutAndRunsAgainAlone(t *testing.T) {
	db := openLite(t)
	must(t, db, makeRows)
	w := db.engine.(*lite).writer
	w.limits.batched = 500 * time.Millisecond // on a busy machine a neighbour may lose 50 ms to somebody else
	r := &rig{t: t, db: db}
	runs := 0
	before := db.Counts()
	all := r.run(func(tx *Tx, m, s int) error {
		if m == 5 && s == 1 {
			if runs++; runs == 1 {
				time.Sleep(w.limits.batched + 20*time.Millisecond)
			}
		}
		return nil
	})
	onlyFails(t, all, -1)
	if runs != 2 {
		t.Errorf("it ran %d times", runs)
	}
	if n := db.Counts().Commits - before.Commits; n != 3 { // holder, batch, the slow one
		t.Errorf("%d commits: its neighbours should not run again", n)
	}
	r.kept(all)
}

func TestBulkWorkGivesWay(t *testing.T) {
	db := openLite(t)
	release := hold(t, db)
	var mu sync.Mutex
	var order []string
	var wg sync.WaitGroup
	note := func(what string) func(*Tx) error {
		return func(*Tx) error {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, what)
			return nil
		}
	}
	wg.Go(func() { _ = InBulkTx[*Tx](db)(context.Background(), note("bulk")) })
	queued(t, db, bulk, 1)
	for i := range 3 {
		wg.Go(func() { _ = inTx(db, context.Background(), note("person")) })
		queued(t, db, interactive, i+1)
	}
	release()
	wg.Wait()
	if want := []string{"person", "person", "person", "bulk"}; !slices.Equal(order, want) {
		t.Errorf("the order was %v", order)
	}
}

func TestBulkWorkIsNotStarved(t *testing.T) {
	db := openLite(t)
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for ctx.Err() == nil {
				_ = inTx(db, ctx, func(*Tx) error { return nil })
			}
		})
	}
	within, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for range 5 {
		if err := InBulkTx[*Tx](db)(within, func(*Tx) error { return nil }); err != nil {
			t.Error(err)
		}
	}
	stop()
	wg.Wait()
}

func TestCloseServesThoseWhoWaitAndRefusesTheRest(t *testing.T) {
	db := openLite(t)
	must(t, db, makeRows)
	release := hold(t, db)
	answers := make(chan error, 5)
	for i := range 5 {
		go func() {
			answers <- inTx(db, context.Background(), func(tx *Tx) error {
				_, err := tx.exec(context.Background(), addRow, row(i, 0))
				return err
			})
		}()
		queued(t, db, interactive, i+1)
	}
	closed := make(chan error)
	go func() { closed <- db.Close() }()
	release()
	for range 5 {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if err := inTx(db, context.Background(), func(*Tx) error { return nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
