package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// statement is an SQL text. Each stands as a typed constant beside the method that uses it:
//
//	const findLink statement = `SELECT … WHERE hash = $1`
//
// The type keeps texts from being put together at run time; a test finds the constants in the source and prepares
// each on both engines. A statement that must differ is a pair of constants whose names end in SQLite and Postgres,
// chosen by dialect.pick.
type statement string

// reads tells a statement that cannot write: only such a one may run outside a transaction.
func (s statement) reads() bool {
	text := strings.TrimLeft(string(s), " \t\r\n")
	if strings.HasPrefix(text, "SELECT") {
		return true
	}
	if !strings.HasPrefix(text, "WITH") {
		return false
	}
	return !strings.Contains(text, "INSERT ") && !strings.Contains(text, "UPDATE ") && !strings.Contains(text, "DELETE ")
}

// source is where a statement with an answer runs: a transaction, or the readers.
type source interface {
	open(ctx context.Context, s statement, args []any) (cursor, error)
}

// cursor is an answer being read.
type cursor interface {
	Next() bool
	Scan(dest ...any) error
	// Close ends the reading and tells whether it went well.
	Close() error
}

// query is a statement with its arguments. It runs when one, each or list asks for the answer, which is also read to
// its end there: an answer left open would keep SQLite's log from shrinking and PostgreSQL's connection busy.
type query struct {
	ctx  context.Context
	from source
	text statement
	args []any
}

// querier is what *DB and *Tx share, for a statement that is asked inside and outside of transactions.
type querier interface {
	query(ctx context.Context, s statement, args ...any) query
}

var (
	_ querier = (*DB)(nil)
	_ querier = (*Tx)(nil)
)

// scan copies the columns of the present row.
type scan func(dest ...any) error

// errTwoRows betrays a statement whose WHERE is not the key it was taken for.
var errTwoRows = errors.New("store: a statement that should answer one row answered more")

// one reads the only row into dest; false means that there is none. Reading to the end is also what completes an
// UPDATE … RETURNING.
func (q query) one(dest ...any) (found bool, err error) {
	err = q.each(func(scan scan) error {
		if found {
			return errTwoRows
		}
		found = true
		return scan(dest...)
	})
	return found && err == nil, err
}

// each calls fn for each row. On both engines, fn must not run statements of the same transaction.
func (q query) each(fn func(scan scan) error) error {
	rows, err := q.from.open(q.ctx, q.text, q.args)
	if err != nil {
		return err
	}
	for rows.Next() {
		err := q.ctx.Err() // SQLite's statements do not look at the request's context
		if err == nil {
			err = fn(rows.Scan)
		}
		if err != nil {
			_ = rows.Close() // fn's error is the one that tells
			return err
		}
	}
	return rows.Close()
}

// list collects what fn makes of each row.
func list[T any](q query, fn func(scan scan) (T, error)) ([]T, error) {
	var all []T
	err := q.each(func(scan scan) error {
		one, err := fn(scan)
		if err == nil {
			all = append(all, one)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// query reads outside a transaction, what is committed now.
func (db *DB) query(ctx context.Context, s statement, args ...any) query {
	return query{ctx: ctx, from: db, text: s, args: storable(args)}
}

// storable replaces what PostgreSQL takes in no text and SQLite does: NUL, and bytes that are no UTF-8. An id that a stranger
// made up so finds nothing, instead of being an error of ours.
func storable(args []any) []any {
	for i, arg := range args {
		if text, ok := arg.(string); ok && (!utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0) {
			args[i] = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
		}
	}
	return args
}

func (db *DB) open(ctx context.Context, s statement, args []any) (cursor, error) {
	if !s.reads() {
		return nil, fmt.Errorf("store: a statement that writes needs a transaction: %.60s", s)
	}
	db.counts.add(Counts{Reads: 1})
	tallyOf(ctx).add(Counts{Reads: 1})
	return db.engine.open(ctx, s, args)
}
