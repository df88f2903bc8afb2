package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Tx is a writing transaction. Features add their methods to it, in the file of the feature; what those share is
// write, exec and query. A Tx lives as long as the function it was given to, and belongs to that one goroutine.
//
// The first statement that fails spoils it: later ones answer the same error, and it is rolled back even if the
// function returns nil. PostgreSQL behaves so anyway; on SQLite some failures end the transaction silently, and a
// statement after that would be committed by itself.
type Tx struct {
	// ctx is the transaction's own, not the request's: a request that goes away must not interrupt a statement,
	// because that rolls back the neighbours in SQLite's batch and closes PostgreSQL's connection. The context that
	// the methods get is therefore not looked at.
	ctx      context.Context
	on       execer
	deadline time.Time // zero: none
	counts   Counts    // of this run
	reading  bool      // an answer is being read
	failed   error     // what spoiled it
	over     bool      // the function has returned
}

// execer runs the statements of one transaction.
type execer interface {
	source
	exec(ctx context.Context, s statement, args []any) (int64, error)
	// write is exec for a statement of which nobody asks how many rows it changed. It may wait for the next one, and fail there.
	write(ctx context.Context, s statement, args []any) error
	dialect() dialect
}

var (
	errTxOver    = errors.New("store: the transaction is over: its Tx was kept beyond the function")
	errTxReading = errors.New("store: a statement inside the reading of another one's rows: PostgreSQL cannot do that")
)

// write runs a statement without an answer. On PostgreSQL it travels with the next statement that has one, or with COMMIT: a failure may be
// told there, and spoils the transaction as well.
func (tx *Tx) write(_ context.Context, s statement, args ...any) error {
	if err := tx.begin(s); err != nil {
		return err
	}
	return tx.spoil(tx.on.write(tx.ctx, s, storable(args)))
}

// exec is write for somebody who asks how many rows were changed.
func (tx *Tx) exec(_ context.Context, s statement, args ...any) (changed int64, err error) {
	if err := tx.begin(s); err != nil {
		return 0, err
	}
	changed, err = tx.on.exec(tx.ctx, s, storable(args))
	return changed, tx.spoil(err)
}

// query runs a statement with an answer, be it a SELECT or something with RETURNING.
func (tx *Tx) query(_ context.Context, s statement, args ...any) query {
	return query{ctx: tx.ctx, from: tx, text: s, args: storable(args)}
}

func (tx *Tx) open(ctx context.Context, s statement, args []any) (cursor, error) {
	if err := tx.begin(s); err != nil {
		return nil, err
	}
	c, err := tx.on.open(ctx, s, args)
	if err != nil {
		return nil, tx.spoil(err)
	}
	tx.reading = true
	return txCursor{c, tx}, nil
}

// begin refuses a statement that must not run, and counts one that does.
func (tx *Tx) begin(s statement) error {
	switch {
	case tx.over:
		return errTxOver
	case tx.failed != nil:
		return tx.failed
	case tx.reading:
		return tx.spoil(errTxReading)
	case !tx.deadline.IsZero() && time.Now().After(tx.deadline):
		return tx.spoil(ErrSlow)
	}
	if s.reads() {
		tx.counts.Reads++
	} else {
		tx.counts.Writes++
	}
	return nil
}

func (tx *Tx) spoil(err error) error {
	if err == nil {
		return nil
	}
	if tx.failed == nil {
		if errors.Is(err, context.DeadlineExceeded) || isInterrupt(err) {
			err = fmt.Errorf("%w: %w", ErrSlow, err)
		}
		tx.failed = err
	}
	return err
}

// verdict is what the function's end means: its own error, or else that of a failed statement it did not tell of.
func (tx *Tx) verdict(err error) error {
	tx.over = true
	if err == nil {
		err = tx.failed
	}
	return err
}

// txCursor notes the end of the reading, and a failure on the way.
type txCursor struct {
	cursor
	tx *Tx
}

func (c txCursor) Scan(dest ...any) error { return c.tx.spoil(c.cursor.Scan(dest...)) }

func (c txCursor) Close() error {
	c.tx.reading = false
	return c.tx.spoil(c.cursor.Close())
}
