package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	makeLinks statement = `CREATE TABLE engine_links (id TEXT NOT NULL PRIMARY KEY, used_at BIGINT NOT NULL, used_by TEXT NOT NULL)`
	useLink   statement = `UPDATE engine_links SET used_at = $2, used_by = $3 WHERE id = $1 AND used_at = 0`
	whoUsed   statement = `SELECT used_by FROM engine_links WHERE id = $1`
)

// TestTwentyAtOnceOneWins is the promise on which everything that works once stands.
func TestTwentyAtOnceOneWins(t *testing.T) {
	eachEngine(t, func(t *testing.T, db *DB) {
		must(t, db, makeLinks, `INSERT INTO engine_links (id, used_at, used_by) VALUES ('link', 0, '')`)
		var won atomic.Int32
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				var n int64
				err := inTx(db, context.Background(), func(tx *Tx) (err error) {
					n, err = tx.exec(context.Background(), useLink, "link", i+1, fmt.Sprint(i))
					return err
				})
				if err != nil {
					t.Error(err)
				}
				won.Add(int32(n))
			})
		}
		wg.Wait()
		if n := won.Load(); n != 1 {
			t.Errorf("%d won", n)
		}
	})
}

// TestManyWritersSeeNoError has 32 callers do what a sign-in does: rows of their own in tables that all share, and a
// row that some of them share.
func TestManyWritersSeeNoError(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		db := openLite(t)
		manyWriters(t, db, db, 0)
	})
	t.Run("postgres", func(t *testing.T) {
		db := openPG(t)
		manyWriters(t, db, db, 0)
	})
	t.Run("two nodes", func(t *testing.T) {
		at := pgMigrated(t)
		// The nodes know nothing of each other's conflicts, and here they do nothing but conflict.
		manyWriters(t, openFor(t, Options{URL: at}), openFor(t, Options{URL: at}), 16)
	})
}

// manyWriters allows some transactions to be given up, and then only because others always won.
func manyWriters(t *testing.T, db, other *DB, mayFail int) {
	must(t, db, `CREATE TABLE engine_tokens (id TEXT NOT NULL PRIMARY KEY, family TEXT NOT NULL, n BIGINT NOT NULL)`,
		`CREATE INDEX engine_tokens_family ON engine_tokens (family)`,
		`CREATE TABLE tries_left (id TEXT NOT NULL PRIMARY KEY, n BIGINT NOT NULL)`)
	const callers, each = 32, 25
	start := time.Now()
	var wg sync.WaitGroup
	var failures atomic.Int32
	for c := range callers {
		wg.Go(func() {
			for i := range each {
				node := db
				if c%2 == 1 {
					node = other
				}
				err := inTx(node, context.Background(), func(tx *Tx) error {
					var n int
					family := fmt.Sprintf("%d-%d", c, i/5)
					if _, err := tx.query(context.Background(), `SELECT count(*) FROM engine_tokens WHERE family = $1`, family).one(&n); err != nil {
						return err
					}
					if _, err := tx.exec(context.Background(), `INSERT INTO engine_tokens (id, family, n) VALUES ($1, $2, $3)`,
						fmt.Sprintf("%d-%d", c, i), family, n); err != nil {
						return err
					}
					_, err := tx.exec(context.Background(), `INSERT INTO tries_left (id, n) VALUES ($1, 1)
							ON CONFLICT (id) DO UPDATE SET n = tries_left.n + 1`, fmt.Sprint(c/2))
					return err
				})
				if err != nil {
					failures.Add(1)
					if !isRetryable(err) {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	lost := int(failures.Load())
	if lost > mayFail {
		t.Errorf("%d of %d were given up", lost, callers*each)
	}
	t.Logf("%d transactions in %v", callers*each, time.Since(start))
	var rows, budget int
	if _, err := db.query(t.Context(), `SELECT count(*) FROM engine_tokens`).one(&rows); err != nil || rows != callers*each-lost {
		t.Errorf("%d rows, %v", rows, err)
	}
	if _, err := db.query(t.Context(), `SELECT sum(n) FROM tries_left`).one(&budget); err != nil || budget != rows {
		t.Errorf("budgets of %d, %v", budget, err)
	}
}

func TestWriteSkewIsImpossible(t *testing.T) {
	// Two transactions read both rows and each changes the other's: only one may find both untouched.
	eachEngine(t, func(t *testing.T, db *DB) {
		must(t, db, makeLinks)
		for round := range 10 {
			must(t, db, `DELETE FROM engine_links`, `INSERT INTO engine_links (id, used_at, used_by) VALUES ('a', 0, ''), ('b', 0, '')`)
			var wg sync.WaitGroup
			var both atomic.Int32
			for _, mine := range []string{"a", "b"} {
				wg.Go(func() {
					var free int
					err := inTx(db, context.Background(), func(tx *Tx) error {
						if _, err := tx.query(context.Background(), `SELECT count(*) FROM engine_links WHERE used_at = 0`).one(&free); err != nil {
							return err
						}
						if free < 2 {
							return nil
						}
						_, err := tx.exec(context.Background(), useLink, mine, 1, mine)
						return err
					})
					if err != nil {
						t.Error(err)
					} else if free == 2 {
						both.Add(1)
					}
				})
			}
			wg.Wait()
			if both.Load() != 1 {
				t.Fatalf("round %d: %d found both untouched", round, both.Load())
			}
		}
	})
}

func TestTransactionIsTriedFiveTimes(t *testing.T) {
	at := pgMigrated(t)
	db, node := openFor(t, Options{URL: at}), openFor(t, Options{URL: at})
	must(t, db, makeLinks, `INSERT INTO engine_links (id, used_at, used_by) VALUES ('link', 0, '')`)
	runs := 0
	err := inTx(db, t.Context(), func(tx *Tx) error {
		runs++
		var who string
		if _, err := tx.query(t.Context(), whoUsed, "link").one(&who); err != nil {
			return err
		}
		// Another node is always quicker.
		mustTx(t, node, func(other *Tx) error {
			_, err := other.exec(t.Context(), `UPDATE engine_links SET used_by = $2 WHERE id = $1`, "link", fmt.Sprint(runs))
			return err
		})
		_, err := tx.exec(t.Context(), useLink, "link", 1, "me")
		if err != nil {
			return errRefused // a function may translate; the engine still knows
		}
		return nil
	})
	if runs != tries || !errors.Is(err, errRefused) {
		t.Errorf("%d runs, error %v", runs, err)
	}
}

func TestClockFarOffIsNotReady(t *testing.T) {
	at := pgMigrated(t)
	for off, ready := range map[time.Duration]bool{
		0: true, time.Second: true, -time.Second: true, 3 * time.Second: false, -3 * time.Second: false,
	} {
		db := openFor(t, Options{URL: at, Now: func() time.Time { return time.Now().Add(off) }})
		err := db.Ready(t.Context())
		if (err == nil) != ready || (err != nil && !errors.Is(err, ErrClockSkew)) {
			t.Errorf("%v off: %v", off, err)
		}
	}
	if err := openLite(t, func(o *Options) { o.Now = func() time.Time { return time.Unix(0, 0) } }).Ready(t.Context()); err != nil {
		t.Errorf("SQLite has no clock of its own: %v", err)
	}
}

// cutter is a network between the store and PostgreSQL that breaks when it sees a word.
type cutter struct {
	net.Listener
	after atomic.Pointer[string] // the word; nil lets everything pass
	deaf  atomic.Bool            // true: the word still reaches the server, its answer does not come back
}

func newCutter(t *testing.T, socket string) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{Listener: l}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("unix", socket)
			if err != nil {
				in.Close()
				continue
			}
			go c.pass(in, out)
		}
	}()
	return c
}

func (c *cutter) pass(in, out net.Conn) {
	var silent atomic.Bool
	go func() {
		buf := make([]byte, 1<<16)
		for {
			n, err := out.Read(buf)
			if err != nil || silent.Load() {
				break
			}
			if _, err := in.Write(buf[:n]); err != nil {
				break
			}
		}
		in.Close()
		out.Close()
	}()
	buf := make([]byte, 1<<16)
	for {
		n, err := in.Read(buf)
		if err != nil {
			break
		}
		if word := c.after.Load(); word != nil && contains(buf[:n], *word) {
			c.after.Store(nil)
			if !c.deaf.Load() {
				break
			}
			silent.Store(true)
		}
		if _, err := out.Write(buf[:n]); err != nil {
			break
		}
	}
	if !silent.Load() {
		out.Close()
	}
	in.Close()
}

func contains(b []byte, word string) bool { return slices.Contains(splitWords(b), word) }

// splitWords finds the texts in PostgreSQL's messages, which end in a zero byte.
func splitWords(b []byte) []string {
	var all []string
	start := 0
	for i, c := range b {
		if c < ' ' || c > '~' {
			if i > start {
				all = append(all, string(b[start:i]))
			}
			start = i + 1
		}
	}
	return all
}

func TestLostCommitIsAnUnknownOutcome(t *testing.T) {
	at, err := url.Parse(pgMigrated(t))
	if err != nil {
		t.Fatal(err)
	}
	folder := at.Query().Get("host")
	if folder == "" || at.Host != "" {
		t.Skip("the test needs a server with a socket")
	}
	c := newCutter(t, filepath.Join(folder, ".s.PGSQL.5432"))
	at.RawQuery, at.Host = "sslmode=disable", c.Addr().String()
	db := openFor(t, Options{URL: at.String(), Conns: 4})
	must(t, db, makeLinks, `INSERT INTO engine_links (id, used_at, used_by) VALUES ('link', 0, '')`)

	// consume is a consuming statement as RULES want it: it writes its operation and finds it again.
	consume := func(operation string) error {
		return inTx(db, t.Context(), func(tx *Tx) error {
			n, err := tx.exec(t.Context(), useLink, "link", 1, operation)
			if err != nil || n == 1 {
				return err
			}
			var who string
			if _, err := tx.query(t.Context(), whoUsed, "link").one(&who); err != nil || who == operation {
				return err
			}
			return errRefused
		})
	}
	// pgx has prepared COMMIT when it was sent once, and names it by its hash from then on.
	sum := sha256.Sum256([]byte(pgCommit))
	word := fmt.Sprintf("stmtcache_%x", sum[:24])
	for _, deaf := range []bool{false, true} {
		must(t, db, `UPDATE engine_links SET used_at = 0, used_by = ''`)
		c.deaf.Store(deaf)
		c.after.Store(&word)
		err := consume("mine")
		if c.after.Load() != nil {
			t.Fatal("COMMIT has another name")
		}
		if !errors.Is(err, ErrCommitUnknown) || errors.Is(err, io.ErrNoProgress) {
			t.Errorf("server reached %v: the first try: %v", deaf, err)
		}
		if err := consume("mine"); err != nil {
			t.Errorf("server reached %v: the retry of the same operation: %v", deaf, err)
		}
		if err := consume("another"); !errors.Is(err, errRefused) {
			t.Errorf("server reached %v: another operation: %v", deaf, err)
		}
	}
}

// TestWhatIsOnlyWrittenTravelsWithTheNextQuestion: a way to the server and back is what a transaction costs most.
func TestWhatIsOnlyWrittenTravelsWithTheNextQuestion(t *testing.T) {
	db := openPG(t)
	must(t, db, makeLinks)
	const insert statement = `INSERT INTO engine_links (id, used_at, used_by) VALUES ($1, 0, '')`
	ctx, engine := t.Context(), db.engine.(*pg)
	write := func(tx *Tx, ids ...string) (err error) {
		for _, id := range ids {
			err = errors.Join(err, tx.write(ctx, insert, id))
		}
		return err
	}
	for name, c := range map[string]struct {
		trips int64
		fn    func(*Tx) error
	}{
		"nothing":      {0, func(*Tx) error { return nil }},
		"three writes": {2, func(tx *Tx) error { return write(tx, "a", "b", "c") }},
		"a question, and writes behind it": {2, func(tx *Tx) error {
			_, err := tx.exec(ctx, useLink, "a", 1, "me")
			return errors.Join(err, write(tx, "d", "e"))
		}},
		"writes before a question": {2, func(tx *Tx) error {
			err := write(tx, "f", "g")
			_, failed := tx.exec(ctx, useLink, "f", 1, "me")
			return errors.Join(err, failed)
		}},
		"more than is kept back at once": {3, func(tx *Tx) error { return write(tx, numbered(2*maxWaiting)...) }},
		"few, but large": {3, func(tx *Tx) error {
			large := strings.Repeat("x", maxWaitingBytes)
			return errors.Join(write(tx, "i", "j"), tx.write(ctx, useLink, "i", 1, large), tx.write(ctx, useLink, "j", 1, large))
		}},
		"writes that are given up": {0, func(tx *Tx) error { _ = write(tx, "h"); return errRefused }},
	} {
		before := engine.trips.Load()
		if err := inTx(db, ctx, c.fn); err != nil && !errors.Is(err, errRefused) {
			t.Errorf("%s: %v", name, err)
		}
		if n := engine.trips.Load() - before; n != c.trips {
			t.Errorf("%s: %d ways to the server and back, want %d", name, n, c.trips)
		}
	}
}

// TestWhatFailsBeforeCommitHasNoUnknownOutcome: the server has said that it failed, or it was never sent.
func TestWhatFailsBeforeCommitHasNoUnknownOutcome(t *testing.T) {
	db := openPG(t)
	must(t, db, makeLinks, `INSERT INTO engine_links (id, used_at, used_by) VALUES ('link', 0, '')`)
	ctx := t.Context()
	for name, late := range map[string]func(tx *Tx) error{
		"a statement that took too long": func(tx *Tx) error {
			return errors.Join(tx.write(ctx, `SET LOCAL statement_timeout = 10`), tx.write(ctx, `SELECT pg_sleep(5)`))
		},
		"an argument of a wrong kind": func(tx *Tx) error { return tx.write(ctx, useLink, "link", "no number", "me") },
	} {
		err := inTx(db, ctx, func(tx *Tx) error {
			if _, err := tx.exec(ctx, useLink, "link", 1, "me"); err != nil {
				return err
			}
			return late(tx)
		})
		if err == nil || errors.Is(err, ErrCommitUnknown) {
			t.Errorf("%s: %v", name, err)
		}
		var who string
		if _, err := db.query(ctx, whoUsed, "link").one(&who); err != nil || who != "" {
			t.Errorf("%s: %v, used by %q", name, err, who)
		}
	}
}

func numbered(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprint(i))
	}
	return all
}

// TestAWriteThatFailsLaterUndoesItsTransaction: its failure is told by what it travels with.
func TestAWriteThatFailsLaterUndoesItsTransaction(t *testing.T) {
	eachEngine(t, func(t *testing.T, db *DB) {
		must(t, db, makeLinks, `INSERT INTO engine_links (id, used_at, used_by) VALUES ('link', 0, '')`)
		const insert statement = `INSERT INTO engine_links (id, used_at, used_by) VALUES ($1, 0, '')`
		ctx := t.Context()
		for name, fn := range map[string]func(tx *Tx) error{
			"with COMMIT": func(tx *Tx) error {
				_ = tx.write(ctx, insert, "new")
				_ = tx.write(ctx, insert, "link")
				return nil
			},
			"with a question": func(tx *Tx) error {
				_ = tx.write(ctx, insert, "new")
				_ = tx.write(ctx, insert, "link")
				var who string
				if _, err := tx.query(ctx, whoUsed, "new").one(&who); err == nil {
					t.Error("the question behind a failed write was answered")
				}
				return nil
			},
			"with another write that is asked after": func(tx *Tx) error {
				_ = tx.write(ctx, insert, "link")
				if _, err := tx.exec(ctx, useLink, "link", 1, "me"); err == nil {
					t.Error("what came behind a failed write went through")
				}
				return nil
			},
		} {
			if err := inTx(db, ctx, fn); !isUnique(err) {
				t.Errorf("%s: %v", name, err)
			}
			var who string
			if found, err := db.query(ctx, whoUsed, "new").one(&who); err != nil || found {
				t.Errorf("%s: %v, a part of it stands: %v", name, err, found)
			}
			if _, err := db.query(ctx, whoUsed, "link").one(&who); err != nil || who != "" {
				t.Errorf("%s: %v, used by %q", name, err, who)
			}
		}
	})
}

// TestAConnectionThatIsGoneIsFoundOutBeforeCommit: also where a transaction asks nothing.
func TestAConnectionThatIsGoneIsFoundOutBeforeCommit(t *testing.T) {
	at := pgMigrated(t)
	db, other := openFor(t, Options{URL: at, Conns: 2}), openFor(t, Options{URL: at, Conns: 1})
	must(t, db, makeLinks)
	var gone int
	if err := other.query(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`).
		each(func(scan scan) error { gone++; return nil }); err != nil || gone == 0 {
		t.Fatalf("%d connections: %v", gone, err)
	}
	if err := inTx(db, t.Context(), func(tx *Tx) error {
		return tx.write(t.Context(), `INSERT INTO engine_links (id, used_at, used_by) VALUES ('new', 0, '')`)
	}); err != nil {
		t.Error(err)
	}
}

func TestLostConnectionBeforeCommitIsTriedAgain(t *testing.T) {
	db := openPG(t)
	must(t, db, makeLinks, `INSERT INTO engine_links (id, used_at, used_by) VALUES ('link', 0, '')`)
	runs := 0
	err := inTx(db, t.Context(), func(tx *Tx) error {
		if runs++; runs == 1 {
			var self int
			if _, err := tx.query(t.Context(), `SELECT pg_backend_pid()`).one(&self); err != nil {
				return err
			}
			var done bool
			if _, err := db.query(t.Context(), `SELECT pg_terminate_backend($1)`, self).one(&done); err != nil {
				return err
			}
		}
		_, err := tx.exec(t.Context(), useLink, "link", 1, "me")
		return err
	})
	if err != nil || runs != 2 {
		t.Errorf("%d runs, error %v", runs, err)
	}
}
