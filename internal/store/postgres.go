package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

const (
	// tries is how often a transaction runs at most; from aloneFrom on, no other runs on this node beside it.
	tries     = 5
	aloneFrom = 3
	// statements is how many of them a connection keeps prepared: all that there are.
	statements = 1024
	// pgPatience is how long one run may take. A COMMIT that is under way then has an unknown outcome.
	pgPatience = 10 * time.Second
)

// pg is the PostgreSQL engine; any number of nodes share the database.
type pg struct {
	pool  *pgxpool.Pool
	owner *DB
	gate  *gate
	// bulk lets one bulk transaction of this node run at a time: the others' connections are for people.
	bulk chan struct{}
	// trips counts the ways to the server and back that transactions took.
	trips atomic.Int64
}

func openPostgres(ctx context.Context, url string, conns int, owner *DB) (*pg, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("reading PostgreSQL's address: %w", err) // pgx leaves the password out
	}
	if !strings.Contains(url, "pool_max_conns") {
		if conns == 0 {
			conns = min(32, max(8, 4*runtime.GOMAXPROCS(0)))
		}
		cfg.MaxConns = int32(conns)
	}
	if !strings.Contains(url, "statement_cache_capacity") {
		cfg.ConnConfig.StatementCacheCapacity = statements
	}
	if cfg.ConnConfig.ConnectTimeout == 0 {
		cfg.ConnConfig.ConnectTimeout = 5 * time.Second
	}
	if _, set := cfg.ConnConfig.RuntimeParams["application_name"]; !set {
		cfg.ConnConfig.RuntimeParams["application_name"] = "portvakt"
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("PostgreSQL does not answer: %w", err)
	}
	return &pg{pool: pool, owner: owner, gate: newGate(int(cfg.MaxConns)), bulk: make(chan struct{}, 1)}, nil
}

func (p *pg) dialect() dialect { return postgresDialect }

func (p *pg) close() error {
	p.pool.Close()
	return nil
}

func (p *pg) open(ctx context.Context, s statement, args []any) (cursor, error) {
	rows, err := p.pool.Query(ctx, string(s), args...)
	if err != nil {
		return nil, err
	}
	return pgCursor{rows}, nil
}

// transact runs the call SERIALIZABLE and again where PostgreSQL asks for it. The request's context counts until a
// connection is there and between two tries; a run goes to its end, because a cancelled statement costs the
// connection, and a cancelled COMMIT the knowledge of its outcome.
func (p *pg) transact(ctx context.Context, j *call) error {
	if j.lane == bulk {
		select {
		case p.bulk <- struct{}{}:
			defer func() { <-p.bulk }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for try := 1; ; try++ {
		again, err := p.inTurn(ctx, j, try)
		if !again {
			return err
		}
		if try == tries {
			p.owner.log.Warn("a transaction was given up", "in", j.name(), "tries", tries, "error", err)
			return fmt.Errorf("giving up after %d tries: %w", tries, err)
		}
		select {
		case <-time.After(backoff(try)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// backoff grows with each try, and differs between those who met.
func backoff(try int) time.Duration {
	most := 5 * time.Millisecond << try
	return time.Duration(rand.Int64N(int64(most))) + time.Millisecond
}

// inTurn is one run, beside the others or without them.
func (p *pg) inTurn(ctx context.Context, j *call, try int) (again bool, err error) {
	if err := p.gate.enter(ctx, try >= aloneFrom); err != nil {
		return false, err
	}
	defer func() { p.gate.leave(again) }()
	return p.try(ctx, j)
}

// try is one run; again says that it had no effect and may be repeated.
func (p *pg) try(ctx context.Context, j *call) (again bool, err error) {
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		if errors.Is(err, ctx.Err()) || !strings.Contains(err.Error(), "closed pool") {
			return false, err
		}
		return false, ErrClosed
	}
	defer conn.Release()
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), pgPatience)
	defer cancel()
	// Until COMMIT is sent nothing has happened, whatever became of the connection.
	harmless := func(err error) bool {
		return isRetryable(err) || (conn.Conn().IsClosed() && own.Err() == nil)
	}
	t := &pgTx{conn: conn.Conn(), trips: &p.trips}
	tx := &Tx{ctx: own, on: t}
	committed := false
	defer func() { // also when the function panics
		tx.over = true
		if !committed {
			t.rollback(own)
		}
		p.owner.counts.add(tx.counts)
		if !again {
			j.tally.add(tx.counts)
		}
	}()
	if err := tx.verdict(j.fn(tx)); err != nil {
		// The function may have translated the error; the transaction remembers the one that counts.
		return tx.failed != nil && harmless(tx.failed), err
	}
	if err := t.reach(own); err != nil {
		return harmless(err), err
	}
	if err := t.commit(own); err != nil {
		switch {
		case isRetryable(err):
			return true, err
		case rolledBack(err), t.isOpen(): // what was sent before COMMIT has failed
			return false, fmt.Errorf("committing: %w", err)
		}
		return false, fmt.Errorf("%w: %w", ErrCommitUnknown, err)
	}
	committed = true
	p.owner.counts.add(Counts{Commits: 1})
	j.tally.add(Counts{Commits: 1})
	return false, nil
}

// rolledBack tells that a failed COMMIT certainly had no effect, because the server said so itself. An error that does
// not come from the server says nothing, even where pgconn.SafeToRetry holds: pgx was seen to answer "conn closed", as
// if nothing had been sent, when the connection was cut after a COMMIT that the server carried out.
func rolledBack(err error) bool {
	if errors.Is(err, pgx.ErrTxCommitRollback) {
		return true
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || e.Code == "40003" { // statement completion unknown
		return false
	}
	return !strings.HasPrefix(e.Code, "08") && !strings.HasPrefix(e.Code, "57") // connection lost, server stopped
}

// undefinedTable is PostgreSQL's code for a table that is not there.
const undefinedTable = "42P01"

func (p *pg) schemaVersion(ctx context.Context) (version int64, err error) {
	err = p.pool.QueryRow(ctx, string(schemaVersion)).Scan(&version)
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == undefinedTable {
		return 0, nil
	}
	return version, err
}

// migrate is guarded by a row with a lease, not by an advisory lock: CockroachDB and YugabyteDB have none. A node that
// dies in the middle is waited for until its lease ends.
func (p *pg) migrate(ctx context.Context) error {
	db := stdlib.OpenDBFromPool(p.pool)
	defer db.Close()
	locker, err := lock.NewPostgresTableLocker(
		lock.WithTableName("schema_lock"),
		lock.WithTableLeaseDuration(30*time.Second),
		lock.WithTableHeartbeatInterval(5*time.Second),
		lock.WithTableLockTimeout(100*time.Millisecond, 6000),
		lock.WithTableUnlockTimeout(100*time.Millisecond, 50),
		lock.WithTableLogger(slog.New(slog.DiscardHandler)),
	)
	if err != nil {
		return err
	}
	return runMigrations(ctx, goose.DialectPostgres, db, goose.WithLocker(locker))
}

const pgClock statement = `SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint`

func (p *pg) clock(ctx context.Context) (time.Time, bool, error) {
	var now int64
	err := p.pool.QueryRow(ctx, string(pgClock)).Scan(&now)
	return fromMS(now), true, err
}

// The words that begin and end a transaction.
const (
	pgBegin    = "BEGIN ISOLATION LEVEL SERIALIZABLE"
	pgCommit   = "COMMIT"
	pgRollback = "ROLLBACK"
)

// What waits to be sent is bounded in statements and bytes: a bulk transaction's rows, and a guide's pictures, would otherwise all lie in memory.
const (
	maxWaiting      = 100
	maxWaitingBytes = 1 << 20
)

// pgTx runs a transaction's statements; pgx prepares and keeps them on each connection. A way to the server and back costs both sides more than
// most statements: BEGIN goes with the first one, what only writes with the next that somebody waits for, and the last of it with COMMIT.
type pgTx struct {
	conn    *pgx.Conn
	begun   bool // BEGIN was sent, or waits
	there   bool // the server has answered
	waiting pgx.Batch
	bytes   int           // of what waits
	trips   *atomic.Int64 // ways to the server and back
}

// queue puts a statement behind those that wait.
func (t *pgTx) queue(s statement, args []any) {
	if !t.begun {
		t.begun = true
		t.waiting.Queue(pgBegin)
	}
	t.waiting.Queue(string(s), args...)
	for _, arg := range args {
		switch v := arg.(type) {
		case string:
			t.bytes += len(v)
		case []byte:
			t.bytes += len(v)
		}
	}
}

// send sends what waits, and reads the answers but the last. An error is that of the first statement that failed; the server has skipped those behind it.
func (t *pgTx) send(ctx context.Context) (pgx.BatchResults, error) {
	batch := t.waiting
	t.waiting, t.bytes = pgx.Batch{}, 0
	t.trips.Add(1)
	answers := t.conn.SendBatch(ctx, &batch)
	for range batch.Len() - 1 {
		if _, err := answers.Exec(); err != nil {
			_ = answers.Close()
			return nil, err
		}
		t.there = true
	}
	return answers, nil
}

// run sends what waits and returns the answer to the last of it.
func (t *pgTx) run(ctx context.Context) (tag pgconn.CommandTag, err error) {
	answers, err := t.send(ctx)
	if err != nil {
		return tag, err
	}
	tag, err = answers.Exec()
	if closing := answers.Close(); err == nil {
		err = closing
	}
	return tag, err
}

func (t *pgTx) write(ctx context.Context, s statement, args []any) error {
	t.queue(s, args)
	if t.waiting.Len() < maxWaiting && t.bytes < maxWaitingBytes {
		return nil
	}
	_, err := t.run(ctx)
	return err
}

func (t *pgTx) exec(ctx context.Context, s statement, args []any) (int64, error) {
	t.queue(s, args)
	tag, err := t.run(ctx)
	return tag.RowsAffected(), err
}

func (t *pgTx) open(ctx context.Context, s statement, args []any) (cursor, error) {
	t.queue(s, args)
	answers, err := t.send(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := answers.Query()
	if err != nil {
		_ = answers.Close()
		return nil, err
	}
	return pgBatchCursor{pgCursor{rows}, answers}, nil
}

// reach sends what waits where the server has answered nothing yet: a connection that is gone is found out before COMMIT, and the transaction may run again.
func (t *pgTx) reach(ctx context.Context) error {
	if !t.begun || t.there {
		return nil
	}
	_, err := t.run(ctx)
	return err
}

// commit sends COMMIT with what still waits. A transaction that asked nothing has nothing to commit.
func (t *pgTx) commit(ctx context.Context) error {
	if !t.begun {
		return nil
	}
	t.queue(pgCommit, nil)
	tag, err := t.run(ctx)
	if err == nil && tag.String() == pgRollback { // the answer to COMMIT where something had failed
		err = pgx.ErrTxCommitRollback
	}
	return err
}

// rollback undoes what has reached the server. It is of no consequence after a failed COMMIT, and a connection that is still inside of a transaction goes
// back to no pool.
func (t *pgTx) rollback(ctx context.Context) {
	if t.isOpen() {
		_, _ = t.conn.Exec(ctx, pgRollback)
	}
}

// isOpen says whether the connection stands inside of the transaction: then nothing is committed.
func (t *pgTx) isOpen() bool { return !t.conn.IsClosed() && t.conn.PgConn().TxStatus() != idle }

// idle is the state of a connection outside of any transaction (PostgreSQL's protocol, ReadyForQuery).
const idle = 'I'

func (*pgTx) dialect() dialect { return postgresDialect }

// pgCursor is an answer of pgx, whose errors come at the end.
type pgCursor struct{ pgx.Rows }

func (c pgCursor) Close() error {
	c.Rows.Close()
	return c.Rows.Err()
}

// pgBatchCursor is the last answer to several statements.
type pgBatchCursor struct {
	pgCursor
	answers pgx.BatchResults
}

func (c pgBatchCursor) Close() error {
	err := c.pgCursor.Close()
	if closing := c.answers.Close(); err == nil {
		err = closing
	}
	return err
}
