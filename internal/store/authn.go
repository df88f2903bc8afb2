package store

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/password"
)

var (
	_ authn.Store = (*DB)(nil)
	_ authn.Tx    = (*Tx)(nil)
)

const (
	findCredentials statement = `
SELECT a.id, a.identifier, a.address, a.verified_at, a.given_name, a.family_name, a.language, a.epoch, a.created_at, a.closed_at,
  COALESCE(p.verifier, ''), COALESCE(p.suspended_at, 0), COALESCE(p.imported_at, 0)
FROM accounts a LEFT JOIN passwords p ON p.account_id = a.id
WHERE a.identifier = $1`

	suspendPassword statement = `
UPDATE passwords SET suspended_at = $2
WHERE suspended_at = 0 AND account_id = (SELECT id FROM accounts WHERE identifier = $1)`

	// The old verifier in the WHERE keeps a rehash from undoing a change of password that came between.
	replaceVerifier statement = `
UPDATE passwords SET verifier = $3 WHERE account_id = $1 AND verifier = $2`
)

// FindCredentials looks an identifier up, by one statement whether it exists or not.
func (db *DB) FindCredentials(ctx context.Context, id account.Identifier) (authn.Credentials, error) {
	var r accountRow
	var verifier string
	var suspended, imported int64
	_, err := db.query(ctx, findCredentials, string(id)).one(append(r.dest(), &verifier, &suspended, &imported)...)
	return authn.Credentials{Account: r.account(), Verifier: password.Verifier(verifier), Suspended: suspended != 0, Imported: imported != 0}, err
}

// SuspendPassword suspends the password of the identifier's account, if there is one.
func (tx *Tx) SuspendPassword(ctx context.Context, id account.Identifier, now time.Time) error {
	return tx.write(ctx, suspendPassword, string(id), ms(now))
}

// ReplaceVerifier stores a verifier with today's costs in place of old, unless it has changed since.
func (tx *Tx) ReplaceVerifier(ctx context.Context, id account.ID, old, fresh password.Verifier) error {
	return tx.write(ctx, replaceVerifier, string(id), string(old), string(fresh))
}

const listOwnNetworks statement = `
SELECT o.networks, (SELECT count(*) FROM persons p WHERE p.organisation_id = o.id) FROM organisations o WHERE o.networks <> ''`

// ListOwnNetworks lists the networks that organisations call their own, with the number of people of each.
func (db *DB) ListOwnNetworks(ctx context.Context) (all []authn.OwnNetwork, err error) {
	err = db.query(ctx, listOwnNetworks).each(func(scan scan) error {
		var networks string
		var people int
		if err := scan(&networks, &people); err != nil {
			return err
		}
		for line := range strings.FieldsSeq(networks) {
			if prefix, err := netip.ParsePrefix(line); err == nil {
				all = append(all, authn.OwnNetwork{Prefix: prefix, People: people})
			}
		}
		return nil
	})
	return all, err
}
