package store

import (
	"context"
	"sync/atomic"
)

// Counts are numbers of statements and transactions, so that a test can say what an operation may cost.
type Counts struct {
	Reads  int64 // statements that only read
	Writes int64 // statements that may write
	// Commits are COMMITs of the database. In a tally they are the caller's own transactions, also where several
	// callers shared one COMMIT.
	Commits int64
}

type counters struct{ reads, writes, commits atomic.Int64 }

func (c *counters) add(n Counts) {
	if n.Reads != 0 {
		c.reads.Add(n.Reads)
	}
	if n.Writes != 0 {
		c.writes.Add(n.Writes)
	}
	if n.Commits != 0 {
		c.commits.Add(n.Commits)
	}
}

func (c *counters) read() Counts {
	return Counts{Reads: c.reads.Load(), Writes: c.writes.Load(), Commits: c.commits.Load()}
}

// Counts tells what this process has done since Open, runs that were rolled back included.
func (db *DB) Counts() Counts { return db.counts.read() }

// Tally counts what was done in the name of one context.
type Tally struct{ counters }

type tallyKey struct{}

// WithTally returns a context whose statements and transactions are counted by the tally. A transaction counts with
// the run that was committed; one that ended in an error counts its statements and no commit.
func WithTally(ctx context.Context) (context.Context, *Tally) {
	t := new(Tally)
	return context.WithValue(ctx, tallyKey{}, t), t
}

// Counts tells what the tally has counted so far.
func (t *Tally) Counts() Counts { return t.read() }

func (t *Tally) add(n Counts) {
	if t != nil {
		t.counters.add(n)
	}
}

func tallyOf(ctx context.Context) *Tally {
	t, _ := ctx.Value(tallyKey{}).(*Tally)
	return t
}
