package store

import (
	"context"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/password"
)

const (
	findImported statement = `SELECT imported_hash FROM persons WHERE id = $1`

	adoptImported statement = `
INSERT INTO passwords (account_id, verifier, alone, suspended_at, changed_at, imported_at, must_replace)
VALUES ($1, $2, false, 0, $3, $3, false)
ON CONFLICT (account_id) DO NOTHING`

	// Of many who log in at once one replaces it; the others find that it was.
	replaceImported statement = `
UPDATE passwords SET verifier = $3, alone = $4, must_replace = $5, imported_at = 0 WHERE account_id = $1 AND verifier = $2 AND imported_at > 0`

	hasImported statement = `
SELECT found FROM (SELECT 1 AS found) one WHERE EXISTS (SELECT 1 FROM passwords WHERE imported_at > 0)
  OR EXISTS (SELECT 1 FROM organisations o WHERE EXISTS (SELECT 1 FROM persons p WHERE p.organisation_id = o.id AND p.imported_hash <> '' AND p.imported_hash <> '!'))`
)

// AdoptImported lets the password of the old login open the account: the caller has seen the address confirmed by mail (RULES §7). An
// account that has a password keeps it, and the register keeps none. A hash that will not verify is no password: its owner would be
// asked for one that nothing matches.
func (tx *Tx) AdoptImported(ctx context.Context, personID string, id account.ID, now time.Time) error {
	var hash string
	if _, err := tx.query(ctx, findImported, personID).one(&hash); err != nil {
		return err
	}
	if hash == "" {
		return nil
	}
	if _, err := password.ParseImported(hash); err == nil {
		if err := tx.write(ctx, adoptImported, string(id), hash, ms(now)); err != nil {
			return err
		}
	}
	return tx.DropImported(ctx, personID)
}

// ReplaceImported stores our own verifier in place of another system's, unless it has changed since, and says whether it did.
func (tx *Tx) ReplaceImported(ctx context.Context, id account.ID, old, fresh password.Verifier, alone, mustReplace bool) (bool, error) {
	n, err := tx.exec(ctx, replaceImported, string(id), string(old), string(fresh), alone, mustReplace)
	return n == 1, err
}

// HasImported says whether any account's password is still another system's hash, or may become one: a register holds it.
func (db *DB) HasImported(ctx context.Context) (bool, error) {
	var found int64
	return db.query(ctx, hasImported).one(&found)
}
