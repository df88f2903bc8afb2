package store

import (
	"context"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/myaccount"
)

const (
	findPendingAddress statement = `
SELECT id, account_id, epoch, identifier, address, requested_at, expires_at FROM pending_addresses
WHERE account_id = $1 AND epoch = $2 AND expires_at > $3`

	readPendingAddress statement = `
SELECT p.id, p.account_id, p.epoch, p.identifier, p.address, p.requested_at, p.expires_at,
  a.id, a.identifier, a.address, a.verified_at, a.given_name, a.family_name, a.language, a.epoch, a.created_at, a.closed_at
FROM pending_addresses p JOIN accounts a ON a.id = p.account_id AND a.epoch = p.epoch AND a.closed_at = 0
WHERE p.id = $1 AND p.expires_at > $2`

	savePendingAddress statement = `
INSERT INTO pending_addresses (account_id, id, epoch, identifier, address, requested_at, expires_at)
SELECT id, $2, epoch, $4, $5, $6, $7 FROM accounts WHERE id = $1 AND epoch = $3 AND closed_at = 0
ON CONFLICT (account_id) DO UPDATE SET id = excluded.id, epoch = excluded.epoch, identifier = excluded.identifier,
  address = excluded.address, requested_at = excluded.requested_at, expires_at = excluded.expires_at`

	takePendingAddress statement = `
DELETE FROM pending_addresses WHERE account_id = $1 AND epoch = $3 AND ($2 = '' OR id = $2)
RETURNING id, account_id, epoch, identifier, address, requested_at, expires_at`

	// One statement changes both and asks whether the identifier is free: of two accounts one gets it.
	changeAddress statement = `
UPDATE accounts SET identifier = $2, address = $3, verified_at = $4, address_changed_at = $4
WHERE id = $1 AND closed_at = 0 AND NOT EXISTS (SELECT 1 FROM accounts o WHERE o.identifier = $2 AND o.id <> $1)`

	// What was told at a former address from then on was told to whoever has taken the account.
	endLaterNotMe statement = `
UPDATE onetime_links SET expires_at = $4
WHERE account_id = $1 AND purpose = 'notme' AND id <> $2 AND created_at >= $3 AND consumed_at = 0 AND expires_at > $4`

	deleteAppsSince statement = `DELETE FROM totp_keys WHERE account_id = $1 AND created_at >= $2`

	deleteIssuedSince statement = `DELETE FROM issued_codes WHERE account_id = $1 AND created_at >= $2`

	deleteRecoverySince statement = `DELETE FROM recovery_codes WHERE account_id = $1 AND created_at >= $2`

	deletePhoneSince statement = `DELETE FROM phones WHERE account_id = $1 AND created_at >= $2`
)

// pendingRow receives the columns of a waiting address.
type pendingRow struct {
	myaccount.PendingAddress
	requested, expires int64
}

func (r *pendingRow) dest() []any {
	return []any{&r.ID, &r.Account, &r.Epoch, &r.Identifier, &r.Address, &r.requested, &r.expires}
}

func (r *pendingRow) pending() myaccount.PendingAddress {
	p := r.PendingAddress
	p.Requested, p.Expires = fromMS(r.requested), fromMS(r.expires)
	return p
}

// FindPendingAddress returns the address that waits to be confirmed at the account's epoch.
func (db *DB) FindPendingAddress(ctx context.Context, id account.ID, epoch int64, now time.Time) (myaccount.PendingAddress, error) {
	var r pendingRow
	ok, err := db.query(ctx, findPendingAddress, string(id), epoch, ms(now)).one(r.dest()...)
	if !ok {
		return myaccount.PendingAddress{}, err
	}
	return r.pending(), err
}

// ReadPendingAddress returns a waiting address by its id, with its account.
func (tx *Tx) ReadPendingAddress(ctx context.Context, id string, now time.Time) (myaccount.PendingAddress, account.Account, error) {
	var r pendingRow
	var a accountRow
	ok, err := tx.query(ctx, readPendingAddress, id, ms(now)).one(append(r.dest(), a.dest()...)...)
	if !ok {
		return myaccount.PendingAddress{}, account.Account{}, err
	}
	return r.pending(), a.account(), err
}

// SavePendingAddress stores the address in place of another that waits; false if the account's epoch has moved.
func (tx *Tx) SavePendingAddress(ctx context.Context, p myaccount.PendingAddress) (bool, error) {
	n, err := tx.exec(ctx, savePendingAddress, string(p.Account), p.ID, p.Epoch, string(p.Identifier), p.Address, ms(p.Requested), ms(p.Expires))
	return n == 1, err
}

// TakePendingAddress takes the account's waiting address away and returns it.
func (tx *Tx) TakePendingAddress(ctx context.Context, id account.ID, pending string, epoch int64) (myaccount.PendingAddress, bool, error) {
	var r pendingRow
	ok, err := tx.query(ctx, takePendingAddress, string(id), pending, epoch).one(r.dest()...)
	return r.pending(), ok, err
}

// ChangeAddress changes address and identifier, and says when; false, and nothing, if another account has the identifier.
func (tx *Tx) ChangeAddress(ctx context.Context, id account.ID, identifier account.Identifier, address string, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, changeAddress, string(id), string(identifier), address, ms(now))
	return n == 1, err
}

// EndLaterNotMe ends the account's links of "this was not me" that were made since, but for one.
func (tx *Tx) EndLaterNotMe(ctx context.Context, id account.ID, but string, since, now time.Time) error {
	return tx.write(ctx, endLaterNotMe, string(id), but, ms(since), ms(now))
}

// DeleteSecondSince unbinds the apps and the phone, and takes the recovery codes away, that were added since.
func (tx *Tx) DeleteSecondSince(ctx context.Context, id account.ID, since time.Time) error {
	for _, text := range []statement{deleteAppsSince, deletePhoneSince, deleteRecoverySince, deleteIssuedSince} {
		if err := tx.write(ctx, text, string(id), ms(since)); err != nil {
			return err
		}
	}
	return tx.deletePushKeys(ctx, deleteOrphanPushKeys, id)
}
