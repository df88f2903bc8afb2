package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"
)

// maxBatch bounds what one COMMIT holds, and with it how long the first of a batch waits for the last.
const maxBatch = 256

// bulkTurn is how many batches may pass before bulk work gets its turn although somebody waits.
const bulkTurn = 8

// limits are how long a function may hold the writer. In a batch everybody behind it waits: over the limit it is
// thrown out and runs once more, alone, with the patience that a stalled disk or a busy machine may need.
type limits struct{ batched, alone time.Duration }

var usualLimits = limits{batched: 50 * time.Millisecond, alone: time.Second}

// writer is SQLite's one writer. Transactions that wait while a COMMIT reaches the disk are the next batch: they share
// one BEGIN IMMEDIATE and one COMMIT, with a SAVEPOINT each, so that syncing every commit costs little under load.
//
// What a batch must never do is answer somebody whose write is not on the disk, or let a failing neighbour decide
// about anybody else. Therefore: nobody is answered before COMMIT; a function that fails is undone to its savepoint,
// which also proves that the transaction still stands (some failures end it silently, and outside of one SAVEPOINT
// would begin and RELEASE would commit by itself); and where that proof or anything of the batch's own fails, the
// batch is undone as a whole, the connection is dropped, and each function runs once more in a transaction of its own.
type writer struct {
	db      *sql.DB // one connection
	queue   *queue
	limits  limits
	owner   *DB
	stopped chan struct{}

	conn   *sql.Conn // nil until needed, and after it was dropped
	stmts  map[statement]*sql.Stmt
	handle uintptr // of conn
	watch  *watch

	handleOf func(*sql.Conn) uintptr // a test takes it away
}

func startWriter(db *sql.DB, owner *DB) *writer {
	w := &writer{db: db, queue: newQueue(), limits: usualLimits, owner: owner, stopped: make(chan struct{}),
		watch: newWatch(owner.log), handleOf: handleOf}
	go w.serve()
	return w
}

// stop serves those who wait and ends the writer.
func (w *writer) stop() {
	w.queue.close()
	<-w.stopped
}

// serve is the writer's goroutine.
func (w *writer) serve() {
	defer close(w.stopped)
	defer w.drop()
	for batches := 0; ; {
		calls := w.queue.take(interactive, maxBatch)
		if len(calls) > 0 {
			w.batch(calls)
			batches++
		}
		if len(calls) == 0 || batches >= bulkTurn {
			batches = 0
			if chunk := w.queue.take(bulk, 1); len(chunk) > 0 {
				w.alone(chunk[0], w.limits.alone)
				continue
			}
		}
		if len(calls) == 0 {
			if w.queue.ended() {
				return
			}
			<-w.queue.wake
		}
	}
}

// The writer's own statements. One savepoint name will do: at most one is open.
const (
	beginBatch        statement = `BEGIN IMMEDIATE`
	commitBatch       statement = `COMMIT`
	rollbackBatch     statement = `ROLLBACK`
	savepoint         statement = `SAVEPOINT one`
	releaseSavepoint  statement = `RELEASE one`
	rollbackSavepoint statement = `ROLLBACK TO one`
)

// errDead says that the batch can no longer be committed, whatever its members think.
var errDead = errors.New("store: the batch is undone")

// batch runs the calls in one transaction and answers them, or undoes all of it and runs each alone.
func (w *writer) batch(calls []*call) {
	if len(calls) == 1 { // the quiet hour: no savepoint needed
		w.alone(calls[0], w.limits.batched)
		return
	}
	if err := w.begin(); err != nil {
		// Nobody has run, so nobody can be to blame: running each alone would only wait as often for the same lock.
		for _, j := range calls {
			w.answer(j, err)
		}
		return
	}
	var ran, slow []*call
	for i, j := range calls {
		if !j.place.CompareAndSwap(waiting, running) {
			continue
		}
		err := w.member(j)
		switch {
		case err != nil:
			w.owner.log.Warn("a batch of transactions was undone; each runs alone", "size", len(calls), "at", i,
				"in", j.name(), "error", err)
			w.abandon()
			w.eachAlone(append(append(ran, slow...), j), calls[i+1:])
			return
		case j.slow:
			slow = append(slow, j)
		default:
			ran = append(ran, j)
		}
	}
	if err := w.exec(commitBatch); err != nil {
		w.owner.log.Warn("a batch of transactions could not be committed; each runs alone", "size", len(calls), "error", err)
		w.abandon()
		w.eachAlone(append(ran, slow...), nil)
		return
	}
	w.owner.counts.add(Counts{Commits: 1})
	for _, j := range ran {
		w.answer(j, j.err)
	}
	for _, j := range slow {
		w.again(j)
	}
}

// eachAlone serves the members of an undone batch: those that ran (for nothing) and those whose turn never came.
func (w *writer) eachAlone(ran, rest []*call) {
	for _, j := range ran {
		w.again(j)
	}
	for _, j := range rest {
		w.alone(j, w.limits.alone)
	}
}

// again runs a call for the second time. Until then its caller waits as before, and may give up.
func (w *writer) again(j *call) {
	if j.vanished {
		w.answer(j, nil) // a function that panicked is not called again: its caller goes on panicking
		return
	}
	j.place.Store(waiting)
	w.alone(j, w.limits.alone)
}

// member runs one call of a batch between its savepoints. An error says that the batch is dead.
func (w *writer) member(j *call) error {
	if err := w.exec(savepoint); err != nil {
		return err
	}
	tx := w.lend(j, w.limits.batched)
	if j.err == nil && !j.vanished {
		return w.exec(releaseSavepoint)
	}
	if tx.failed != nil && endsBatch(tx.failed) {
		return fmt.Errorf("%w: %w", errDead, tx.failed)
	}
	if err := w.exec(rollbackSavepoint); err != nil {
		return err
	}
	return w.exec(releaseSavepoint)
}

// alone runs one call in a transaction of its own and answers it.
func (w *writer) alone(j *call, limit time.Duration) {
	if !j.place.CompareAndSwap(waiting, running) {
		return
	}
	if err := w.begin(); err != nil {
		w.answer(j, err)
		return
	}
	tx := w.lend(j, limit)
	if j.err == nil && !j.vanished {
		err := w.exec(commitBatch)
		if err == nil {
			w.owner.counts.add(Counts{Commits: 1})
		} else {
			w.abandon()
			err = fmt.Errorf("committing: %w", err)
		}
		w.answer(j, err)
		return
	}
	if err := w.exec(rollbackBatch); err != nil || (tx.failed != nil && endsBatch(tx.failed)) {
		w.drop()
	}
	if j.slow && limit < w.limits.alone {
		w.again(j)
		return
	}
	w.answer(j, j.err)
}

// lend gives the connection to the call's caller for one run of its function. It returns when the run has ended.
func (w *writer) lend(j *call, limit time.Duration) *Tx {
	start := time.Now()
	// A request that goes away must not interrupt a statement: SQLite would undo the whole transaction.
	ctx := context.Background()
	if w.handle == 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, start.Add(limit))
		defer cancel()
	}
	tx := &Tx{ctx: ctx, on: lent{w}, deadline: start.Add(limit)}
	j.err, j.vanished, j.slow = nil, false, false
	w.watch.begin(j, w.handle, start, limit)
	j.turn <- tx
	<-j.back
	w.watch.end()
	if took := time.Since(start); took > w.limits.batched {
		w.owner.log.Warn("a transaction held the writer for too long", "in", j.name(), "took", took)
	}
	w.owner.counts.add(tx.counts)
	j.counts = tx.counts
	j.slow = errors.Is(tx.failed, ErrSlow) && !j.vanished
	return tx
}

// answer tells the caller how it ended.
func (w *writer) answer(j *call, err error) {
	if err == nil && !j.vanished {
		j.counts.Commits = 1
	}
	j.tally.add(j.counts)
	j.answered <- err
}

// begin opens the transaction, if need be on a new connection.
func (w *writer) begin() error {
	err := w.exec(beginBatch)
	if err == nil {
		return nil
	}
	w.abandon()
	return fmt.Errorf("beginning a transaction: %w", err)
}

// abandon undoes what is open and drops the connection: after a failure of the batch's own nothing is known of it.
func (w *writer) abandon() {
	if w.conn != nil {
		_ = w.exec(rollbackBatch) // it may be undone already; the dropped connection undoes it at last
	}
	w.drop()
}

// drop closes the connection; the next transaction opens a new one.
func (w *writer) drop() {
	if w.conn == nil {
		return
	}
	for _, s := range w.stmts {
		_ = s.Close()
	}
	_ = w.conn.Raw(func(any) error { return driver.ErrBadConn }) // the pool closes it instead of keeping it
	_ = w.conn.Close()
	w.conn, w.stmts, w.handle = nil, nil, 0
}

// prepared returns the statement on the writer's connection.
func (w *writer) prepared(s statement) (*sql.Stmt, error) {
	if st, ok := w.stmts[s]; ok {
		return st, nil
	}
	if w.conn == nil {
		conn, err := w.db.Conn(context.Background())
		if err != nil {
			return nil, err
		}
		w.conn, w.stmts, w.handle = conn, make(map[statement]*sql.Stmt), w.handleOf(conn)
	}
	st, err := w.conn.PrepareContext(context.Background(), string(s))
	if err != nil {
		return nil, err
	}
	w.stmts[s] = st
	return st, nil
}

// exec runs one of the writer's own statements, which nothing may interrupt.
func (w *writer) exec(s statement) error {
	st, err := w.prepared(s)
	if err != nil {
		return err
	}
	_, err = st.ExecContext(context.Background())
	return err
}

// lent is the writer's connection in the hands of a transaction.
type lent struct{ *writer }

func (w lent) exec(ctx context.Context, s statement, args []any) (int64, error) {
	st, err := w.prepared(s)
	if err != nil {
		return 0, err
	}
	done, err := st.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return done.RowsAffected()
}

func (w lent) write(ctx context.Context, s statement, args []any) error {
	_, err := w.exec(ctx, s, args)
	return err
}

func (w lent) open(ctx context.Context, s statement, args []any) (cursor, error) {
	st, err := w.prepared(s)
	if err != nil {
		return nil, err
	}
	rows, err := st.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	return sqlCursor{rows}, nil
}

func (lent) dialect() dialect { return sqliteDialect }
