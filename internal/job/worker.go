package job

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/portvakt/portvakt/internal/secret"
)

// Store is what the worker needs of the database. Every method is a transaction of its own.
type Store interface {
	// LeaseJob takes the next due job of the kind for the holder until the given time; false where there is none. Of one
	// organisation, one job of a kind runs at a time.
	LeaseJob(ctx context.Context, k Kind, holder string, now, until time.Time) (Job, bool, error)
	// ReturnJob ends the holder's lease: whoever comes first after the given time goes on.
	ReturnJob(ctx context.Context, id, holder string, next time.Time) error
}

// Tx is how a step says how far it has come, in the transaction of its effect.
type Tx interface {
	// SaveJob stores the job's state, position, counts, params, reason and next time, and prolongs the holder's lease. It fails with
	// ErrLost or ErrStopped where the job is no longer the holder's to go on with.
	SaveJob(ctx context.Context, j Job, holder string, now time.Time) error
}

// Step does one bite of a job, some hundred rows or less than a second of work, and returns the job as it saved it. The last bite
// saves it as Done, or as Failed with a reason; one that shall rest saves a NotBefore. An error of its own means: nothing was
// committed, try again in a while.
type Step func(ctx context.Context, j Job, holder string) (Job, error)

// LeaseTime is how long a job belongs to who has last saved it.
const LeaseTime = time.Minute

const (
	idlePause  = 250 * time.Millisecond
	retryPause = 10 * time.Second // after an error
)

// Worker does jobs until its context ends. Any number of workers on any number of nodes may run: the lease keeps them apart.
type Worker struct {
	Store Store
	Steps map[Kind]Step
	Now   func() time.Time
	Log   *slog.Logger
	Idle  time.Duration // pause when there is nothing to do; 0: 250 ms
}

// Run works until ctx ends, then finishes the bites in hand and gives the jobs back. No kind waits for another.
func (w *Worker) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for kind := range w.Steps {
		all.Go(func() { w.work(ctx, kind) })
	}
	all.Wait()
	return nil
}

func (w *Worker) work(ctx context.Context, kind Kind) {
	for ctx.Err() == nil {
		had, err := w.turn(ctx, kind, func() bool { return ctx.Err() == nil })
		if err != nil && ctx.Err() == nil {
			w.Log.Error("job: a bite failed", "kind", kind, "error", err)
		}
		if had && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(cmp.Or(w.Idle, idlePause)):
		}
	}
}

// Round does one bite of one job of each kind, and says how many there were. Tests call it instead of Run.
func (w *Worker) Round(ctx context.Context) (n int, err error) {
	for kind := range w.Steps {
		had, failed := w.turn(ctx, kind, func() bool { return false })
		if had {
			n++
		}
		err = errors.Join(err, failed)
	}
	return n, err
}

// turn takes a job and does its bites until it ends, rests or was stopped, or until more says no.
func (w *Worker) turn(ctx context.Context, kind Kind, more func() bool) (had bool, err error) {
	// Each lease has a name of its own: a commit whose outcome is unknown is found out by reading the job anew.
	holder, now := secret.NewID(), w.Now()
	j, had, err := w.Store.LeaseJob(ctx, kind, holder, now, now.Add(LeaseTime))
	if err != nil || !had {
		return false, err
	}
	own := context.WithoutCancel(ctx) // a bite in hand is finished
	for {
		next, err := w.Steps[kind](own, j, holder)
		switch {
		case errors.Is(err, ErrLost) || errors.Is(err, ErrStopped):
			return true, nil
		case err != nil:
			err = fmt.Errorf("job %s: %w", j.ID, err)
			return true, errors.Join(err, w.Store.ReturnJob(own, j.ID, holder, w.Now().Add(retryPause)))
		}
		if j = next; j.State != Running || j.NotBefore.After(w.Now()) {
			return true, nil
		}
		if !more() {
			return true, w.Store.ReturnJob(own, j.ID, holder, j.NotBefore)
		}
	}
}
