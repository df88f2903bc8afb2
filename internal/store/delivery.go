package store

import (
	"context"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/outbox"
)

var _ outbox.Bounces = (*DB)(nil)

const (
	// Mails have a history, and what goes by SMS to a person of a register; words only where somebody could ask for them or erase them. Turns that a stranger, or a
	// server that is down for a day, can make many of are kept up to a number.
	addTurn statement = `
INSERT INTO deliveries (message_id, at, kind, words)
SELECT o.id, $2, $3, CASE WHEN o.account_id = '' AND o.person_id = '' THEN '' ELSE $4 END
FROM outbox o WHERE o.id = $1 AND (o.channel = 'mail' OR o.channel = 'sms' AND o.person_id <> '') AND ($5 = 0 OR (SELECT COUNT(*) FROM deliveries d WHERE d.message_id = $1) < $5)
ON CONFLICT (message_id, at, kind) DO NOTHING`

	// A bounce may be here before the acceptance is written down: then it stays.
	reachPerson statement = `
UPDATE persons SET accepted_at = $2,
  bounced_at = CASE WHEN EXISTS (SELECT 1 FROM outbox o WHERE o.id = $3 AND o.bounced_at > 0) THEN bounced_at ELSE 0 END
WHERE id = $1`

	findBounced statement = `
SELECT template, account_id, person_id, bounced_at FROM outbox WHERE id = $1 AND channel = 'mail' AND state IN ('queued', 'sent')`

	bounceMessage statement = `
UPDATE outbox SET bounced_at = $2, bounce_status = $3, bounce_reason = CASE WHEN account_id = '' AND person_id = '' THEN '' ELSE $4 END
WHERE id = $1 AND bounced_at = 0`

	// Of an older mail it says nothing about the address that the person has now.
	bouncePerson statement = `
UPDATE persons SET bounced_at = $2
WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM outbox n JOIN outbox o ON o.id = $3
  WHERE n.person_id = $1 AND n.person_id <> '' AND n.created_at > o.created_at)`

	listPersonMails statement = `
SELECT id, template, recipient, created_at, state, finished_at, answer, bounced_at, bounce_status, bounce_reason
FROM outbox WHERE person_id = $1 AND person_id <> '' ORDER BY created_at DESC, id LIMIT $2`

	listAccountMails statement = `
SELECT id, template, recipient, created_at, state, finished_at, answer, bounced_at, bounce_status, bounce_reason
FROM outbox WHERE account_id = $1 AND channel = 'mail' ORDER BY created_at DESC, id LIMIT $2`

	listTurns statement = `SELECT at, kind, words FROM deliveries WHERE message_id = $1 ORDER BY at, kind`
)

// mostTurns is how many turns of one message are kept, beside how it ended.
const mostTurns = 20

func (tx *Tx) addTurn(ctx context.Context, message string, t outbox.Turn) error {
	most := int64(0) // an end is always kept
	switch t.Kind {
	case outbox.Postponed, outbox.Delayed, outbox.Returned:
		most = mostTurns
	}
	return tx.write(ctx, addTurn, message, ms(t.At), string(t.Kind), t.Words, most)
}

// Bounced records a bounce on its message, and on the person that the message is about.
func (db *DB) Bounced(ctx context.Context, b outbox.Bounce, now time.Time) error {
	return InTx[*Tx](db)(ctx, func(tx *Tx) error {
		var template, acc, person string
		var before int64
		known, err := tx.query(ctx, findBounced, b.Message).one(&template, &acc, &person, &before)
		if err != nil || !known {
			return err
		}
		turn := outbox.Turn{Kind: outbox.Delayed, At: now, Words: outbox.Words(b.Status + " " + b.Reason)}
		if b.Failed {
			turn.Kind = outbox.Returned
		}
		if err := tx.addTurn(ctx, b.Message, turn); err != nil || !b.Failed || before > 0 {
			return err
		}
		if err := tx.write(ctx, bounceMessage, b.Message, ms(now), b.Status, b.Reason); err != nil {
			return err
		}
		if person != "" {
			if err := tx.write(ctx, bouncePerson, person, ms(now), b.Message); err != nil {
				return err
			}
		}
		e := audit.Event{Kind: audit.MessageBounced, At: now, Actor: "system", Account: account.ID(acc), Message: b.Message,
			Detail: map[string]string{"template": template, "status": b.Status}}
		if acc != "" {
			e.Personal = map[string]string{"answer": b.Reason}
		}
		return tx.Append(ctx, e)
	})
}

// ListPersonMails lists the newest mails to a person of a register, with all that became of each.
func (db *DB) ListPersonMails(ctx context.Context, person string, n int) ([]outbox.Record, error) {
	return db.records(ctx, db.query(ctx, listPersonMails, person, int64(n)))
}

// ListAccountMails lists the newest mails to the owner of an account, with all that became of each.
func (db *DB) ListAccountMails(ctx context.Context, id account.ID, n int) ([]outbox.Record, error) {
	return db.records(ctx, db.query(ctx, listAccountMails, string(id), int64(n)))
}

func (db *DB) records(ctx context.Context, q query) ([]outbox.Record, error) {
	all, err := list(q, func(scan scan) (r outbox.Record, err error) {
		var created, finished, bounced int64
		err = scan(&r.ID, &r.Template, &r.To, &created, &r.State, &finished, &r.Answer, &bounced, &r.Status, &r.Reason)
		r.Created, r.Finished, r.Bounced = fromMS(created), fromMS(finished), fromMS(bounced)
		return r, err
	})
	for i := range all {
		if err == nil {
			all[i].Turns, err = list(db.query(ctx, listTurns, all[i].ID), scanTurn)
		}
	}
	return all, err
}

func scanTurn(scan scan) (t outbox.Turn, err error) {
	var at int64
	err = scan(&at, &t.Kind, &t.Words)
	t.At = fromMS(at)
	return t, err
}
