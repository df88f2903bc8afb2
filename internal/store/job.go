package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/portvakt/portvakt/internal/job"
	"github.com/portvakt/portvakt/internal/organisation"
)

var (
	_ job.Store = (*DB)(nil)
	_ job.Tx    = (*Tx)(nil)
)

const (
	insertJob statement = `
INSERT INTO jobs (id, kind, organisation_id, created_by, state, position, total, counts, params, reason, created_at, started_at, finished_at,
  not_before, leased_by, lease_until)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', $10, 0, 0, $11, '', 0)`

	findJob statement = `
SELECT id, kind, organisation_id, created_by, state, position, total, counts, params, reason, created_at, started_at, finished_at, not_before
FROM jobs WHERE id = $1 AND organisation_id = $2`

	listJobs statement = `
SELECT id, kind, organisation_id, created_by, state, position, total, counts, params, reason, created_at, started_at, finished_at, not_before
FROM jobs WHERE organisation_id = $1 AND kind = $2 ORDER BY created_at DESC, id LIMIT $3`

	// Asked first, so that idle workers cost a read and no transaction.
	findDueJob statement = `
SELECT id FROM jobs j WHERE state IN ('queued', 'running') AND kind = $2 AND not_before <= $1 AND lease_until <= $1
  AND (kind = 'mailing' AND total = 1 OR NOT EXISTS (SELECT 1 FROM jobs o WHERE o.state = 'running' AND o.kind = $2 AND o.organisation_id = j.organisation_id AND o.id <> j.id))
LIMIT 1`

	// The lease is asked again in the outer WHERE: without row locks, that is what only one worker can win.
	// Who is helped on the phone does not wait for a mailing to everybody.
	leaseJob statement = `
UPDATE jobs SET state = 'running', leased_by = $3, lease_until = $4, started_at = CASE WHEN started_at = 0 THEN $1 ELSE started_at END
WHERE state IN ('queued', 'running') AND lease_until <= $1 AND id IN (SELECT id FROM jobs j
  WHERE state IN ('queued', 'running') AND kind = $2 AND not_before <= $1 AND lease_until <= $1
    AND (kind = 'mailing' AND total = 1 OR NOT EXISTS (SELECT 1 FROM jobs o WHERE o.state = 'running' AND o.kind = $2 AND o.organisation_id = j.organisation_id AND o.id <> j.id))
  ORDER BY not_before, created_at, id LIMIT 1)
RETURNING id, kind, organisation_id, created_by, state, position, total, counts, params, reason, created_at, started_at, finished_at, not_before`

	saveJob statement = `
UPDATE jobs SET state = $3, position = $4, total = $5, counts = $6, params = $7, reason = $8, finished_at = $9, not_before = $10, lease_until = $11
WHERE id = $1 AND leased_by = $2 AND state = 'running'`

	whyNotMine statement = `SELECT state FROM jobs WHERE id = $1`

	returnJob statement = `
UPDATE jobs SET leased_by = '', lease_until = 0, not_before = $3 WHERE id = $1 AND leased_by = $2 AND state = 'running'`

	queueJob statement = `
UPDATE jobs SET state = 'queued', not_before = $3 WHERE id = $1 AND organisation_id = $2 AND state IN ('waiting', 'paused')`

	pauseJob statement = `
UPDATE jobs SET state = 'paused', leased_by = '', lease_until = 0 WHERE id = $1 AND organisation_id = $2 AND state IN ('queued', 'running')`

	cancelJob statement = `
UPDATE jobs SET state = 'cancelled', finished_at = $3, leased_by = '', lease_until = 0
WHERE id = $1 AND organisation_id = $2 AND state IN ('waiting', 'queued', 'running', 'paused')`

	releaseJobs statement = `UPDATE jobs SET lease_until = 0 WHERE lease_until > 0`
)

func scanJob(scan scan) (j job.Job, err error) {
	var counts, params string
	var created, started, finished, notBefore int64
	err = scan(&j.ID, &j.Kind, &j.Organisation, &j.By, &j.State, &j.Position, &j.Total, &counts, &params, &j.Reason, &created, &started, &finished, &notBefore)
	if err != nil {
		return j, err
	}
	j.Created, j.Started, j.Finished, j.NotBefore = fromMS(created), fromMS(started), fromMS(finished), fromMS(notBefore)
	if err := json.Unmarshal([]byte(counts), &j.Counts); err != nil {
		return j, err
	}
	return j, json.Unmarshal([]byte(params), &j.Params)
}

// bags are the job's counts and params as they are stored.
func bags(j job.Job) (counts, params string, err error) {
	if j.Counts == nil {
		j.Counts = map[string]int64{}
	}
	if j.Params == nil {
		j.Params = map[string]string{}
	}
	c, err := json.Marshal(j.Counts)
	if err != nil {
		return "", "", err
	}
	p, err := json.Marshal(j.Params)
	return string(c), string(p), err
}

// InsertJob stores a new job.
func (tx *Tx) InsertJob(ctx context.Context, j job.Job) error {
	counts, params, err := bags(j)
	if err != nil {
		return err
	}
	return tx.write(ctx, insertJob, j.ID, string(j.Kind), string(j.Organisation), string(j.By), string(j.State), j.Position, j.Total, counts, params,
		ms(j.Created), ms(j.NotBefore))
}

// FindJob looks a job of the organisation up.
func (db *DB) FindJob(ctx context.Context, org organisation.ID, id string) (job.Job, bool, error) {
	return firstJob(db.query(ctx, findJob, id, string(org)))
}

// FindJobInTx is FindJob inside a transaction that may move it.
func (tx *Tx) FindJobInTx(ctx context.Context, org organisation.ID, id string) (job.Job, bool, error) {
	return firstJob(tx.query(ctx, findJob, id, string(org)))
}

func firstJob(q query) (job.Job, bool, error) {
	found, err := list(q, scanJob)
	if len(found) == 0 {
		return job.Job{}, false, err
	}
	return found[0], true, nil
}

// ListJobs lists the newest jobs of a kind in the organisation.
func (db *DB) ListJobs(ctx context.Context, org organisation.ID, k job.Kind, limit int) ([]job.Job, error) {
	return list(db.query(ctx, listJobs, string(org), string(k), int64(limit)), scanJob)
}

// MoveJob queues, pauses or cancels a job of the organisation; false where it is not in a state from which that leads on. Whoever has
// it in hand learns of it when saving.
func (tx *Tx) MoveJob(ctx context.Context, org organisation.ID, id string, to job.State, now time.Time) (bool, error) {
	var n int64
	var err error
	switch to {
	case job.Queued:
		n, err = tx.exec(ctx, queueJob, id, string(org), ms(now))
	case job.Paused:
		n, err = tx.exec(ctx, pauseJob, id, string(org))
	case job.Cancelled:
		n, err = tx.exec(ctx, cancelJob, id, string(org), ms(now))
	}
	return n == 1, err
}

// LeaseJob takes the next due job of the kind for the holder until the given time.
func (db *DB) LeaseJob(ctx context.Context, k job.Kind, holder string, now, until time.Time) (j job.Job, ok bool, err error) {
	var id string
	if due, err := db.query(ctx, findDueJob, ms(now), string(k)).one(&id); err != nil || !due {
		return j, false, err
	}
	err = InTx[*Tx](db)(ctx, func(tx *Tx) (err error) {
		j, ok, err = firstJob(tx.query(ctx, leaseJob, ms(now), string(k), holder, ms(until)))
		return err
	})
	return j, ok && err == nil, err
}

// SaveJob stores how far the holder has come with the job, and prolongs the lease.
func (tx *Tx) SaveJob(ctx context.Context, j job.Job, holder string, now time.Time) error {
	counts, params, err := bags(j)
	if err != nil {
		return err
	}
	until := now.Add(job.LeaseTime)
	if j.State.Ended() && j.Finished.IsZero() {
		j.Finished = now
	}
	if j.State != job.Running || j.NotBefore.After(now) {
		until = time.Time{} // it rests, and is anybody's when it is due
	}
	n, err := tx.exec(ctx, saveJob, j.ID, holder, string(j.State), j.Position, j.Total, counts, params, j.Reason, ms(j.Finished), ms(j.NotBefore), ms(until))
	if err != nil || n == 1 {
		return err
	}
	var state job.State
	if found, err := tx.query(ctx, whyNotMine, j.ID).one(&state); err != nil {
		return err
	} else if found && state == job.Running {
		return job.ErrLost
	}
	return job.ErrStopped
}

// ReturnJob ends the holder's lease.
func (db *DB) ReturnJob(ctx context.Context, id, holder string, next time.Time) error {
	return InTx[*Tx](db)(ctx, func(tx *Tx) error {
		return tx.write(ctx, returnJob, id, holder, ms(next))
	})
}

// ReleaseJobs ends the leases of a process that died, as ReleaseMessages does.
func (db *DB) ReleaseJobs(ctx context.Context) error {
	if db.engine.dialect() != sqliteDialect {
		return nil
	}
	return InTx[*Tx](db)(ctx, func(tx *Tx) error {
		return tx.write(ctx, releaseJobs)
	})
}
