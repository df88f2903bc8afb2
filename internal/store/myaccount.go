package store

import (
	"context"
	"slices"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/myaccount"
)

// The account's page reads and ends sessions; their SQL stands in session.go.
var (
	_ myaccount.Store = (*DB)(nil)
	_ myaccount.Tx    = (*Tx)(nil)
)

const listOfflineApps statement = `
SELECT DISTINCT r.name FROM grants g JOIN relying_parties r ON r.client_id = g.client_id
WHERE g.account_id = $1 AND g.offline AND g.ended_at = 0 AND g.expires_at > $2`

const saveProfile statement = `UPDATE accounts SET given_name = $2, family_name = $3, language = $4 WHERE id = $1`

// SaveProfile stores the account's names and language.
func (tx *Tx) SaveProfile(ctx context.Context, id account.ID, p myaccount.Profile) error {
	_, err := tx.exec(ctx, saveProfile, string(id), p.GivenName, p.FamilyName, p.Language)
	return err
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

// ListOfflineApps lists the names of the RPs whose grants outlive a sign-out.
func (db *DB) ListOfflineApps(ctx context.Context, id account.ID, now time.Time) ([]string, error) {
	names, err := list(db.query(ctx, listOfflineApps, string(id), ms(now)), func(scan scan) (name string, err error) {
		return name, scan(&name)
	})
	slices.Sort(names) // here: a database sorts by its locale
	return names, err
}
