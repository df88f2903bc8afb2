package store

import (
	"context"
	"time"

	"github.com/portvakt/portvakt/internal/dkim"
	"github.com/portvakt/portvakt/internal/organisation"
)

var (
	_ dkim.Store = (*DB)(nil)
	_ dkim.Tx    = (*Tx)(nil)
)

const (
	listDKIMKeys statement = `
SELECT id, organisation_id, domain, selector, sealed, public, created_at, verified_at FROM dkim_keys ORDER BY created_at, id`

	insertDKIMKey statement = `
INSERT INTO dkim_keys (id, organisation_id, domain, selector, sealed, public, created_at, verified_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 0)`

	verifyDKIMKey statement = `UPDATE dkim_keys SET verified_at = $2 WHERE id = $1 AND verified_at = 0`

	deleteDKIMKey statement = `DELETE FROM dkim_keys WHERE id = $1`
)

// ListDKIMKeys lists all keys by age, the oldest first.
func (db *DB) ListDKIMKeys(ctx context.Context) ([]dkim.Stored, error) {
	return list(db.query(ctx, listDKIMKeys), func(scan scan) (k dkim.Stored, err error) {
		var created, verified int64
		err = scan(&k.ID, &k.Organisation, &k.Domain, &k.Selector, &k.Sealed, &k.Public, &created, &verified)
		k.Created, k.Verified = fromMS(created), fromMS(verified)
		return k, err
	})
}

// InsertDKIMKey stores a key.
func (tx *Tx) InsertDKIMKey(ctx context.Context, k dkim.Stored) error {
	return tx.write(ctx, insertDKIMKey, k.ID, string(k.Organisation), k.Domain, k.Selector, k.Sealed, k.Public, ms(k.Created))
}

// VerifyDKIMKey lets a key sign; false if there is no such key, or it does already.
func (tx *Tx) VerifyDKIMKey(ctx context.Context, id string, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, verifyDKIMKey, id, ms(now))
	return n == 1, err
}

// DeleteDKIMKey removes a key; false if there is no such key.
func (tx *Tx) DeleteDKIMKey(ctx context.Context, id string) (bool, error) {
	n, err := tx.exec(ctx, deleteDKIMKey, id)
	return n == 1, err
}

const (
	findSender statement = `SELECT name, mail_from, mail_from_name FROM organisations WHERE id = $1`

	saveSender statement = `UPDATE organisations SET mail_from = $2, mail_from_name = $3, changed_at = $4 WHERE id = $1`
)

// FindSender returns an organisation's name and the sender of its mails; false if there is no such organisation.
func (db *DB) FindSender(ctx context.Context, id organisation.ID) (name string, s organisation.Sender, ok bool, err error) {
	ok, err = db.query(ctx, findSender, string(id)).one(&name, &s.Address, &s.Name)
	return name, s, ok, err
}

// SaveSender stores the sender of an organisation's mails; false if there is no such organisation.
func (tx *Tx) SaveSender(ctx context.Context, id organisation.ID, s organisation.Sender, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, saveSender, string(id), s.Address, s.Name, ms(now))
	return n == 1, err
}
