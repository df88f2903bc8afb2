package store

import (
	"context"
	"time"

	"github.com/portvakt/portvakt/internal/vapid"
)

var (
	_ vapid.Store = (*DB)(nil)
	_ vapid.Tx    = (*Tx)(nil)
)

const (
	listVAPIDKeys statement = `SELECT id, sealed, created_at FROM vapid_keys ORDER BY created_at, id`

	insertVAPIDKey statement = `INSERT INTO vapid_keys (id, sealed, created_at) VALUES ($1, $2, $3)`

	// Those that have a successor from before that time.
	retireVAPIDKeys statement = `
DELETE FROM vapid_keys WHERE created_at < (SELECT MAX(created_at) FROM vapid_keys WHERE created_at < $1)
  AND NOT EXISTS (SELECT 1 FROM push_keys p WHERE p.vapid_id = vapid_keys.id)`
)

func scanVAPIDKey(scan scan) (k vapid.Stored, err error) {
	var created int64
	err = scan(&k.ID, &k.Sealed, &created)
	k.Created = fromMS(created)
	return k, err
}

// ListVAPIDKeys lists the keys by age, the oldest first.
func (db *DB) ListVAPIDKeys(ctx context.Context) ([]vapid.Stored, error) {
	return list(db.query(ctx, listVAPIDKeys), scanVAPIDKey)
}

// ListVAPIDKeysInTx is ListVAPIDKeys inside a transaction that may add one.
func (tx *Tx) ListVAPIDKeysInTx(ctx context.Context) ([]vapid.Stored, error) {
	return list(tx.query(ctx, listVAPIDKeys), scanVAPIDKey)
}

// InsertVAPIDKey stores a key.
func (tx *Tx) InsertVAPIDKey(ctx context.Context, k vapid.Stored) error {
	return tx.write(ctx, insertVAPIDKey, k.ID, k.Sealed, ms(k.Created))
}

// RetireVAPIDKeys removes the keys that have a successor from before the given time, and no subscription.
func (tx *Tx) RetireVAPIDKeys(ctx context.Context, before time.Time) error {
	return tx.write(ctx, retireVAPIDKeys, ms(before))
}
