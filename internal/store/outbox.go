package store

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/preparation"
)

var _ outbox.Store = (*DB)(nil)

const (
	enqueue statement = `
INSERT INTO outbox (id, channel, template, recipient, account_id, language, params, secret, lane, created_at, not_before, expires_at,
  attempts, prepared, link_id, state, reason, leased_by, lease_until, finished_at, organisation_id, person_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, $13, $14, 'queued', '', '', 0, 0, $15, $16)`

	// Asked first, so that an idle outbox costs a read and no transaction.
	findDueMessage statement = `
SELECT id FROM outbox WHERE state = 'queued' AND channel = $2 AND not_before <= $1 AND lease_until <= $1 LIMIT 1`

	// The lease is asked again in the outer WHERE: without row locks, that is what only one worker can win.
	leaseMessages statement = `
UPDATE outbox SET leased_by = $1, lease_until = $3
WHERE state = 'queued' AND lease_until <= $2 AND id IN (SELECT id FROM outbox
  WHERE state = 'queued' AND channel = $5 AND not_before <= $2 AND lease_until <= $2 ORDER BY lane, not_before, id LIMIT $4)
RETURNING id, channel, template, recipient, account_id, language, params, secret, lane, created_at, not_before, expires_at,
  attempts, prepared, organisation_id, person_id`

	// A message of no account and no person has nobody who could ask what became of it, or erase it: whom it was for is
	// forgotten with it, and what the other side said.
	finishMessage statement = `
UPDATE outbox SET state = $2, reason = $3, secret = $4, finished_at = $5, lease_until = 0, account_id = $6,
  recipient = CASE WHEN $6 = '' AND person_id = '' THEN '' ELSE recipient END, params = CASE WHEN $6 = '' THEN '{}' ELSE params END,
  answer = CASE WHEN $6 = '' AND person_id = '' THEN '' ELSE $7 END
WHERE id = $1 AND state = 'queued'`

	postponeMessage statement = `
UPDATE outbox SET attempts = attempts + 1, not_before = $2, reason = $3, lease_until = 0 WHERE id = $1 AND state = 'queued'`

	releaseMessages statement = `UPDATE outbox SET lease_until = 0 WHERE state = 'queued' AND lease_until > 0`

	// A link's life counts from the mail server's acceptance (RULES §4).
	startLinkLife statement = `
UPDATE onetime_links SET expires_at = $2 + life
WHERE consumed_at = 0 AND expires_at > $2 AND id = (SELECT link_id FROM outbox WHERE id = $1)`
)

// Enqueue adds a message to the outbox.
func (tx *Tx) Enqueue(ctx context.Context, m outbox.Message) error {
	params, err := json.Marshal(m.Params)
	if err != nil {
		return err
	}
	return tx.write(ctx, enqueue, m.ID, string(m.Channel), m.Template, m.To, string(m.Account), m.Language, string(params),
		orEmpty(m.Secret), int64(m.Lane), ms(m.Created), ms(m.NotBefore), ms(m.Expires), m.Prepared, m.Link, string(m.Organisation), m.Person)
}

func orEmpty(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func scanMessage(scan scan) (m outbox.Message, err error) {
	var params string
	var created, notBefore, expires int64
	err = scan(&m.ID, &m.Channel, &m.Template, &m.To, &m.Account, &m.Language, &params, &m.Secret, &m.Lane, &created, &notBefore,
		&expires, &m.Attempts, &m.Prepared, &m.Organisation, &m.Person)
	if err != nil {
		return m, err
	}
	m.Created, m.NotBefore, m.Expires = fromMS(created), fromMS(notBefore), fromMS(expires)
	return m, json.Unmarshal([]byte(params), &m.Params)
}

// Lease takes up to n due messages of a channel for the worker until the given time.
func (db *DB) Lease(ctx context.Context, worker string, on outbox.Channel, n int, now, until time.Time) (batch []outbox.Message, err error) {
	var id string
	if due, err := db.query(ctx, findDueMessage, ms(now), string(on)).one(&id); err != nil || !due {
		return nil, err
	}
	err = InTx[*Tx](db)(ctx, func(tx *Tx) (err error) {
		batch, err = list(tx.query(ctx, leaseMessages, worker, ms(now), ms(until), int64(n), string(on)), scanMessage)
		return err
	})
	// An UPDATE returns its rows in any order, and people read their mails in the order in which they come.
	slices.SortStableFunc(batch, func(a, b outbox.Message) int {
		return cmp.Or(cmp.Compare(a.Lane, b.Lane), a.Created.Compare(b.Created))
	})
	return batch, err
}

// ReleaseMessages ends the leases of a process that died, so that a mail which it had in hand goes out at once and not
// after a minute. Only SQLite's file tells that it is dead: whoever has it open is alone. Other nodes may live.
func (db *DB) ReleaseMessages(ctx context.Context) error {
	if db.engine.dialect() != sqliteDialect {
		return nil
	}
	return InTx[*Tx](db)(ctx, func(tx *Tx) error {
		return tx.write(ctx, releaseMessages)
	})
}

// Accepted records that the message was delivered, and the other side's words, wipes its secret and starts the life of the
// link that it carried.
func (db *DB) Accepted(ctx context.Context, m outbox.Message, words string, now time.Time) error {
	return InTx[*Tx](db)(ctx, func(tx *Tx) error {
		if err := tx.write(ctx, startLinkLife, m.ID, ms(now)); err != nil {
			return err
		}
		if err := tx.write(ctx, startPreparationLife, m.ID, ms(now)); err != nil {
			return err
		}
		if m.Template == preparation.ObjectionTemplate {
			if err := tx.write(ctx, settleProposal, m.ID, ms(now.Add(preparation.Object.Life()))); err != nil {
				return err
			}
		}
		n, err := tx.exec(ctx, finishMessage, m.ID, string(outbox.Sent), "", []byte{}, ms(now), string(m.Account), words)
		if err != nil || n == 0 {
			return err
		}
		if m.Person != "" {
			if err := tx.write(ctx, reachPerson, m.Person, ms(now), m.ID); err != nil {
				return err
			}
		}
		return tx.addTurn(ctx, m.ID, outbox.Turn{Kind: outbox.Accepted, At: now, Words: words})
	})
}

// Postponed gives the message back for a later try. The turn says what went wrong.
func (db *DB) Postponed(ctx context.Context, m outbox.Message, next time.Time, reason string, t outbox.Turn) error {
	return InTx[*Tx](db)(ctx, func(tx *Tx) error {
		n, err := tx.exec(ctx, postponeMessage, m.ID, ms(next), reason)
		if err != nil || n == 0 {
			return err
		}
		return tx.addTurn(ctx, m.ID, t)
	})
}

// Finished takes the message out of the queue undelivered, wipes its secret and writes the event and the turn.
func (db *DB) Finished(ctx context.Context, m outbox.Message, state outbox.State, reason string, e audit.Event, t outbox.Turn) error {
	return InTx[*Tx](db)(ctx, func(tx *Tx) error {
		n, err := tx.exec(ctx, finishMessage, m.ID, string(state), reason, []byte{}, ms(e.At), string(m.Account), "")
		if err != nil || n == 0 {
			return err // it went meanwhile with the account that it was for, and the line would tell of it
		}
		if err := tx.addTurn(ctx, m.ID, t); err != nil {
			return err
		}
		if state == outbox.Dead && m.Channel == outbox.SMS && m.Person != "" { // of a mail that nobody takes its sender is told by a bounce
			if err := tx.write(ctx, bouncePerson, m.Person, ms(e.At), m.ID); err != nil {
				return err
			}
		}
		return tx.Append(ctx, e)
	})
}
