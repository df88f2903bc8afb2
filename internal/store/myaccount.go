package store

import (
	"context"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/myaccount"
)

// The account's page reads and ends sessions; their SQL stands in session.go, that of its other parts in files of their names.
var (
	_ myaccount.Store = (*DB)(nil)
	_ myaccount.Tx    = (*Tx)(nil)
)

const saveProfile statement = `UPDATE accounts SET given_name = $2, family_name = $3, language = $4 WHERE id = $1`

// SaveProfile stores the account's names and language.
func (tx *Tx) SaveProfile(ctx context.Context, id account.ID, p myaccount.Profile) error {
	return tx.write(ctx, saveProfile, string(id), p.GivenName, p.FamilyName, p.Language)
}

const findPasswordChanged statement = `SELECT changed_at FROM passwords WHERE account_id = $1`

// FindPasswordChanged says when the account's password was set; zero: it has none.
func (db *DB) FindPasswordChanged(ctx context.Context, id account.ID) (time.Time, error) {
	var at int64
	ok, err := db.query(ctx, findPasswordChanged, string(id)).one(&at)
	if !ok {
		return time.Time{}, err
	}
	return fromMS(at), err
}
