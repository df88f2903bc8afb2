package store

import (
	"context"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/outbox"
)

const (
	findPhone statement = `SELECT account_id, sealed, created_at, used_at, suspended_at FROM phones WHERE account_id = $1`

	savePhone statement = `
INSERT INTO phones (account_id, sealed, created_at, used_at, suspended_at) VALUES ($1, $2, $3, 0, 0)
ON CONFLICT (account_id) DO UPDATE SET sealed = excluded.sealed, created_at = excluded.created_at, used_at = 0,
  suspended_at = 0`

	touchPhone statement = `UPDATE phones SET used_at = $2 WHERE account_id = $1`

	suspendPhone statement = `UPDATE phones SET suspended_at = $2 WHERE account_id = $1 AND suspended_at = 0`

	deletePhone statement = `DELETE FROM phones WHERE account_id = $1`

	findTexted statement = `
SELECT attempt_id, account_id, purpose, sealed, code_id, mac, sent_at, times, message_id, expires_at FROM sms_codes WHERE attempt_id = $1`

	saveTexted statement = `
INSERT INTO sms_codes (attempt_id, account_id, purpose, sealed, code_id, mac, sent_at, times, message_id, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (attempt_id) DO UPDATE SET account_id = excluded.account_id, purpose = excluded.purpose, sealed = excluded.sealed,
  code_id = excluded.code_id, mac = excluded.mac, sent_at = excluded.sent_at, times = excluded.times, message_id = excluded.message_id`

	// Of two callers with the same code one changes a row; a newer code has another id.
	consumeTexted statement = `UPDATE sms_codes SET code_id = '' WHERE attempt_id = $1 AND code_id = $2`

	findDelivery statement = `SELECT state, attempts FROM outbox WHERE id = $1`
)

// FindPhone returns the account's phone.
func (db *DB) FindPhone(ctx context.Context, id account.ID) (p authn.Phone, ok bool, err error) {
	var created, used, suspended int64
	ok, err = db.query(ctx, findPhone, string(id)).one(&p.Account, &p.Sealed, &created, &used, &suspended)
	p.Created, p.Used, p.Suspended = fromMS(created), fromMS(used), fromMS(suspended)
	return p, ok, err
}

// SavePhone binds a phone to its account, in place of an older one.
func (tx *Tx) SavePhone(ctx context.Context, p authn.Phone) error {
	return tx.write(ctx, savePhone, string(p.Account), p.Sealed, ms(p.Created))
}

// TouchPhone notes that the account's phone was used.
func (tx *Tx) TouchPhone(ctx context.Context, id account.ID, now time.Time) error {
	return tx.write(ctx, touchPhone, string(id), ms(now))
}

// SuspendPhone takes the account's phone out of use.
func (tx *Tx) SuspendPhone(ctx context.Context, id account.ID, now time.Time) error {
	return tx.write(ctx, suspendPhone, string(id), ms(now))
}

// DeleteBesideApps takes away what exists beside an app alone: recovery codes and the phone.
func (tx *Tx) DeleteBesideApps(ctx context.Context, id account.ID) error {
	for _, s := range []statement{deleteRecovery, deleteIssued, deletePhone} {
		if err := tx.write(ctx, s, string(id)); err != nil {
			return err
		}
	}
	return nil
}

// DeletePhone unbinds the account's phone; false if it has none.
func (tx *Tx) DeletePhone(ctx context.Context, id account.ID) (bool, error) {
	n, err := tx.exec(ctx, deletePhone, string(id))
	return n == 1, err
}

// FindTexted reads what an attempt has sent by SMS.
func (db *DB) FindTexted(ctx context.Context, attempt string) (authn.Texted, error) {
	return readTexted(ctx, db, attempt)
}

// FindTexted reads what an attempt has sent by SMS.
func (tx *Tx) FindTexted(ctx context.Context, attempt string) (authn.Texted, error) {
	return readTexted(ctx, tx, attempt)
}

func readTexted(ctx context.Context, from querier, attempt string) (t authn.Texted, err error) {
	var sent, expires int64
	_, err = from.query(ctx, findTexted, attempt).one(&t.Attempt, &t.Account, &t.Use, &t.Sealed, &t.Sent.ID, &t.Sent.MAC, &sent, &t.Times,
		&t.Message, &expires)
	t.Sent.At, t.Expires = fromMS(sent), fromMS(expires)
	return t, err
}

// SaveTexted stores what an attempt sends by SMS.
func (tx *Tx) SaveTexted(ctx context.Context, t authn.Texted) error {
	return tx.write(ctx, saveTexted, t.Attempt, string(t.Account), string(t.Use), t.Sealed, t.Sent.ID, orEmpty(t.Sent.MAC), ms(t.Sent.At),
		int64(t.Times), t.Message, ms(t.Expires))
}

// ConsumeTexted takes the code away that the attempt has sent last.
func (tx *Tx) ConsumeTexted(ctx context.Context, attempt, sent string) (bool, error) {
	n, err := tx.exec(ctx, consumeTexted, attempt, sent)
	return n == 1, err
}

// inVain is after how many tries a person is told that something is wrong.
const inVain = 2

// FindDelivery says what has become of a message of the outbox.
func (db *DB) FindDelivery(ctx context.Context, message string) (authn.Delivery, error) {
	var state outbox.State
	var attempts int
	found, err := db.query(ctx, findDelivery, message).one(&state, &attempts)
	d := authn.Delivery{Sent: state == outbox.Sent}
	d.Failed = found && !d.Sent && (state != "queued" || attempts >= inVain)
	return d, err
}
