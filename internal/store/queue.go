package store

import (
	"context"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// lane says who waits: a person for an answer, or bulk work for its end.
type lane int

const (
	interactive lane = iota
	bulk
)

// call is one call of InTx, as it waits for its turn.
type call struct {
	fn     func(*Tx) error
	origin any // the caller's function, for its name
	lane   lane
	tally  *Tally

	// The rest is SQLite's, where a call waits for the writer.
	place    atomic.Int32  // waiting, running or gone
	turn     chan *Tx      // from the writer: run now
	answered chan error    // from the writer: committed, or why not
	back     chan struct{} // to the writer: the function has ended, the writer's connection is free
	err      error         // the run's outcome, before the COMMIT
	counts   Counts        // of the last run
	slow     bool          // the run was stopped because it took too long
	vanished bool          // the function ended by a panic or by runtime.Goexit
}

// Where a call is.
const (
	waiting int32 = iota
	running
	gone // its caller has given up
)

func newCall(l lane, t *Tally, origin any, fn func(*Tx) error) *call {
	return &call{fn: fn, origin: origin, lane: l, tally: t}
}

// name is the caller's function as Go names it, as in recovery.(*Service).ResetPassword.func1.
func (j *call) name() string {
	if f := runtime.FuncForPC(reflect.ValueOf(j.origin).Pointer()); f != nil {
		return f.Name()
	}
	return "unknown"
}

// queue holds the calls that wait for SQLite's writer.
type queue struct {
	mu     sync.Mutex
	lanes  [2][]*call
	closed bool
	wake   chan struct{} // capacity 1: there is something new
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

// add answers false once the queue is closed.
func (q *queue) add(j *call) bool {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return false
	}
	q.lanes[j.lane] = append(q.lanes[j.lane], j)
	q.mu.Unlock()
	q.signal()
	return true
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take removes up to n calls of a lane, the oldest first.
func (q *queue) take(l lane, n int) []*call {
	q.mu.Lock()
	defer q.mu.Unlock()
	n = min(n, len(q.lanes[l]))
	taken := slices.Clone(q.lanes[l][:n])
	q.lanes[l] = slices.Delete(q.lanes[l], 0, n)
	return taken
}

// close lets nobody in any more; those inside are served.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
}

// ended tells that nobody is there and nobody will come.
func (q *queue) ended() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed && len(q.lanes[interactive])+len(q.lanes[bulk]) == 0
}

// wait stands in the queue until the writer has answered. The request's context counts only before the function
// runs, and again when it has to run a second time.
//
// The function runs here, in its caller's goroutine, while the writer waits for it: so a panic, or the Goexit of a
// failed test, ends the caller as if there were no writer at all, with its own stack.
func (q *queue) wait(ctx context.Context, j *call) error {
	j.turn, j.answered, j.back = make(chan *Tx, 1), make(chan error, 1), make(chan struct{}, 1)
	if !q.add(j) {
		return ErrClosed
	}
	givenUp := ctx.Done()
	for {
		select {
		case tx := <-j.turn:
			j.run(tx)
		case err := <-j.answered:
			return err
		case <-givenUp:
			if j.place.CompareAndSwap(waiting, gone) {
				return ctx.Err()
			}
			givenUp = nil // it runs, and its outcome is what the caller must know
		}
	}
}

// run is one run of the function, whose outcome the writer reads after back.
func (j *call) run(tx *Tx) {
	returned := false
	defer func() {
		if returned {
			return
		}
		tx.over, j.vanished = true, true
		j.back <- struct{}{}
		<-j.answered //nolint:errcheck // nobody hears anything before COMMIT, a panic included
	}()
	err := j.fn(tx)
	returned = true
	j.err = tx.verdict(err)
	j.back <- struct{}{}
}
