package store

import (
	"context"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/token"
)

const (
	// Of two workers with the same question one names the person.
	nameAsked statement = `
UPDATE devices SET account_id = $2, epoch = $3 WHERE id = $1 AND state = 'waiting' AND account_id = '' AND delivery <> '' AND expires_at > $4 RETURNING id`

	findAsked statement = `
SELECT id, code, client_id, scope, jkt, state, account_id, grant_id, created_at, expires_at, polled_at, poll_interval,
  user_code, acr, amr, auth_time, epoch, approved_at, session_id, delivery, notify
FROM devices WHERE id = $1 AND delivery <> ''`

	// An answer that the app has not fetched.
	denyAnswered statement = `UPDATE devices SET state = 'denied' WHERE account_id = $1 AND state = 'approved' AND delivery <> ''`

	// $2: the app; '' where that is known. $4: a phone; '': any.
	findAskable statement = `
SELECT (SELECT count(*) FROM push_keys q JOIN totp_keys k ON k.id = q.app_id
    WHERE q.account_id = $1 AND q.lost_at = 0 AND k.suspended_at = 0 AND ($4 = '' OR q.app_id = $4)),
  (SELECT count(*) FROM push_challenges c WHERE c.account_id = $1 AND c.expires_at > $3 AND c.state = 'waiting' AND c.purpose = 'ask'),
  (SELECT count(*) FROM connections c JOIN persons p ON p.id = c.person_id
    JOIN relying_party_organisations o ON o.organisation_id = p.organisation_id AND o.client_id = $2 WHERE c.account_id = $1)`
)

// NameAsked notes whom an app's request has turned out to ask; false if it is over, or that was noted before.
func (tx *Tx) NameAsked(ctx context.Context, id string, acc account.Account, now time.Time) (bool, error) {
	return tx.query(ctx, nameAsked, id, string(acc.ID), acc.Epoch, ms(now)).one(&id)
}

// FindAsked reads an app's request; false if there is none of that id.
func (tx *Tx) FindAsked(ctx context.Context, id string) (token.Device, bool, error) {
	var r deviceRow
	ok, err := tx.query(ctx, findAsked, id).one(r.dest()...)
	return r.device(), ok, err
}

// FindAskable says how an account stands to an app that wants to ask it. key: of its phones this one counts alone; empty: all do.
func (tx *Tx) FindAskable(ctx context.Context, id account.ID, clientID, key string, now time.Time) (a grant.Askable, err error) {
	_, err = tx.query(ctx, findAskable, string(id), clientID, ms(now), key).one(&a.Phones, &a.Waiting, &a.Persons)
	return a, err
}
